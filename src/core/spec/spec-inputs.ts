// Lists the files and folders of the building machine that a spec names.
import type { InputPath } from "../output-path.js";
import type { BundledValues } from "../bundle/bundled-values.js";
import type { BundleSpec } from "./bundle-spec.js";

/** Returns the spec's own file, and the values files and local charts that it names. */
export function specInputs(file: string, { charts }: BundleSpec): readonly InputPath[] {
  return [
    { what: "the spec", path: file },
    ...charts.flatMap(({ source, dependencies, valuesFiles, release }): readonly InputPath[] => [
      ...valuesFiles.map((path) => ({ what: `a values file of release ${release}`, path })),
      ...(source.kind === "archive" ? [{ what: `the chart of release ${release}`, path: source.file }] : []),
      ...(source.kind === "folder"
        ? [{ what: `part of the chart of release ${release}`, path: source.folder }]
        : []),
      ...dependencies.flatMap(({ name, repository }) =>
        repository.startsWith("file://")
          ? [{ what: `part of the dependency ${name}`, path: repository.slice("file://".length) }]
          : [],
      ),
    ]),
  ];
}

/**
 * Returns the files whose content travels in the bundle and that may hold secrets: values files, the
 * spec if it has values, and charts of this machine. Of a chart folder, this is its `values.yaml`.
 */
export function secretInputs(
  file: string,
  { charts }: BundleSpec,
  bundledValues: BundledValues,
): readonly string[] {
  return charts.flatMap(({ source, dependencies, valuesFiles, values }) => [
    ...(bundledValues === "all" ? valuesFiles : []),
    ...(bundledValues === "all" && values !== undefined ? [file] : []),
    ...(source.kind === "archive" ? [source.file] : []),
    ...(source.kind === "folder" ? [`${source.folder}/values.yaml`] : []),
    ...dependencies.flatMap(({ repository }) =>
      repository.startsWith("file://") ? [`${repository.slice("file://".length)}/values.yaml`] : [],
    ),
  ]);
}
