// Parses the text of a `bundle.yaml` into a BundleSpec; every error has a position.
import { posix } from "node:path";
import type { ChartDependency, ChartSource } from "../charts/chart.js";
import { parsePlatform } from "../oci/platform.js";
import { parseYamlFile } from "../yaml-file.js";
import type { BundleSpec, ChartSpec } from "./bundle-spec.js";
import { chartForm } from "./rules.js";
import { BUNDLE_SPEC_SCHEMA, type BundleSpecInput } from "./schema.js";

/**
 * Parses the text of `file`, resolves its paths against `folder`, and applies defaults.
 * Throws `SPEC_INVALID` with subject `file:line:column`, or a `ManyErrors` when there are several
 * errors.
 */
export function parseBundleSpec(text: string, file: string, folder: string): BundleSpec {
  return toBundleSpec(parseYamlFile(text, file, BUNDLE_SPEC_SCHEMA, "SPEC_INVALID"), folder);
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
    includeTests: input.images?.tests ?? false,
  };
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
