// `merge BASE… DIFFERENCE -o FILE`: makes a whole bundle of a differential bundle and its bases.
import { resolve } from "node:path";
import type { Command } from "commander";
import { strictestMode } from "../adapters/files/strictest-mode.js";
import { mergeBundles } from "../workflows/merge/merge.js";
import { ViolaError } from "../errors.js";
import { examples, keyOption } from "./command-line.js";
import { EXIT } from "./failure.js";
import { checkBundleOutput } from "./output.js";
import { formatMerge } from "./reporters/merge.js";
import type { CommonOptions, RunCommand } from "./runtime.js";
import { makeWriter } from "./wiring/planning.js";

interface MergeFlags extends CommonOptions {
  readonly output: string;
  readonly force?: boolean;
}

export function registerMerge(program: Command, runCommand: RunCommand): void {
  program
    .command("merge")
    .description("make a whole bundle of a differential bundle and its bases, as a full build writes it")
    .addHelpText("after", examples("merge app-1.0.bundle app-1.1.diff -o app-1.1.bundle"))
    .argument("<bundle...>", "the base, or all bases of the chain, then the differential bundle")
    .requiredOption("-o, --output <file>", "bundle file to write; in a folder, NAME-VERSION.bundle")
    .addOption(keyOption())
    .option("--force", "replace the file even if it is not a bundle")
    .action(async (given: readonly string[], flags: MergeFlags) => {
      await runCommand(flags, async (runtime) => {
        const files = given.map((file) => resolve(runtime.cwd, file));
        const [difference, ...bases] = files.toReversed();
        if (difference === undefined || bases.length === 0) {
          throw new ViolaError("USAGE", "merge requires a base and a differential bundle", {
            subject: "merge",
            hint: "Name the bases first and the differential bundle last.",
          });
        }
        const { inventory } = await runtime.reader.openBundle(difference);
        const output = await checkBundleOutput(
          { option: "--output", text: flags.output, force: flags.force === true },
          `${inventory.name}-${inventory.version}.bundle`,
          files.map((path) => ({ what: "a bundle", path })),
          runtime,
        );
        const merged = await mergeBundles(
          runtime.run,
          difference,
          { output: output.path, bases, mode: await strictestMode(files) },
          { reader: runtime.reader, writer: await makeWriter(runtime) },
        );
        await runtime.stopProgress();
        const { file, size, digest } = merged;
        const { name, version, images, blobs } = merged.inventory;
        const report = { file, name, version, size, digest, images: images.length, blobs: blobs.length };
        runtime.print(report, formatMerge, { formatVersion: 1, ...report });
        return EXIT.done;
      });
    });
}
