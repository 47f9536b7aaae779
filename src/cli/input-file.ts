// Detects whether the argument of a command is a bundle file, a spec or a chart.
import { readFile, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { readFileRange } from "../adapters/files/read-range.js";
import { INVENTORY_PATH } from "../core/bundle/paths.js";
import { digestOf, type Digest } from "../core/oci/digest.js";
import type { ChartSource } from "../core/charts/chart.js";
import type { BundleSpec } from "../core/spec/bundle-spec.js";
import { parseBundleSpec } from "../core/spec/parse-bundle-spec.js";
import { isSystemError, systemErrorCode, ViolaError } from "../errors.js";

/** True if the file starts like a bundle. */
export async function isBundleFile(file: string): Promise<boolean> {
  try {
    const start = await readFileRange(file, 0, INVENTORY_PATH.length);
    return start.toString("latin1") === INVENTORY_PATH;
  } catch (cause) {
    // The error is reported when the file is read as a spec.
    systemErrorCode(cause);
    return false;
  }
}

/** A spec, and the digest of its text. */
export interface SpecFile {
  readonly spec: BundleSpec;
  readonly digest: Digest;
}

/** Reads a spec. Throws `FILE_UNUSABLE`, or `SPEC_INVALID` with file, line and field of each error. */
export async function readSpec(file: string): Promise<SpecFile> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (cause) {
    const code = systemErrorCode(cause);
    throw new ViolaError("FILE_UNUSABLE", `${file} cannot be read (${code})`, { subject: file, cause });
  }
  return { spec: parseBundleSpec(text, file, dirname(file)), digest: digestOf(text) };
}

/**
 * Returns the chart that the argument names, or undefined if it names a spec file. `repo/name` is
 * resolved with the repositories of `helm repo list`.
 */
export async function findChartSource(
  argument: string,
  cwd: string,
  version: string | undefined,
): Promise<ChartSource | undefined> {
  if (argument.startsWith("oci://")) {
    return { kind: "oci", reference: argument, ...(version !== undefined && { version }) };
  }
  const path = resolve(cwd, argument);
  const found = await stat(path).catch((cause: unknown) => {
    if (isSystemError(cause, "ENOENT", "ENOTDIR", "ENAMETOOLONG")) return undefined;
    const code = systemErrorCode(cause);
    throw new ViolaError("FILE_UNUSABLE", `${path} cannot be read (${code})`, { subject: path, cause });
  });
  if (found?.isDirectory()) return { kind: "folder", folder: path };
  if (found !== undefined) return /\.(tgz|tar\.gz)$/.test(path) ? { kind: "archive", file: path } : undefined;
  const [repository, name, ...more] = argument.split("/");
  if (repository && name && more.length === 0 && !/\.ya?ml$/.test(name)) {
    return {
      kind: "repository",
      repository: `@${repository}`,
      name,
      ...(version !== undefined && { version }),
    };
  }
  throw new ViolaError("FILE_UNUSABLE", `${argument} does not exist`, {
    subject: argument,
    hint: "Use a spec file, a chart folder, a .tgz file, oci://… or REPOSITORY/CHART of `helm repo list`.",
  });
}
