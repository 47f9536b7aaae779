// Copies a chart folder. Links are followed only inside the folder, so that a chart cannot carry
// other files of this machine into the bundle.
import { constants } from "node:fs";
import { copyFile, mkdir, readdir, readlink, realpath, stat } from "node:fs/promises";
import { basename, join, posix, sep } from "node:path";
import type { LeftOut } from "../../core/charts/chart.js";
import { isSystemError, ViolaError } from "../../errors.js";
import { findIgnored } from "./ask-helm.js";
import type { FetchContext } from "./fetch-context.js";

/** A copy of a chart folder, which may be changed. */
export interface ChartCopy {
  readonly folder: string;
  /** What the copy lacks, without what helm would ignore. Paths are relative to the folder. */
  readonly leftOut: readonly LeftOut[];
}

/** What is not copied. `isFolder` is true for a link to a folder. */
interface Skipped extends LeftOut {
  readonly isFolder: boolean;
}

interface Copying {
  /** Without links. */
  readonly root: string;
  readonly skipped: Skipped[];
  /** What links may still add. */
  readonly allowance: { files: number; bytes: number };
}

/** A folder to copy. `around` are the folders that contain it, itself included, without links. */
interface CopiedFolder {
  readonly from: string;
  readonly to: string;
  /** Relative to the chart, empty for the chart. */
  readonly path: string;
  readonly around: readonly string[];
  /** True below a link, whose content the chart has elsewhere too. */
  readonly isLinked: boolean;
}

/** Links to links can multiply the files of a chart beyond any limit. */
const MAX_LINKED_FILES = 2000;
const MAX_LINKED_BYTES = 100 * 1024 * 1024;

/**
 * Copies a chart folder into `parent`. The folder itself may be a link. Like Helm, replaces links by
 * their content, but only when they lead to a place in the folder. Leaves out other links, devices,
 * pipes and sockets, and `.git`.
 *
 * Throws `CHART_UNAVAILABLE` when the folder has no Chart.yaml, or when links multiply its content.
 */
export async function copyChart(
  folder: string,
  parent: string,
  work: string,
  context: Pick<FetchContext, "helm" | "signal" | "onActivity">,
): Promise<ChartCopy> {
  if (!(await isFile(join(folder, "Chart.yaml")))) throw noChartYaml(folder, "the folder has no Chart.yaml");
  const root = await realpath(folder);
  const to = join(parent, basename(folder));
  const copying: Copying = {
    root,
    skipped: [],
    allowance: { files: MAX_LINKED_FILES, bytes: MAX_LINKED_BYTES },
  };
  await copyFolder({ from: root, to, path: "", around: [root], isLinked: false }, copying, context.signal);
  const { skipped } = copying;
  const chartYaml = skipped.find(({ path }) => path === "Chart.yaml");
  if (chartYaml !== undefined) throw noChartYaml(folder, `its Chart.yaml is ${chartYaml.reason}`);
  const ignored = await findIgnored({ folder: to, subject: folder }, skipped, work, context);
  return {
    folder: to,
    leftOut: skipped.filter(({ path }) => !ignored.has(path)).map(({ path, reason }) => ({ path, reason })),
  };
}

async function copyFolder(
  { from, to, path, around, isLinked }: CopiedFolder,
  copying: Copying,
  signal: AbortSignal,
): Promise<void> {
  const { root, skipped, allowance } = copying;
  await mkdir(to);
  if (isLinked && --allowance.files < 0) throw tooMuch(root);
  for (const entry of await readdir(from, { withFileTypes: true })) {
    signal.throwIfAborted();
    if (entry.name === ".git") continue;
    const own = { path: posix.join(path, entry.name), to: join(to, entry.name) };
    const place = join(from, entry.name);
    const isLink = entry.isSymbolicLink();
    const target = isLink ? await findTarget(place) : place;
    const text = isLink ? `a link to ${await readlink(place)}` : "";
    if (target === undefined) {
      skipped.push({ path: own.path, reason: `${text}, which cannot be followed`, isFolder: false });
      continue;
    }
    const state = await stat(target);
    const skip = (reason: string): void => {
      skipped.push({ path: own.path, reason, isFolder: state.isDirectory() });
    };
    if (target !== root && !target.startsWith(root + sep)) {
      skip(`${text}, outside the chart`);
    } else if (state.isDirectory()) {
      if (around.includes(target)) skip(`${text}, a folder that contains it`);
      else {
        const inner = { ...own, from: target, around: [...around, target], isLinked: isLinked || isLink };
        await copyFolder(inner, copying, signal);
      }
    } else if (!state.isFile()) {
      skip("neither a file nor a folder");
    } else {
      if (isLinked || isLink) {
        allowance.files -= 1;
        allowance.bytes -= state.size;
        if (allowance.files < 0 || allowance.bytes < 0) throw tooMuch(root);
      }
      await copyFile(target, own.to, constants.COPYFILE_FICLONE);
    }
  }
}

/** Returns what a link leads to, or undefined when there is nothing or nothing that may be seen. */
async function findTarget(link: string): Promise<string | undefined> {
  try {
    const target = await realpath(link);
    await stat(target);
    return target;
  } catch (cause) {
    if (isSystemError(cause, "ENOENT", "ENOTDIR", "ELOOP", "EACCES", "ENAMETOOLONG")) return undefined;
    throw cause;
  }
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}

function noChartYaml(folder: string, problem: string): ViolaError {
  return new ViolaError("CHART_UNAVAILABLE", `chart ${folder}: ${problem}`, { subject: folder });
}

function tooMuch(folder: string): ViolaError {
  return new ViolaError(
    "CHART_UNAVAILABLE",
    `chart ${folder}: its links add more than ${MAX_LINKED_FILES} files or ${MAX_LINKED_BYTES >> 20} MiB`,
    { subject: folder, hint: "Remove links to folders that contain links." },
  );
}
