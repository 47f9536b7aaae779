// Detects whether the argument of a command is a bundle file, a spec or a chart.
import { isUtf8 } from "node:buffer";
import { stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { checkSpecPaths, findNear } from "../adapters/files/check-spec-paths.js";
import { readLimited, TEXT_FILE_BYTES } from "../adapters/files/read-limited.js";
import { readFileRange } from "../adapters/files/read-range.js";
import { INVENTORY_PATH } from "../core/bundle/paths.js";
import { TAR_BLOCK } from "../core/bundle/tar-header.js";
import { digestOf, type Digest } from "../core/oci/digest.js";
import type { ChartSource } from "../core/charts/chart.js";
import type { BundleSpec } from "../core/spec/bundle-spec.js";
import { inspectBundleSpec } from "../core/spec/parse-bundle-spec.js";
import { isSystemError, oneOrMany, systemErrorCode, ViolaError } from "../errors.js";

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

/** Throws `USAGE` for `--key` of a command that was given no bundle. */
export function refuseKeys(keys: readonly string[] | undefined): void {
  if (keys === undefined || keys.length === 0) return;
  throw new ViolaError("USAGE", "--key requires a bundle", {
    subject: "--key",
    hint: "Omit --key, or name a bundle: specs and charts are not signed.",
  });
}

/** A spec, and the digest of its text. */
export interface SpecFile {
  readonly spec: BundleSpec;
  readonly digest: Digest;
}

/**
 * Returns the absolute paths of values files of the command line. Throws `FILE_UNUSABLE` for those
 * that do not exist, before any work is done.
 */
export async function findValuesFiles(files: readonly string[], cwd: string): Promise<readonly string[]> {
  const paths = files.map((text) => ({
    field: [],
    kind: "values-file" as const,
    text,
    path: resolve(cwd, text),
  }));
  const problems = await checkSpecPaths(paths);
  if (problems.length > 0) {
    const errors = problems.map(
      ({ text, problem, hint }) =>
        new ViolaError("FILE_UNUSABLE", `values file ${problem}`, { subject: text, hint }),
    );
    throw oneOrMany("some values files cannot be used", errors);
  }
  return paths.map(({ path }) => path);
}

/**
 * Reads a spec, and checks that the files that it names exist. Throws `FILE_UNUSABLE`, or
 * `SPEC_INVALID` with file, line and field of each error.
 */
export async function readSpec(file: string): Promise<SpecFile> {
  const text = await readSpecText(file);
  const { spec, errors, paths, errorAt } = inspectBundleSpec(text, file, dirname(file));
  const problems = await checkSpecPaths(paths);
  const all = [...errors, ...problems.map(({ field, problem, hint }) => errorAt(field, problem, hint))];
  if (spec === undefined || all.length > 0) throw oneOrMany(`${file} is not valid`, all);
  return { spec, digest: digestOf(text) };
}

/** Reads the text of a spec. Throws `FILE_UNUSABLE`, or `SPEC_INVALID` for a file that is not text. */
async function readSpecText(file: string): Promise<string> {
  const wrong = (what: string, hint: string): ViolaError =>
    new ViolaError("SPEC_INVALID", `${file}:1:1: is ${what}, not a bundle spec`, {
      subject: `${file}:1:1`,
      hint,
    });
  try {
    const found = await stat(file);
    // A pipe, as of `<(command)`, can be read only once.
    const start = found.isFile() ? (await readFileRange(file, 0, TAR_BLOCK)).toString("latin1") : "";
    if (start.startsWith(INVENTORY_PATH)) {
      throw wrong(
        "a bundle",
        "Use the spec that it was built from. `images`, `audit` and `show` read bundles.",
      );
    }
    if (start.startsWith("\x1f\x8b")) {
      throw wrong(
        "a compressed archive",
        "Write a spec for a packaged chart with `viola-airgap init CHART.tgz`.",
      );
    }
    if (found.size > TEXT_FILE_BYTES) throw wrong(`a file of ${found.size} bytes`, "Use a spec in YAML.");
    const bytes = await readLimited(file, TEXT_FILE_BYTES);
    if (bytes.includes(0) || !isUtf8(bytes))
      throw wrong("a binary file", "Use a spec in YAML, encoded as UTF-8.");
    return bytes.toString("utf8");
  } catch (cause) {
    if (cause instanceof ViolaError) throw cause;
    const code = systemErrorCode(cause);
    const near = code === "ENOENT" ? await findNear(file) : undefined;
    const hint =
      code === "EISDIR"
        ? "Use the path of a spec file. For a chart folder, write a spec with `viola-airgap init FOLDER`."
        : near && `Did you mean ${near}?`;
    throw new ViolaError("FILE_UNUSABLE", `${file} cannot be read (${code})`, {
      subject: file,
      cause,
      ...(hint !== undefined && { hint }),
    });
  }
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
  if (found?.isDirectory()) {
    const [fault] = await checkSpecPaths([{ field: [], kind: "chart-folder", text: argument, path }]);
    if (fault === undefined) return { kind: "folder", folder: path };
    throw new ViolaError("CHART_UNAVAILABLE", fault.problem, { subject: argument, hint: fault.hint });
  }
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
