// Adds the images that a rehearsal found missing to a spec file.
import { originOf, type MissingInRehearsal } from "../../core/rehearsal/verdict.js";
import { addImages } from "../../core/spec/add-images.js";
import { replaceFile } from "./local-files.js";
import { readLimited, TEXT_FILE_BYTES } from "./read-limited.js";

/**
 * Adds every missing image that a registry has to the spec, each with a comment. Returns their
 * number. The file is replaced atomically.
 */
export async function addMissingImages(
  file: string,
  missing: readonly MissingInRehearsal[],
): Promise<number> {
  const available = missing.filter(({ refused }) => refused === undefined);
  if (available.length === 0) return 0;
  const date = new Date().toISOString().slice(0, 10);
  const text = addImages(
    (await readLimited(file, TEXT_FILE_BYTES)).toString("utf8"),
    available.map((one) => ({
      image: one.normalized,
      rehearsed: originOf(one),
      comment: `requested in a rehearsal on ${date}`,
    })),
  );
  await replaceFile(file, text);
  return available.length;
}
