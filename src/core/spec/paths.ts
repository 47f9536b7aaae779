// The files and folders that a spec names, with the fields that name them.
import { posix } from "node:path";
import { isRecord, type Json, type Path } from "../json.js";
import { chartForm } from "./rules.js";

/** A path in a spec. */
export interface SpecPath {
  /** Path of the field in the spec. */
  readonly field: Path;
  readonly kind: "values-file" | "chart-folder" | "chart-archive";
  /** As written. */
  readonly text: string;
  /** Absolute path. */
  readonly path: string;
}

/**
 * Yields the paths of values files, charts and `file://` dependencies, resolved against `folder`.
 * The value need not be valid; fields of the wrong type are passed over.
 */
export function* pathsOf(value: unknown, folder: string): Iterable<SpecPath> {
  for (const [index, chart] of entriesOf(value, "charts")) {
    if (!isRecord(chart)) continue;
    yield* chartPaths(chart, ["charts", index], folder);
  }
}

function* chartPaths(fields: Json, at: Path, folder: string): Iterable<SpecPath> {
  const { chart, repository } = fields;
  if (typeof chart === "string" && (repository === undefined || typeof repository === "string")) {
    const form = chartForm({ chart, repository });
    if (form === "folder" || form === "archive") {
      yield {
        field: [...at, "chart"],
        kind: `chart-${form}`,
        text: chart,
        path: posix.resolve(folder, chart),
      };
    }
  }
  for (const [index, file] of entriesOf(fields, "valuesFiles")) {
    if (typeof file !== "string" || file === "") continue;
    const field = [...at, "valuesFiles", index];
    yield { field, kind: "values-file", text: file, path: posix.resolve(folder, file) };
  }
  for (const [index, dependency] of entriesOf(fields, "dependencies")) {
    const from = isRecord(dependency) ? dependency["repository"] : undefined;
    if (typeof from !== "string" || !/^file:\/\/./.test(from)) continue;
    const path = posix.resolve(folder, from.slice("file://".length));
    yield { field: [...at, "dependencies", index, "repository"], kind: "chart-folder", text: from, path };
  }
}

function entriesOf(value: unknown, key: string): Iterable<readonly [number, unknown]> {
  const list = isRecord(value) && Object.hasOwn(value, key) ? value[key] : undefined;
  return Array.isArray(list) ? list.entries() : [];
}
