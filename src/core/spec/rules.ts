// Rules of a spec that involve more than the type of one field.
import { ViolaError } from "../../errors.js";
import { findReference, formatReference } from "../images/reference.js";
import { AUDIT_RULE_IDS, isAuditRule } from "../audit-rule-ids.js";
import { findBytes } from "../find-bytes.js";
import { findNearest } from "../nearest.js";
import { CHART_NAME } from "../name-patterns.js";
import { parsePlatform } from "../oci/platform.js";

/** A problem with a field. The path is relative to the value that the rule checks. */
export interface SpecIssue {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** Returns the problems of a value of the right type. */
export type Rule<T> = (value: T) => Iterable<SpecIssue>;

interface DependencyInput {
  readonly name: string;
  readonly repository: string;
  readonly alias?: string | undefined;
}

interface ChartInput {
  readonly chart: string;
  readonly repository?: string | undefined;
  readonly version?: string | undefined;
}

interface ReleaseInput {
  readonly release: string;
  readonly namespace: string;
}

interface ImagesInput {
  readonly include?: readonly (string | { readonly image: string })[] | null | undefined;
  readonly exclude?: readonly { readonly image: string }[] | null | undefined;
}

/**
 * Returns the form of the `chart` field. A name is anything that is neither oci:// nor an archive
 * nor a path.
 */
export function chartForm(chart: ChartInput): "oci" | "archive" | "folder" | "name" {
  if (chart.chart.startsWith("oci://")) return "oci";
  if (chart.repository !== undefined) return "name";
  if (/\.(?:tgz|tar\.gz)$/.test(chart.chart)) return "archive";
  return chart.chart.includes("/") || chart.chart === "." ? "folder" : "name";
}

/** A platform must be OS/ARCH[/VARIANT]. */
export function* platformRule(platform: string): Iterable<SpecIssue> {
  try {
    parsePlatform(platform);
  } catch (error) {
    if (!(error instanceof ViolaError)) throw error;
    yield { path: [], message: `${error.message}; write OS/ARCH or OS/ARCH/VARIANT` };
  }
}

/** A size must be a number with a unit. */
export function* byteSizeRule(size: string): Iterable<SpecIssue> {
  if (findBytes(size) === undefined) {
    yield { path: [], message: `"${size}" is not a size; write a number with a unit, such as 500MB` };
  }
}

/** A date must be in the calendar. */
export function* dateRule(date: string): Iterable<SpecIssue> {
  const time = /^\d{4}-\d{2}-\d{2}$/.test(date) ? Date.parse(date) : Number.NaN;
  // `Date.parse` takes February 30 for March 2.
  if (Number.isNaN(time) || new Date(time).toISOString().slice(0, 10) !== date) {
    yield { path: [], message: `"${date}" is not a date; write YEAR-MONTH-DAY, such as 2026-12-31` };
  }
}

/** The rule of a suppression must exist, or else it would suppress nothing. */
export function* auditRuleRule(id: string): Iterable<SpecIssue> {
  if (isAuditRule(id)) return;
  const near = findNearest(id, AUDIT_RULE_IDS);
  const help = near === undefined ? `the rules are ${AUDIT_RULE_IDS.join(", ")}` : `did you mean ${near}?`;
  yield { path: [], message: `"${id}" is not a rule of the audit; ${help}` };
}

/** Keys of `audit.images` are repositories or references. */
export function* auditImagesRule(images: Readonly<Record<string, unknown>>): Iterable<SpecIssue> {
  for (const text of Object.keys(images)) {
    if (findReference(text) === undefined)
      yield { path: [text], message: `"${text}" is not an image reference` };
  }
}

/** A chart must have exactly one source, and only the fields that apply to this source. */
export function* chartRule(chart: ChartInput): Iterable<SpecIssue> {
  const form = chartForm(chart);
  if (form === "name" && chart.repository === undefined) {
    yield {
      path: ["chart"],
      message: `"${chart.chart}" requires a repository; write ./${chart.chart} for a folder`,
    };
  }
  if (form === "name" && chart.repository !== undefined && !CHART_NAME.test(chart.chart)) {
    yield { path: ["chart"], message: "must be the name of a chart, not a path, when `repository` is set" };
  }
  if (form === "name" && chart.repository !== undefined && !/^https?:\/\//.test(chart.repository)) {
    yield {
      path: ["repository"],
      message: "must be an http:// or https:// URL; write oci:// references in `chart`",
    };
  }
  if (form === "oci" && chart.repository !== undefined) {
    yield { path: ["repository"], message: "must not be set for an oci:// chart" };
  }
  if ((form === "archive" || form === "folder") && chart.version !== undefined) {
    yield {
      path: ["version"],
      message: "must not be set for a file or folder; the version is in its Chart.yaml",
    };
  }
}

/** Releases must be unique by name and namespace, as in Helm. */
export function* releasesRule(charts: readonly ReleaseInput[]): Iterable<SpecIssue> {
  const seen = new Map<string, number>();
  for (const [index, chart] of charts.entries()) {
    const key = `${chart.namespace}/${chart.release}`;
    const first = seen.get(key);
    if (first === undefined) seen.set(key, index);
    else {
      yield {
        path: [index, "release"],
        message: `"${chart.release}" is already used by charts[${first}] in namespace ${chart.namespace}`,
      };
    }
  }
}

/** Dependencies must be unique by alias or name. */
export function* dependenciesRule(dependencies: readonly DependencyInput[]): Iterable<SpecIssue> {
  const seen = new Set<string>();
  for (const [index, dependency] of dependencies.entries()) {
    const name = dependency.alias ?? dependency.name;
    if (seen.has(name))
      yield { path: [index, "name"], message: `"${name}" is listed twice; give one an alias` };
    seen.add(name);
    if (!/^(?:https?|oci|file):\/\/./.test(dependency.repository)) {
      yield { path: [index, "repository"], message: "must begin with https://, http://, oci:// or file://" };
    }
  }
}

/** Images must be references, and none may be both included and excluded. */
export function* imagesRule({ include, exclude }: ImagesInput): Iterable<SpecIssue> {
  const included = new Set<string>();
  for (const [index, entry] of (include ?? []).entries()) {
    const [text, path] =
      typeof entry === "string" ? [entry, ["include", index]] : [entry.image, ["include", index, "image"]];
    const reference = findReference(text);
    if (reference !== undefined) included.add(formatReference(reference));
    else yield { path, message: `"${text}" is not an image reference` };
  }
  for (const [index, { image }] of (exclude ?? []).entries()) {
    const path = ["exclude", index, "image"];
    const reference = findReference(image);
    if (reference === undefined) yield { path, message: `"${image}" is not an image reference` };
    else if (included.has(formatReference(reference))) {
      yield { path, message: `"${image}" is also in images.include` };
    }
  }
}
