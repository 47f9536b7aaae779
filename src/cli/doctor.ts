// `doctor`: what this machine has, which targets would work, and what is missing.
import type { Command } from "commander";
import { examine } from "../workflows/doctor.js";
import { EXIT } from "./failure.js";
import { formatDoctor } from "./reporters/doctor.js";
import { collect, type CommonOptions, type RunCommand } from "./runtime.js";
import { TARGETS } from "./target.js";
import { addClusterFlags, type ClusterFlags } from "./wiring/installing.js";
import { probeLikelyTargets, probeParts, probeTarget } from "./wiring/probing.js";

interface DoctorFlags extends CommonOptions, ClusterFlags {
  readonly to: readonly string[];
}

/** Registers the command. Exit code 1 when a target named with `--to` would not work; a part that nobody asked for may be missing. */
export function registerDoctor(program: Command, runCommand: RunCommand): void {
  addClusterFlags(
    program
      .command("doctor")
      .description("say what this machine has, which targets would work, and what is missing")
      .option("--to <target>", `a target that must work: ${TARGETS}; may be repeated`, collect, []),
  ).action(async (flags: DoctorFlags) => {
    await runCommand(flags, async (runtime) => {
      const targets = flags.to.map((text) => probeTarget(text, runtime));
      const [parts, found] = await Promise.all([
        examine(probeParts(flags, runtime), runtime.signal),
        examine(targets.length > 0 ? targets : await probeLikelyTargets(runtime), runtime.signal),
      ]);
      const findings = [...parts, ...found];
      await runtime.stopProgress();
      runtime.print(formatDoctor(findings), { formatVersion: 1, findings });
      return targets.length > 0 && found.some(({ isThere }) => !isThere) ? EXIT.negative : EXIT.done;
    });
  });
}
