// Decides whether a command may write to a path: never over its inputs, and never over other files.
import { ViolaError } from "../errors.js";

/** What is at a path. Links are followed, so that a file has one description under all its names. */
export interface PathState {
  /** Absolute path of the file that would be written, after following links. */
  readonly path: string;
  readonly kind: "nothing" | "file" | "folder" | "device" | "FIFO" | "socket";
  /** Device and inode of what is there. */
  readonly id?: string;
  /** Size of a file in bytes. */
  readonly size?: number;
  /**
   * Why the file, or a new file in its folder, cannot be written: `ENOENT` for a missing folder, or
   * another code such as `EACCES`.
   */
  readonly obstacle?: { readonly path: string; readonly code: string };
}

/** A file or folder that the command reads. */
export interface InputPath {
  /** What it is, for messages: `the spec`. */
  readonly what: string;
  /** Absolute path. */
  readonly path: string;
}

/** An output of a command. */
export interface OutputPath {
  /** The option that names it: `--output`. */
  readonly option: string;
  readonly state: PathState;
  /** True for a file that the same command wrote earlier, which it may replace. */
  readonly isOurs: boolean;
  /** True if `--force` was given; undefined if the command has no such option. */
  readonly force?: boolean | undefined;
  /** Other files that are written beside the output and renamed or removed in the end. */
  readonly beside?: readonly PathState[];
}

/**
 * Throws `FILE_UNUSABLE` if the command must not write there. `--force` permits to replace a file
 * of any content, but never an input, a folder or a device. An empty file counts as no file, as
 * nothing is lost with it.
 */
export function requireWritable(
  { option, state, isOurs, force, beside = [] }: OutputPath,
  inputs: readonly (InputPath & { readonly state: PathState })[],
): void {
  const { path, kind, id, size } = state;
  const refuse = (why: string, hint: string, subject = path): never => {
    throw new ViolaError("FILE_UNUSABLE", `${option}: ${why}`, { subject, hint });
  };
  if (kind === "folder") refuse(`${path} is a folder`, "Name a file in it.");
  if (kind !== "nothing" && kind !== "file") {
    refuse(`${path} is a ${kind}`, "Name a regular file; a command replaces or truncates its output.");
  }
  for (const written of [state, ...beside]) {
    const input = inputs.find((one) => isPartOf(written, one));
    if (input !== undefined) {
      refuse(
        `${written.path} is ${input.what}, which this command reads`,
        "Choose another name for the output.",
        written.path,
      );
    }
  }
  const obstacle = state.obstacle ?? beside.find((one) => one.kind === "nothing")?.obstacle;
  if (obstacle?.code === "ENOENT") {
    refuse(
      `folder ${obstacle.path} does not exist`,
      "Create it with mkdir -p, or choose another folder.",
      obstacle.path,
    );
  }
  if (obstacle !== undefined) {
    refuse(
      `${obstacle.path} cannot be written (${obstacle.code})`,
      "Choose another place for the output.",
      obstacle.path,
    );
  }
  if (kind === "nothing" || size === 0 || isOurs || force === true || id === undefined) return;
  refuse(
    `${path} already exists, and this command did not write it`,
    force === undefined ? "Choose another name." : "Use --force to replace it, or choose another name.",
  );
}

/** True if writing to `output` would change the input. */
function isPartOf(output: PathState, input: InputPath & { readonly state: PathState }): boolean {
  if (output.id === undefined) return false;
  if (output.id === input.state.id) return true;
  const start = `${input.state.path}/`;
  if (input.state.kind !== "folder" || !output.path.startsWith(start)) return false;
  return CHART_PART.test(output.path.slice(start.length));
}

/**
 * The files of a chart folder that Helm reads itself. Other files, such as a spec beside Chart.yaml,
 * may be outputs. https://helm.sh/docs/topics/charts/#the-chart-file-structure
 */
const CHART_PART =
  /^(?:(?:Chart|requirements)\.(?:yaml|lock)|values\.(?:yaml|schema\.json)|\.helmignore|(?:templates|charts|crds)\/.*)$/;
