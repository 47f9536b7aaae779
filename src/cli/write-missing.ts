// Writes what a rehearsal missed into the spec that was rehearsed.
import { readFile, rename, writeFile } from "node:fs/promises";
import { originOf, type MissingInRehearsal } from "../core/rehearsal/verdict.js";
import { addImages } from "../core/spec/add-images.js";

/** Adds every missing image that some registry has, each with a comment, and returns how many. The file is replaced as a whole, or not at all. */
export async function writeMissing(file: string, missing: readonly MissingInRehearsal[]): Promise<number> {
  const found = missing.filter(({ refused }) => refused === undefined);
  if (found.length === 0) return 0;
  const date = new Date().toISOString().slice(0, 10);
  const text = addImages(
    await readFile(file, "utf8"),
    found.map((one) => ({
      image: one.normalized,
      rehearsed: originOf(one),
      comment: `asked for in a rehearsal on ${date}`,
    })),
  );
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
  return found.length;
}
