// `doctor`: checks which programs and targets are available on this machine.
import type { Command } from "commander";
import { examine } from "../workflows/doctor.js";
import { EXIT } from "./failure.js";
import { formatDoctor } from "./reporters/doctor.js";
import { examples, listOption } from "./command-line.js";
import type { CommonOptions, RunCommand } from "./runtime.js";
import { TARGETS } from "./target.js";
import { addClusterFlags, type ClusterFlags } from "./wiring/installing.js";
import { probeLikelyTargets, probeParts, probeTarget } from "./wiring/probing.js";

interface DoctorFlags extends CommonOptions, ClusterFlags {
  readonly to: readonly string[];
}

/**
 * Registers the command. The exit code is 1 when a target given with `--to` does not work. Other
 * missing parts do not affect it.
 */
export function registerDoctor(program: Command, runCommand: RunCommand): void {
  addClusterFlags(
    program
      .command("doctor")
      .description("check which programs and targets are available, and report what is missing")
      .addHelpText("after", examples("doctor", "doctor --to kind --to docker"))
      .addOption(listOption("--to <target>", `target that must work: ${TARGETS}`)),
  ).action(async (flags: DoctorFlags) => {
    await runCommand(flags, async (runtime) => {
      const targets = flags.to.map((text) => probeTarget(text, runtime));
      const [parts, found] = await Promise.all([
        examine(probeParts(flags, runtime), runtime.signal),
        examine(targets.length > 0 ? targets : await probeLikelyTargets(runtime), runtime.signal),
      ]);
      const findings = [...parts, ...found];
      await runtime.stopProgress();
      runtime.print(findings, formatDoctor, { formatVersion: 1, findings });
      return targets.length > 0 && found.some(({ isThere }) => !isThere) ? EXIT.negative : EXIT.done;
    });
  });
}
