// `show BUNDLE`: shows what is in a bundle file.
import { Option, type Command } from "commander";
import { describeBundle } from "../workflows/show.js";
import { examples, keyOption } from "./command-line.js";
import { EXIT } from "./failure.js";
import { baseOption, openGiven, type BaseFlags } from "./opening.js";
import { formatShow, SHOW_FORMATS, type ShowFormat } from "./reporters/show.js";
import type { CommonOptions, RunCommand } from "./runtime.js";

interface ShowOptions extends CommonOptions, BaseFlags {
  readonly format: ShowFormat;
}

export function registerShow(program: Command, runCommand: RunCommand): void {
  program
    .command("show")
    .description("show what is in a bundle: releases, images with their sizes, rehearsal")
    .addHelpText("after", examples("show app.bundle", "show app.bundle --format list"))
    .argument("<bundle>", "bundle file")
    .addOption(baseOption())
    .addOption(keyOption())
    .addOption(
      new Option("--format <format>", "output format; list is one reference a line")
        .choices(SHOW_FORMATS)
        .default("table"),
    )
    .action(async (file: string, options: ShowOptions) => {
      await runCommand(options, async (runtime) => {
        const bundle = await openGiven(file, options, runtime);
        const document = { formatVersion: 1, ...(await describeBundle(bundle)) };
        // Escapes are part of JSON, so its texts keep their line breaks.
        const format = (lines: typeof document, width?: number): string =>
          formatShow(options.format === "json" ? document : lines, {
            format: options.format,
            language: runtime.language,
            width,
          });
        runtime.print(document, format, document);
        return EXIT.done;
      });
    });
}
