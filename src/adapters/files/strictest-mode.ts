// Finds the mode of an output that may hold secrets of its inputs.
import { stat } from "node:fs/promises";
import { isSystemError, systemErrorCode, ViolaError } from "../../errors.js";

const READ_AND_WRITE = 0o666;

/**
 * Returns 0666 without the rights of group and others that one of the files denies for reading.
 * The umask still applies when a file is created with this mode. Missing files do not count.
 */
export async function strictestMode(files: readonly string[]): Promise<number> {
  let mode = READ_AND_WRITE;
  for (const file of files) {
    const found = await stat(file).catch((cause: unknown) => {
      if (isSystemError(cause, "ENOENT", "ENOTDIR")) return undefined;
      const code = systemErrorCode(cause);
      throw new ViolaError("FILE_UNUSABLE", `${file} cannot be read (${code})`, { subject: file, cause });
    });
    if (found === undefined) continue;
    if ((found.mode & 0o040) === 0) mode &= ~0o060;
    if ((found.mode & 0o004) === 0) mode &= ~0o006;
  }
  return mode;
}
