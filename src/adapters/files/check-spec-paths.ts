// Checks that the files and folders that a spec names exist and are of the right kind.
import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { SpecPath } from "../../core/spec/paths.js";
import { findNearest } from "../../core/nearest.js";
import { isSystemError } from "../../errors.js";

/** A path that cannot be used. */
export interface PathProblem extends SpecPath {
  readonly problem: string;
  readonly hint: string;
}

/** Returns the paths that cannot be used, in their order. */
export async function checkSpecPaths(paths: readonly SpecPath[]): Promise<readonly PathProblem[]> {
  const found = await Promise.all(
    paths.map(async (one) => {
      const fault = await findFault(one);
      return fault === undefined ? [] : [{ ...one, ...fault }];
    }),
  );
  return found.flat();
}

async function findFault({
  kind,
  text,
  path,
}: SpecPath): Promise<Pick<PathProblem, "problem" | "hint"> | undefined> {
  if (kind === "values-file" && /^https?:\/\//.test(text)) {
    return { problem: `${text} is a URL`, hint: "Download the file, and write its path." };
  }
  const found = await kindOf(path);
  if (found === "nothing") {
    const near = await findNear(path);
    return {
      problem: `${text} does not exist`,
      hint: `${near === undefined ? "" : `Did you mean ${near}? `}It was looked for at ${path}.`,
    };
  }
  if (kind !== "chart-folder") {
    return found === "file"
      ? undefined
      : { problem: `${text} is a folder`, hint: "Write the path of a file." };
  }
  if (found !== "folder") {
    return { problem: `${text} is not a folder`, hint: "Write the path of a chart's folder or .tgz file." };
  }
  if ((await kindOf(join(path, "Chart.yaml"))) === "file") return undefined;
  const inner = await findInnerChart(path);
  return {
    problem: `${text} is not a chart: it has no Chart.yaml`,
    hint:
      inner === undefined
        ? "Write the path of the folder that has the Chart.yaml."
        : `Did you mean ${text.replace(/\/+$/, "")}/${inner}?`,
  };
}

/** A file that cannot be examined is reported when it is read. */
async function kindOf(path: string): Promise<"file" | "folder" | "nothing"> {
  try {
    return (await stat(path)).isDirectory() ? "folder" : "file";
  } catch (cause) {
    return isSystemError(cause, "ENOENT", "ENOTDIR") ? "nothing" : "file";
  }
}

/** Returns the name in the same folder that is most similar to that of the path. */
export async function findNear(path: string): Promise<string | undefined> {
  return findNearest(basename(path), await readdir(dirname(path)).catch(() => []));
}

async function findInnerChart(folder: string): Promise<string | undefined> {
  for (const name of (await readdir(folder).catch(() => [])).toSorted()) {
    if ((await kindOf(join(folder, name, "Chart.yaml"))) === "file") return name;
  }
  return undefined;
}
