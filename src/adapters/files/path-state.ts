// Looks at a path before anything is written to it.
import { access, constants, lstat, readlink, realpath, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import type { PathState } from "../../core/output-path.js";
import { isSystemError, systemErrorCode, ViolaError } from "../../errors.js";

/** As many links as Linux follows. */
const MAX_LINKS = 40;

/**
 * Returns what is at the path. Changes nothing and opens nothing, so a FIFO does not block. A link
 * whose target is missing stands for the target. Throws `FILE_UNUSABLE` if the path cannot be
 * resolved, for example for links in a circle.
 */
export async function readPathState(path: string): Promise<PathState> {
  try {
    return await describe(await followLinks(path, MAX_LINKS));
  } catch (cause) {
    const code = systemErrorCode(cause);
    throw new ViolaError("FILE_UNUSABLE", `${path} cannot be used (${code})`, { subject: path, cause });
  }
}

async function describe(path: string): Promise<PathState> {
  const found = await stat(path).catch(ignoreMissing);
  if (found === undefined) {
    const obstacle = await findObstacle(dirname(path));
    return { path, kind: "nothing", ...(obstacle !== undefined && { obstacle }) };
  }
  const id = `${found.dev}:${found.ino}`;
  if (found.isDirectory()) return { path, kind: "folder", id };
  if (found.isFIFO()) return { path, kind: "FIFO", id };
  if (found.isSocket()) return { path, kind: "socket", id };
  if (!found.isFile()) return { path, kind: "device", id };
  const obstacle = await findObstacle(path);
  return { path, kind: "file", id, size: found.size, ...(obstacle !== undefined && { obstacle }) };
}

async function findObstacle(path: string): Promise<PathState["obstacle"]> {
  try {
    await access(path, constants.W_OK);
    return undefined;
  } catch (cause) {
    const code = systemErrorCode(cause);
    return { path, code: code === "ENOTDIR" ? "ENOENT" : code };
  }
}

/** Returns the path without links. Its last part, or all of it, may be missing. */
async function followLinks(path: string, left: number): Promise<string> {
  const real = await realpath(path).catch(ignoreMissing);
  if (real !== undefined) return real;
  const link = await lstat(path).catch(ignoreMissing);
  const folder = await realpath(dirname(path)).catch(ignoreMissing);
  if (link?.isSymbolicLink() !== true || folder === undefined || left === 0)
    return folder === undefined ? path : join(folder, basename(path));
  return followLinks(resolve(folder, await readlink(path)), left - 1);
}

function ignoreMissing(cause: unknown): undefined {
  if (!isSystemError(cause, "ENOENT", "ENOTDIR")) throw cause;
}
