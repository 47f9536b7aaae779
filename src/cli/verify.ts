// `verify BUNDLE`: checks every checksum, and that nothing that a release needs is missing.
import type { Command } from "commander";
import { reportMissingBase, verifyBundle } from "../workflows/verify/verify.js";
import { verifyWithLayers } from "../workflows/verify/verify-layers.js";
import type { CommonOptions, RunCommand } from "./runtime.js";
import { examples, keyOption } from "./command-line.js";
import { EXIT } from "./failure.js";
import { baseOption, openGiven, type BaseFlags } from "./opening.js";
import { formatVerify } from "./reporters/verify.js";

export function registerVerify(program: Command, runCommand: RunCommand): void {
  program
    .command("verify")
    .description("verify all checksums, and that nothing that a release needs is missing")
    .addHelpText("after", examples("verify app.bundle", "verify app-1.1.bundle --base app-1.0.bundle"))
    .argument("<bundle>", "bundle file")
    .addOption(baseOption())
    .addOption(keyOption())
    .option("--layers", "also decompress every layer and compare it with the image (some 10 s per GB)")
    .action(async (file: string, options: VerifyOptions) => {
      await runCommand(options, async (runtime) => {
        const bundle = await openGiven(file, options, runtime);
        const ports = { reader: runtime.reader };
        const verify = options.layers === true ? verifyWithLayers : verifyBundle;
        const report = reportMissingBase(await verify(runtime.run, bundle, ports), bundle);
        await runtime.stopProgress();
        runtime.print(report, formatVerify, { formatVersion: 1, ...report });
        return report.problems.length === 0 ? EXIT.done : EXIT.negative;
      });
    });
}

interface VerifyOptions extends CommonOptions, BaseFlags {
  readonly layers?: boolean;
}
