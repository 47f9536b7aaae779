// The folders of the user: home, and a place for temporary files.
import { mkdtemp } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { systemErrorCode, ViolaError } from "../../errors.js";

/**
 * Returns the home folder. A user without one, such as a number without an entry in /etc/passwd, has
 * `/`, as with Docker.
 */
export function homeFolder(): string {
  try {
    return homedir();
  } catch {
    return "/";
  }
}

/** Creates a new folder for temporary files, which the caller removes. Throws `FILE_UNUSABLE`. */
export async function createTemporaryFolder(prefix: string): Promise<string> {
  const parent = tmpdir();
  return mkdtemp(join(parent, prefix)).catch((cause: unknown) => {
    const code = systemErrorCode(cause);
    throw new ViolaError("FILE_UNUSABLE", `no temporary folder can be created in ${parent} (${code})`, {
      subject: parent,
      cause,
      hint: "Set TMPDIR to a folder that you can write to.",
    });
  });
}
