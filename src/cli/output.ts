// Checks the output of a command before it does any work.
import { readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { readPathState } from "../adapters/files/path-state.js";
import { newFileOf } from "../adapters/files/local-files.js";
import { readFileRange } from "../adapters/files/read-range.js";
import { isSettingsReadme } from "../core/load/mirror-settings.js";
import { requireWritable, type InputPath, type PathState } from "../core/output-path.js";
import { systemErrorCode, ViolaError } from "../errors.js";
import { isBundleFile } from "./input-file.js";
import type { CommandRuntime } from "./runtime.js";

/** Enough of a report to recognize it. */
const HEAD_BYTES = 4096;

/** The output that the user asked for. */
export interface OutputRequest {
  readonly option: string;
  /** As the user wrote it. */
  readonly text: string;
  /** True if `--force` was given; undefined if the command has no such option. */
  readonly force?: boolean | undefined;
}

/** An output that the command may write. */
export interface CheckedOutput {
  /** Absolute path after following links. */
  readonly path: string;
  /** True if an earlier output is replaced. */
  readonly exists: boolean;
}

/**
 * Checks where a report is written. `isOurs` recognizes the start of an earlier report. Throws
 * `FILE_UNUSABLE` as `requireWritable` does.
 */
export async function checkReport(
  { option, text, force }: OutputRequest,
  inputs: readonly InputPath[],
  isOurs: (head: string) => boolean,
  runtime: CommandRuntime,
): Promise<string> {
  const state = await readPathState(resolve(runtime.cwd, text));
  const head = state.kind === "file" ? await readHead(state.path) : undefined;
  const states = await inputStates(inputs, runtime);
  requireWritable({ option, state, force, isOurs: head !== undefined && isOurs(head) }, states);
  return state.path;
}

/** Returns undefined for a file that cannot be read: it was not written by this program. */
async function readHead(file: string): Promise<string | undefined> {
  const bytes = await readFileRange(file, 0, HEAD_BYTES).catch((cause: unknown) => {
    systemErrorCode(cause);
    return undefined;
  });
  return bytes?.toString("utf8");
}

/**
 * Checks where a bundle is written. In a folder, its name is `fileName`. Throws `FILE_UNUSABLE` as
 * `requireWritable` does, and `USAGE` for `-`.
 */
export async function checkBundleOutput(
  { option, text, force }: OutputRequest,
  fileName: string,
  inputs: readonly InputPath[],
  runtime: CommandRuntime,
): Promise<CheckedOutput> {
  if (text === "-") {
    throw new ViolaError("USAGE", `${option} -: a bundle cannot be written to stdout`, {
      subject: option,
      hint: "Its parts are written out of order, in parallel. Write a file, then copy it: build SPEC -o FILE && cat FILE",
    });
  }
  const given = resolve(runtime.cwd, text);
  const found = await readPathState(given);
  const isFolder = found.kind === "folder" || text.endsWith("/");
  const state = isFolder ? await readPathState(join(given, fileName)) : found;
  const beside = await Promise.all(
    ["", ".journal", ".previous"].map((end) => readPathState(`${state.path}.partial${end}`)),
  );
  const isOurs = state.kind === "file" && (await isBundleFile(state.path));
  requireWritable({ option, state, force, isOurs, beside }, await inputStates(inputs, runtime));
  return { path: state.path, exists: isOurs };
}

/**
 * Checks that a file which a command reads and rewrites on request can be replaced. Throws
 * `FILE_UNUSABLE`.
 */
export async function checkRewritten(option: string, file: string): Promise<void> {
  const state = await readPathState(file);
  const beside = [await readPathState(newFileOf(state.path))];
  requireWritable({ option, state, isOurs: true, beside }, []);
}

/**
 * Checks the folder that settings for nodes are written to: it is missing, empty, or holds earlier
 * settings. Throws `FILE_UNUSABLE`, so that no settings of a host are overwritten.
 */
export async function checkSettingsFolder(
  text: string | undefined,
  runtime: CommandRuntime,
): Promise<string | undefined> {
  if (text === undefined) return undefined;
  const state = await readPathState(resolve(runtime.cwd, text));
  const refuse = (why: string): ViolaError =>
    new ViolaError("FILE_UNUSABLE", `--settings: ${state.path} ${why}`, {
      subject: state.path,
      hint: "Name a new or empty folder, or one that --settings wrote earlier.",
    });
  if (state.kind !== "nothing" && state.kind !== "folder") throw refuse(`is a ${state.kind}`);
  if (state.kind === "folder" && (await readdir(state.path)).length > 0) {
    const head = await readHead(join(state.path, "README.txt"));
    if (head === undefined || !isSettingsReadme(head)) throw refuse("holds files of something else");
  }
  return state.path;
}

/** Adds the files that every command reads: the settings and the certificates that they name. */
async function inputStates(
  inputs: readonly InputPath[],
  runtime: CommandRuntime,
): Promise<readonly (InputPath & { readonly state: PathState })[]> {
  const { ca } = await runtime.settings();
  const all = [
    ...inputs,
    { what: "the settings file", path: runtime.settingsFile() },
    ...ca.map(({ file }) => ({ what: "a certificate of the settings", path: file })),
    ...(await runtime.keyFiles()).map((path) => ({ what: "a public key", path })),
  ];
  return Promise.all(all.map(async (input) => ({ ...input, state: await readPathState(input.path) })));
}
