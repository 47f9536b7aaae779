// `join PART -o FILE`: writes the parts of a bundle to one file again.
import { basename, resolve } from "node:path";
import type { Command } from "commander";
import { joinBundle } from "../workflows/join/join.js";
import { examples, keyOption } from "./command-line.js";
import { EXIT } from "./failure.js";
import { checkBundleOutput } from "./output.js";
import { formatJoin } from "./reporters/parts.js";
import type { CommonOptions, RunCommand } from "./runtime.js";

interface JoinFlags extends CommonOptions {
  readonly output: string;
  readonly force?: boolean;
}

export function registerJoin(program: Command, runCommand: RunCommand): void {
  program
    .command("join")
    .description("write the parts of a bundle to one file again")
    .addHelpText("after", examples("join app.bundle.001 -o app.bundle"))
    .argument("<part>", "any part of the bundle; the others are next to it")
    .addOption(keyOption())
    .requiredOption("-o, --output <file>", "bundle file to write, or a folder")
    .option("--force", "replace a file that is not a bundle")
    .action(async (file: string, flags: JoinFlags) => {
      await runCommand(flags, async (runtime) => {
        const part = resolve(runtime.cwd, file);
        const output = await checkBundleOutput(
          { option: "--output", text: flags.output, force: flags.force === true },
          basename(part).replace(/\.\d{3}$/, ""),
          [{ what: "a part of the bundle", path: part }],
          runtime,
        );
        const { joinParts } = await import("../adapters/bundle-file/join-parts.js");
        const report = await joinBundle(
          runtime.run,
          { part, target: output.path },
          { reader: runtime.reader, joinParts },
        );
        await runtime.stopProgress();
        runtime.print(report, formatJoin, { formatVersion: 1, ...report });
        return EXIT.done;
      });
    });
}
