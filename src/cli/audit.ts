// `audit SPEC|BUNDLE`: shows size, version and use of every image, and findings to review.
import { resolve } from "node:path";
import { Option, type Command } from "commander";
import { localFiles } from "../adapters/files/local-files.js";
import { AUDIT_GROUPS, AUDIT_SORTS, type AuditGroup, type AuditSort } from "../core/audit/arrange.js";
import type { AuditFinding, AuditReport } from "../core/audit/report.js";
import type { AuditLimits } from "../core/audit/rules/rule.js";
import { localizeFindings } from "../core/audit/rules/localize.js";
import { isSelected, SELECTORS } from "../core/audit/rules/selectors.js";
import { isAuditRule } from "../core/audit-rule-ids.js";
import type { InputPath } from "../core/output-path.js";
import { specInputs } from "../core/spec/spec-inputs.js";
import type { Language } from "../core/words/language.js";
import { auditBundle } from "../workflows/audit/audit-bundle.js";
import { auditSpec, type AuditOptions as AuditWorkflowOptions } from "../workflows/audit/audit-spec.js";
import { findOutdated } from "../workflows/audit/outdated.js";
import { EXIT } from "./failure.js";
import { baseInputs, baseOption, openGiven, refuseBases, type BaseFlags } from "./opening.js";
import {
  makeOutdatedPorts,
  makePlanPorts,
  planOptions,
  readChartTexts,
  readRehearsal,
  REHEARSAL_FLAG,
} from "./wiring/planning.js";
import { AUDIT_FORMATS, formatAudit, isAuditReport, type AuditFormat } from "./reporters/audit/audit.js";
import { formatSarif } from "./reporters/sarif.js";
import { isBundleFile, readSpec, refuseKeys, type SpecFile } from "./input-file.js";
import { checkReport } from "./output.js";
import { parseBytes } from "./units.js";
import { examples, keyOption, listOption } from "./command-line.js";
import { printable, singleLines } from "./terminal.js";
import { ViolaError } from "../errors.js";
import { readVersion, type CommandRuntime, type CommonOptions, type RunCommand } from "./runtime.js";

/** The formats that have the language of the reader. */
const FORMATS_FOR_PEOPLE: ReadonlySet<AuditFormat> = new Set(["table", "markdown", "html"]);

interface AuditOptions extends CommonOptions, BaseFlags {
  readonly format: AuditFormat;
  readonly out?: string;
  readonly force?: boolean;
  readonly failOn: readonly string[];
  readonly maxSize?: string;
  readonly maxAge?: string;
  readonly outdated?: boolean;
  readonly sort: AuditSort;
  readonly group: AuditGroup;
  readonly platform: readonly string[];
  readonly rehearsal?: string;
}

export function registerAudit(program: Command, runCommand: RunCommand): void {
  program
    .command("audit")
    .description("show components, images, versions, purposes and sizes, and what to review")
    .addHelpText(
      "after",
      examples(
        "audit bundle.yaml",
        "audit app.bundle --format markdown --out audit.md",
        "audit app.bundle --group chart --sort size",
        "audit app.bundle --max-size 500MB --fail-on mutable-tag,low-confidence",
      ),
    )
    .argument("<spec|bundle>", "bundle spec (downloads only manifests), or bundle file")
    .addOption(keyOption())
    .addOption(new Option("--format <format>", "output format").choices(AUDIT_FORMATS).default("table"))
    .addOption(
      new Option("--sort <order>", "order of the rows; by age, the oldest come first")
        .choices(AUDIT_SORTS)
        .default("component"),
    )
    .addOption(
      new Option("--group <by>", "what rows are grouped by, with a total for each group")
        .choices(AUDIT_GROUPS)
        .default("component"),
    )
    .option("--out <file>", "write to a file instead of stdout")
    .option("--force", "replace the file even if it is not a report of this command")
    .addOption(
      listOption(
        "--fail-on <rule|severity>",
        "exit with 1 if there is a finding of these",
        SELECTORS,
        isAuditRule,
      ),
    )
    .option("--max-size <size>", "report images larger than this, such as 500MB, and exit with 1")
    .option("--max-age <days>", "report images that were created earlier than this, and exit with 1")
    .option("--outdated", "ask registries and chart repositories for newer versions")
    .addOption(listOption("--platform <platform>", "platform to audit for a spec"))
    .option(...REHEARSAL_FLAG)
    .addOption(baseOption())
    .action(async (target: string, options: AuditOptions) => {
      await runCommand(options, async (runtime) => {
        const limits = limitsOf(options);
        const input = await readInput(resolve(runtime.cwd, target));
        if (input.spec !== undefined) {
          refuseBases(options);
          refuseKeys(options.key);
        }
        const out = await checkOut(input, options, runtime);
        const version = await readVersion(runtime.home);
        const format = runtime.isJson ? "json" : options.format;
        const language = FORMATS_FOR_PEOPLE.has(format) ? runtime.language : "en";
        const audited = await auditInput(input, { ...options, limits, language }, runtime);
        const report = localizeFindings(audited, language);
        await runtime.stopProgress();
        const formatOne = await loadFormatter(format, {
          ...{ report, options, input, version, language },
          cwd: runtime.cwd,
        });
        if (out === undefined) runtime.print(report, formatOne, report);
        else await localFiles.writeFile(out, `${printable(formatOne(singleLines(report)))}\n`);
        return report.findings.some((finding) => isFailing(finding, options)) ? EXIT.negative : EXIT.done;
      });
    });
}

interface FormatInput {
  readonly report: AuditReport;
  readonly options: AuditOptions;
  readonly input: AuditInput;
  /** The version of this program. */
  readonly version: string;
  readonly cwd: string;
  readonly language: Language;
}

/** Formats a report in which every text has one line, for a terminal of this width. */
type Formatter = (lines: AuditReport, width?: number) => string;

/**
 * Returns the formatter. Those of large documents are loaded when they are asked for. Escapes are
 * part of JSON, so the texts of its formats keep their line breaks.
 */
async function loadFormatter(format: AuditFormat, given: FormatInput): Promise<Formatter> {
  const { report, options, input, version, cwd, language } = given;
  switch (format) {
    case "sarif":
      return () => formatSarif(report, { file: input.file, cwd, version });
    case "html": {
      const { formatAuditHtml } = await import("./reporters/audit-html/audit-html.js");
      return (lines) => formatAuditHtml(lines, language);
    }
    case "cyclonedx": {
      const { formatCycloneDx } = await import("./reporters/cyclonedx.js");
      return () => formatCycloneDx(report, version);
    }
    case "spdx": {
      const { formatSpdx } = await import("./reporters/spdx.js");
      return () => formatSpdx(report, version);
    }
    case "table":
    case "list":
    case "markdown":
    case "csv":
    case "json": {
      const { group, sort } = options;
      return (lines, width) =>
        formatAudit(format === "json" ? report : lines, {
          ...{ format, group, sort, language, width },
          today: dateOfToday(),
        });
    }
  }
}

function limitsOf({ maxSize, maxAge }: AuditOptions): AuditLimits {
  const days = maxAge === undefined ? undefined : Number(maxAge);
  if (days !== undefined && !/^\d{1,6}$/.test(maxAge ?? "")) {
    throw new ViolaError("USAGE", `--max-age: "${maxAge}" is not a number of days`, {
      subject: "--max-age",
      hint: "Write a whole number, such as 365.",
    });
  }
  return { maxBytes: maxSize === undefined ? undefined : parseBytes(maxSize), maxAgeDays: days };
}

/** A limit of the command line is also a reason to fail. Suppressed findings are none. */
function isFailing(finding: AuditFinding, { failOn, maxSize, maxAge }: AuditOptions): boolean {
  if (finding.suppressed !== undefined) return false;
  const words = [
    ...failOn,
    ...(maxSize === undefined ? [] : ["large-image"]),
    ...(maxAge === undefined ? [] : ["old-image"]),
  ];
  return words.some((word) => isSelected(word, finding));
}

/** Returns the date in UTC, so that the same audit gives the same findings everywhere. */
function dateOfToday(): string {
  return new Date().toISOString().slice(0, 10);
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
  { out, force = false, rehearsal, base }: AuditOptions,
  runtime: CommandRuntime,
): Promise<string | undefined> {
  if (out === undefined || out === "-") return undefined;
  const inputs: readonly InputPath[] = [
    ...(spec === undefined ? [{ what: "the bundle", path: file }] : specInputs(file, spec.spec)),
    ...baseInputs({ base }, runtime.cwd),
    ...(rehearsal === undefined
      ? []
      : [{ what: "the record of the rehearsal", path: resolve(runtime.cwd, rehearsal) }]),
  ];
  return checkReport({ option: "--out", text: out, force }, inputs, isAuditReport, runtime);
}

async function auditInput(
  { file, spec: read }: AuditInput,
  options: AuditOptions & { readonly limits: AuditLimits; readonly language: Language },
  runtime: CommandRuntime,
): Promise<AuditReport> {
  const { limits, language } = options;
  const shared = { limits, today: dateOfToday(), language, ...(await outdatedOption(options, runtime)) };
  if (read === undefined) {
    const bundle = await openGiven(file, options, runtime);
    return auditBundle(bundle, shared, { readChartTexts });
  }
  const [plan, planned, rehearsal] = await Promise.all([
    makePlanPorts("auto", runtime),
    planOptions(read, { platforms: options.platform, home: runtime.home }),
    readRehearsal(options.rehearsal, runtime.cwd),
  ]);
  const auditOptions = { ...planned, ...shared, ...(rehearsal !== undefined && { rehearsal }) };
  return auditSpec(runtime.run, read.spec, auditOptions, plan);
}

async function outdatedOption(
  { outdated = false }: AuditOptions,
  runtime: CommandRuntime,
): Promise<Pick<AuditWorkflowOptions, "findOutdated">> {
  if (!outdated) return {};
  const ports = await makeOutdatedPorts(runtime);
  return { findOutdated: (input) => findOutdated(runtime.run, input, ports) };
}
