// Writes the settings that make nodes pull from a registry into a folder, for whoever keeps the nodes.
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { SmallFile } from "../core/bundle/layout-files.js";
import { ViolaError } from "../errors.js";

/** Writes the files into the folder, which need not exist; what is there under these names is replaced. Throws `FILE_UNUSABLE`. */
export async function writeNodeSettings(folder: string, files: readonly SmallFile[]): Promise<void> {
  try {
    for (const { path, bytes } of files) {
      const file = join(folder, path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, bytes);
    }
  } catch (cause) {
    const { code = "EIO" } = cause as NodeJS.ErrnoException;
    throw new ViolaError(
      "FILE_UNUSABLE",
      `${folder}: the settings for the nodes cannot be written (${code})`,
      {
        subject: folder,
        cause,
      },
    );
  }
}

/** The files as a command's JSON has them. */
export function settingsDocument(files: readonly SmallFile[]): readonly { path: string; text: string }[] {
  return files.map(({ path, bytes }) => ({ path, text: Buffer.from(bytes).toString("utf8") }));
}
