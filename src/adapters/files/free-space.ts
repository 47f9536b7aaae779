// Checks that a disk has space before a file is written.
import { statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { countOf } from "../../core/count-of.js";
import { ViolaError } from "../../errors.js";

/**
 * Throws `FILE_UNUSABLE` when the disk of the file has less free space, and system errors when its
 * folder cannot be asked.
 */
export async function requireSpace(target: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(dirname(target));
  if (bavail * bsize >= bytes) return;
  throw new ViolaError(
    "FILE_UNUSABLE",
    `${target} requires ${countOf(bytes, "byte")}, but its disk has ${countOf(bavail * bsize, "byte")} free`,
    {
      subject: target,
      hint: "Free disk space, or write the bundle to another disk.",
    },
  );
}
