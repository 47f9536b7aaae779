// `verify BUNDLE`: checks every checksum, and that nothing that a release needs is missing.
import type { Command } from "commander";
import { verifyBundle } from "../workflows/verify/verify.js";
import type { CommonOptions, RunCommand } from "./runtime.js";
import { examples } from "./command-line.js";
import { EXIT } from "./failure.js";
import { formatVerify } from "./reporters/verify.js";

export function registerVerify(program: Command, runCommand: RunCommand): void {
  program
    .command("verify")
    .description("verify all checksums, and that nothing that a release needs is missing")
    .addHelpText("after", examples("verify app.bundle"))
    .argument("<bundle>", "bundle file")
    .action(async (file: string, options: CommonOptions) => {
      await runCommand(options, async (runtime) => {
        const bundle = await runtime.reader.openBundle(file);
        const report = await verifyBundle(runtime.run, bundle, { reader: runtime.reader });
        await runtime.stopProgress();
        runtime.print(report, formatVerify, { formatVersion: 1, ...report });
        return report.problems.length === 0 ? EXIT.done : EXIT.negative;
      });
    });
}
