// Reads and writes the user's files, with errors that name the file.
import { chmod, mkdir, realpath, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { SmallFile } from "../../core/bundle/layout-files.js";
import { systemErrorCode, ViolaError } from "../../errors.js";
import type { Files } from "../../workflows/ports.js";
import { readLimited } from "./read-limited.js";

/** Values files and records have some kilobytes, lists of Pods some megabytes. */
const FILE_BYTES = 32 * 1024 * 1024;

/** See `Files`. */
export const localFiles: Files = {
  readFile: (path, limitBytes = FILE_BYTES) =>
    readLimited(path, limitBytes).catch((cause: unknown) => {
      const code = systemErrorCode(cause);
      throw new ViolaError("FILE_UNUSABLE", `${path} cannot be read (${code})`, { subject: path, cause });
    }),
  writeFile: (path, text) =>
    writeFile(path, text).catch((cause: unknown) => {
      const code = systemErrorCode(cause);
      throw new ViolaError("FILE_UNUSABLE", `${path} cannot be written (${code})`, {
        subject: path,
        cause,
      });
    }),
};

/** The name under which `replaceFile` writes the new content, in the folder of the file. */
export function newFileOf(file: string): string {
  return join(dirname(file), `.${basename(file)}.${process.pid}.new`);
}

/**
 * Replaces the content of a file atomically, and keeps its mode. A link stays, and its target is
 * replaced. Throws `FILE_UNUSABLE`; the file then has its old content.
 */
export async function replaceFile(file: string, text: string): Promise<void> {
  let written: string | undefined;
  try {
    const target = await realpath(file);
    const { mode } = await stat(target);
    written = newFileOf(target);
    await writeFile(written, text, { flag: "wx", mode });
    await chmod(written, mode);
    await rename(written, target);
  } catch (cause) {
    const code = systemErrorCode(cause);
    if (written !== undefined && code !== "EEXIST") await rm(written, { force: true });
    throw new ViolaError("FILE_UNUSABLE", `${file} could not be written (${code})`, { subject: file, cause });
  }
}

/**
 * Writes the files to the folder, creating it if needed and replacing existing files. Throws
 * `FILE_UNUSABLE`.
 */
export async function writeFolder(folder: string, files: readonly SmallFile[]): Promise<void> {
  try {
    for (const { path, bytes } of files) {
      const file = join(folder, path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, bytes);
    }
  } catch (cause) {
    const code = systemErrorCode(cause);
    throw new ViolaError("FILE_UNUSABLE", `files cannot be written to ${folder} (${code})`, {
      subject: folder,
      cause,
    });
  }
}
