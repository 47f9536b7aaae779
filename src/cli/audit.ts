// `audit SPEC|BUNDLE`: shows size, version and use of every image, and findings to review.
import { resolve } from "node:path";
import { Option, type Command } from "commander";
import { localFiles } from "../adapters/files/local-files.js";
import { auditInventory } from "../core/audit/audit-inventory.js";
import type { AuditReport } from "../core/audit/report.js";
import { AUDIT_RULES } from "../core/audit/rules/find-findings.js";
import type { InputPath } from "../core/output-path.js";
import { specInputs } from "../core/spec/spec-inputs.js";
import { auditSpec } from "../workflows/audit-spec.js";
import { EXIT } from "./failure.js";
import { makePlanPorts, planOptions, readRehearsal, REHEARSAL_FLAG } from "./wiring/planning.js";
import { AUDIT_FORMATS, formatAudit, isAuditReport, type AuditFormat } from "./reporters/audit.js";
import { isBundleFile, readSpec, type SpecFile } from "./input-file.js";
import { checkReport } from "./output.js";
import { parseBytes } from "./units.js";
import { examples, listOption } from "./command-line.js";
import { printable, singleLines } from "./terminal.js";
import type { CommandRuntime, CommonOptions, RunCommand } from "./runtime.js";

interface AuditOptions extends CommonOptions {
  readonly format: AuditFormat;
  readonly out?: string;
  readonly force?: boolean;
  readonly failOn: readonly string[];
  readonly maxSize?: string;
  readonly platform: readonly string[];
  readonly rehearsal?: string;
}

export function registerAudit(program: Command, runCommand: RunCommand): void {
  program
    .command("audit")
    .description("show size, version and use of every image")
    .addHelpText(
      "after",
      examples(
        "audit bundle.yaml",
        "audit app.bundle --format markdown --out audit.md",
        "audit app.bundle --max-size 500MB --fail-on mutable-tag,low-confidence",
      ),
    )
    .argument("<spec|bundle>", "bundle spec (downloads only manifests), or bundle file")
    .addOption(new Option("--format <format>", "output format").choices(AUDIT_FORMATS).default("table"))
    .option("--out <file>", "write to a file instead of stdout")
    .option("--force", "replace the file even if it is not a report of this command")
    .addOption(listOption("--fail-on <rule>", "exit with 1 if one of these findings occurs", AUDIT_RULES))
    .option("--max-size <size>", "report images larger than this, such as 500MB, and exit with 1")
    .addOption(listOption("--platform <platform>", "platform to audit for a spec"))
    .option(...REHEARSAL_FLAG)
    .action(async (target: string, options: AuditOptions) => {
      await runCommand(options, async (runtime) => {
        const maxBytes = options.maxSize === undefined ? undefined : parseBytes(options.maxSize);
        const input = await readInput(resolve(runtime.cwd, target));
        const out = await checkOut(input, options, runtime);
        const report = await auditInput(input, options, maxBytes, runtime);
        await runtime.stopProgress();
        const format = runtime.isJson ? "json" : options.format;
        // Escapes are part of JSON, so its texts keep their line breaks.
        const formatOne = (lines: AuditReport): string =>
          formatAudit(format === "json" ? report : lines, format);
        if (out === undefined) runtime.print(report, formatOne, report);
        else await localFiles.writeFile(out, `${printable(formatOne(singleLines(report)))}\n`);
        const failing = new Set<string>(
          maxBytes === undefined ? options.failOn : [...options.failOn, "too-large"],
        );
        return report.findings.some(({ rule }) => failing.has(rule.replace(/:.*/, "")))
          ? EXIT.negative
          : EXIT.done;
      });
    });
}

/** The argument: a bundle, or a spec that was read. */
interface AuditInput {
  readonly file: string;
  readonly spec?: SpecFile;
}

async function readInput(file: string): Promise<AuditInput> {
  return (await isBundleFile(file)) ? { file } : { file, spec: await readSpec(file) };
}

async function checkOut(
  { file, spec }: AuditInput,
  { out, force = false, rehearsal }: AuditOptions,
  runtime: CommandRuntime,
): Promise<string | undefined> {
  if (out === undefined || out === "-") return undefined;
  const inputs: readonly InputPath[] = [
    ...(spec === undefined ? [{ what: "the bundle", path: file }] : specInputs(file, spec.spec)),
    ...(rehearsal === undefined
      ? []
      : [{ what: "the record of the rehearsal", path: resolve(runtime.cwd, rehearsal) }]),
  ];
  return checkReport({ option: "--out", text: out, force }, inputs, isAuditReport, runtime);
}

async function auditInput(
  { file, spec: read }: AuditInput,
  options: AuditOptions,
  maxBytes: number | undefined,
  runtime: CommandRuntime,
): Promise<AuditReport> {
  if (read === undefined) {
    const { inventory } = await runtime.reader.openBundle(file);
    return auditInventory(inventory, { maxBytes });
  }
  const [plan, planned, rehearsal] = await Promise.all([
    makePlanPorts("auto", runtime),
    planOptions(read, { platforms: options.platform, home: runtime.home }),
    readRehearsal(options.rehearsal, runtime.cwd),
  ]);
  const auditOptions = { ...planned, maxBytes, ...(rehearsal !== undefined && { rehearsal }) };
  return auditSpec(runtime.run, read.spec, auditOptions, plan);
}
