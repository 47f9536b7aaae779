// `diff OLD NEW`: shows what changed between two bundles or specs.
import { resolve } from "node:path";
import { Option, type Command } from "commander";
import { localFiles } from "../adapters/files/local-files.js";
import type { BundleDiff } from "../core/diff/bundle-diff.js";
import type { InputPath } from "../core/output-path.js";
import { specInputs } from "../core/spec/spec-inputs.js";
import { compareInputs, type DiffInput } from "../workflows/diff/diff.js";
import { examples, keyOption, listOption } from "./command-line.js";
import { EXIT } from "./failure.js";
import { baseInputs, baseOption, type BaseFlags } from "./opening.js";
import { isBundleFile, readSpec, refuseKeys, type SpecFile } from "./input-file.js";
import { checkReport } from "./output.js";
import { DIFF_FORMATS, formatDiff, isDiffReport, type DiffFormat } from "./reporters/diff.js";
import { printable, singleLines } from "./terminal.js";
import { makePlanPorts, planOptions, readChartTexts } from "./wiring/planning.js";
import type { CommandRuntime, CommonOptions, RunCommand } from "./runtime.js";

interface DiffCommandOptions extends CommonOptions, BaseFlags {
  readonly format: DiffFormat;
  readonly out?: string;
  readonly force?: boolean;
  readonly exitCode?: boolean;
  readonly showValues?: boolean;
  readonly platform: readonly string[];
}

export function registerDiff(program: Command, runCommand: RunCommand): void {
  program
    .command("diff")
    .description("show what changed between two bundles or specs: charts, values, images, layers, bytes")
    .addHelpText(
      "after",
      examples(
        "diff app-1.0.bundle app-1.1.bundle",
        "diff app-1.0.bundle bundle.yaml --exit-code",
        "diff old.yaml new.yaml --format markdown --out changes.md",
      ),
    )
    .argument("<old>", "bundle file, or bundle spec (downloads only manifests)")
    .argument("<new>", "bundle file or bundle spec")
    .addOption(keyOption())
    .addOption(new Option("--format <format>", "output format").choices(DIFF_FORMATS).default("table"))
    .option("--out <file>", "write to a file instead of stdout")
    .option("--force", "replace the file even if it is not a report of this command")
    .option("--exit-code", "exit with 1 if there is a difference")
    .option("--show-values", "show changed values and not only their keys; they may be secrets")
    .addOption(listOption("--platform <platform>", "platform of a spec"))
    .addOption(baseOption())
    .action(async (old: string, next: string, options: DiffCommandOptions) => {
      await runCommand(options, async (runtime) => {
        const given = await Promise.all([old, next].map((text) => readInput(resolve(runtime.cwd, text))));
        if (given.every(({ spec }) => spec !== undefined)) refuseKeys(options.key);
        const out = await checkOut(given, options, runtime);
        const [before, after] = await Promise.all(given.map((input) => diffInput(input, options, runtime)));
        if (before === undefined || after === undefined) throw new Error("two inputs are compared");
        const report = await compareInputs(
          runtime.run,
          { old: before, next: after },
          {
            showsValues: options.showValues === true,
            bases: options.base.map((file) => resolve(runtime.cwd, file)),
          },
          { reader: runtime.reader, makePlanPorts: () => makePlanPorts("auto", runtime), readChartTexts },
        );
        await runtime.stopProgress();
        const format = runtime.isJson ? "json" : options.format;
        // Escapes are part of JSON, so its texts keep their line breaks.
        const formatOne = (lines: BundleDiff, width?: number): string =>
          formatDiff(format === "json" ? report : lines, { format, language: runtime.language, width });
        if (out === undefined) runtime.print(report, formatOne, report);
        else await localFiles.writeFile(out, `${printable(formatOne(singleLines(report)))}\n`);
        return report.different && options.exitCode === true ? EXIT.negative : EXIT.done;
      });
    });
}

/** An argument: a bundle, or a spec that was read. */
interface GivenInput {
  readonly file: string;
  readonly spec?: SpecFile;
}

async function readInput(file: string): Promise<GivenInput> {
  return (await isBundleFile(file)) ? { file } : { file, spec: await readSpec(file) };
}

async function checkOut(
  given: readonly GivenInput[],
  { out, force = false, base }: DiffCommandOptions,
  runtime: CommandRuntime,
): Promise<string | undefined> {
  if (out === undefined || out === "-") return undefined;
  const bundles = given.flatMap(({ file, spec }): readonly InputPath[] =>
    spec === undefined ? [{ what: "a bundle", path: file }] : specInputs(file, spec.spec),
  );
  const inputs = [...bundles, ...baseInputs({ base }, runtime.cwd)];
  return checkReport({ option: "--out", text: out, force }, inputs, isDiffReport, runtime);
}

async function diffInput(
  { file, spec }: GivenInput,
  { platform }: DiffCommandOptions,
  { home }: CommandRuntime,
): Promise<DiffInput> {
  if (spec === undefined) return { kind: "bundle", file };
  return { kind: "spec", spec: spec.spec, options: await planOptions(spec, { platforms: platform, home }) };
}
