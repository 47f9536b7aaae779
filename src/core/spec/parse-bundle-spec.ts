// Parses the text of a `bundle.yaml` into a BundleSpec; every error has a position.
import { posix } from "node:path";
import type { ChartDependency, ChartSource } from "../charts/chart.js";
import { formatReference, formatRepository, parseReference } from "../images/reference.js";
import { parsePlatform } from "../oci/platform.js";
import { oneOrMany, type ViolaError } from "../../errors.js";
import { checkYaml, readYaml, type YamlSource } from "../yaml-file.js";
import { findBytes } from "../find-bytes.js";
import type { AuditSettings, BundleSpec, ChartSpec } from "./bundle-spec.js";
import { recognizeOtherFile } from "./other-files.js";
import { pathsOf, type SpecPath } from "./paths.js";
import { chartForm } from "./rules.js";
import { BUNDLE_SPEC_SCHEMA, type BundleSpecInput } from "./schema.js";

/** A spec that may have errors. */
export interface InspectedSpec {
  /** Undefined when there are errors. */
  readonly spec: BundleSpec | undefined;
  readonly errors: readonly ViolaError[];
  /** The files and folders that the spec names, also when there are errors. */
  readonly paths: readonly SpecPath[];
  /** Returns the error about a field, with its position. */
  readonly errorAt: YamlSource["errorAt"];
}

/**
 * Parses the text of `file`, resolves its paths against `folder`, and applies defaults. The errors
 * are `SPEC_INVALID` with subject `file:line:column`. A file of another kind is one error.
 */
export function inspectBundleSpec(text: string, file: string, folder: string): InspectedSpec {
  const source = readYaml(text, file, "SPEC_INVALID");
  const { errorAt } = source;
  const other = recognizeOtherFile(text, source.value);
  if (other !== undefined) {
    const error = errorAt([], `is ${other.what}, not a bundle spec`, other.hint);
    return { spec: undefined, errors: [error], paths: [], errorAt };
  }
  const { data, errors } = checkYaml(source, BUNDLE_SPEC_SCHEMA);
  return {
    spec: data && toBundleSpec(data, folder),
    errors,
    paths: source.isReadable ? [...pathsOf(source.value, folder)] : [],
    errorAt,
  };
}

/**
 * Returns the spec of a text as `inspectBundleSpec` parses it. Throws `SPEC_INVALID`, or a
 * `ManyErrors` when there are several errors. Does not check that the files it names exist.
 */
export function parseBundleSpec(text: string, file: string, folder: string): BundleSpec {
  const { spec, errors } = inspectBundleSpec(text, file, folder);
  if (spec === undefined) throw oneOrMany(`${file} is not valid`, errors);
  return spec;
}

function toBundleSpec(input: BundleSpecInput, folder: string): BundleSpec {
  return {
    name: input.name,
    version: input.version,
    platforms: (input.platforms ?? []).map(parsePlatform),
    ...(input.kubernetes?.version !== undefined && { kubeVersion: input.kubernetes.version }),
    apiVersions: input.kubernetes?.apiVersions ?? [],
    charts: input.charts.map((chart) => toChartSpec(chart, folder)),
    extraImages: (input.images?.include ?? []).map((entry) =>
      typeof entry === "string"
        ? { reference: entry }
        : { reference: entry.image, rehearsed: entry.rehearsed },
    ),
    excludedImages: (input.images?.exclude ?? []).map(({ image, reason }) => ({ reference: image, reason })),
    silencedWarnings: (input.warnings?.silence ?? []).map(({ code, subject, reason }) => ({
      code,
      ...(subject !== undefined && { subject }),
      reason,
    })),
    ...(input.audit !== undefined && { audit: toAuditSettings(input.audit) }),
    includeTests: input.images?.tests ?? false,
    ...(input.images?.referrers === true && { includeReferrers: true }),
  };
}

function toAuditSettings(input: NonNullable<BundleSpecInput["audit"]>): AuditSettings {
  const { maxSize, maxLayerSize, maxAgeDays, suppress, components, images } = input;
  const maxBytes = maxSize === undefined ? undefined : findBytes(maxSize);
  const maxLayerBytes = maxLayerSize === undefined ? undefined : findBytes(maxLayerSize);
  return {
    ...(maxBytes !== undefined && { maxBytes }),
    ...(maxLayerBytes !== undefined && { maxLayerBytes }),
    ...(maxAgeDays !== undefined && { maxAgeDays }),
    ...(suppress && {
      suppress: suppress.map(({ rule, subject, reason, until }) => ({
        rule,
        ...(subject !== undefined && { subject }),
        reason,
        ...(until !== undefined && { until }),
      })),
    }),
    ...(components && {
      components: mapEntries(components, (key, { name, purpose }) => [
        key,
        { ...(name !== undefined && { name }), ...(purpose !== undefined && { purpose }) },
      ]),
    }),
    ...(images && {
      images: mapEntries(images, (key, { component, purpose }) => [
        normalizeRepository(key),
        { ...(component !== undefined && { component }), ...(purpose !== undefined && { purpose }) },
      ]),
    }),
  };
}

function mapEntries<T, U>(
  record: Readonly<Record<string, T>>,
  map: (key: string, value: T) => [string, U],
): Readonly<Record<string, U>> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => map(key, value)));
}

/** Returns a reference with tag or digest normalized, and a repository without adding a tag. */
function normalizeRepository(text: string): string {
  const reference = parseReference(text);
  const last = text.slice(text.lastIndexOf("/") + 1);
  return /[:@]/.test(last) ? formatReference(reference) : formatRepository(reference);
}

function toChartSpec(chart: BundleSpecInput["charts"][number], folder: string): ChartSpec {
  return {
    source: toSource(chart, folder),
    dependencies: (chart.dependencies ?? []).map((dependency): ChartDependency => ({
      name: dependency.name,
      version: dependency.version,
      repository: absoluteRepository(dependency.repository, folder),
      ...(dependency.condition !== undefined && { condition: dependency.condition }),
      ...(dependency.alias !== undefined && { alias: dependency.alias }),
    })),
    release: chart.release,
    namespace: chart.namespace,
    valuesFiles: (chart.valuesFiles ?? []).map((file) => posix.resolve(folder, file)),
    ...(chart.values !== undefined && { values: chart.values }),
    set: [],
  };
}

function toSource(chart: BundleSpecInput["charts"][number], folder: string): ChartSource {
  const version = chart.version === undefined ? {} : { version: chart.version };
  switch (chartForm(chart)) {
    case "oci":
      return { kind: "oci", reference: chart.chart, ...version };
    case "archive":
      return { kind: "archive", file: posix.resolve(folder, chart.chart) };
    case "folder":
      return { kind: "folder", folder: posix.resolve(folder, chart.chart) };
    case "name":
      return { kind: "repository", repository: chart.repository ?? "", name: chart.chart, ...version };
  }
}

function absoluteRepository(repository: string, folder: string): string {
  if (!repository.startsWith("file://")) return repository;
  return `file://${posix.resolve(folder, repository.slice("file://".length))}`;
}
