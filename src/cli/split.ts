// `split BUNDLE --size SIZE`: divides a bundle into parts.
import { resolve } from "node:path";
import type { Command } from "commander";
import { splitBundle } from "../workflows/split/split.js";
import { examples, keyOption } from "./command-line.js";
import { EXIT } from "./failure.js";
import { formatSplit } from "./reporters/parts.js";
import type { CommonOptions, RunCommand } from "./runtime.js";
import { parseBytes } from "./units.js";

interface SplitFlags extends CommonOptions {
  readonly size: string;
  readonly output?: string;
}

export function registerSplit(program: Command, runCommand: RunCommand): void {
  program
    .command("split")
    .description("divide a bundle into parts; every command reads them without joining them")
    .addHelpText("after", examples("split app.bundle --size 4GiB", "load app.bundle.001 --to kind"))
    .argument("<bundle>", "bundle file")
    .addOption(keyOption())
    .requiredOption("--size <size>", "each part is smaller than this, such as 4GiB for a FAT file system")
    .option("-o, --output <name>", "name of the parts without their number (default: that of the bundle)")
    .action(async (file: string, flags: SplitFlags) => {
      await runCommand(flags, async (runtime) => {
        const maxBytes = parseBytes(flags.size);
        const bundle = await runtime.reader.openBundle(resolve(runtime.cwd, file));
        const target = flags.output === undefined ? bundle.file : resolve(runtime.cwd, flags.output);
        const { writeParts } = await import("../adapters/bundle-file/write-parts.js");
        const report = await splitBundle(
          runtime.run,
          bundle,
          { target, maxBytes },
          { reader: runtime.reader, writeParts },
        );
        await runtime.stopProgress();
        runtime.print(report, formatSplit, { formatVersion: 1, ...report });
        return EXIT.done;
      });
    });
}
