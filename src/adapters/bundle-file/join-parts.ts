// Joins the parts of a bundle to one file.
import { open, rename, rm } from "node:fs/promises";
import { countOf } from "../../core/count-of.js";
import { oneOrMany, systemErrorCode, ViolaError } from "../../errors.js";
import type { BundlePart } from "../../workflows/ports.js";
import type { Run } from "../../workflows/progress.js";
import { requireSpace } from "../files/free-space.js";
import { SourceFile } from "../files/source-file.js";
import { copyRange, modeOf } from "./copy-range.js";
import { damagedPart } from "./parts.js";

/**
 * Writes the bundle of the parts to one file, which gets its name when it is complete. Checks the
 * digest of every part. Throws `BUNDLE_INVALID` for all damaged parts at once, and `FILE_UNUSABLE`.
 */
export async function joinParts(
  { signal, progress }: Run,
  parts: readonly BundlePart[],
  target: string,
): Promise<void> {
  const total = parts.reduce((sum, { size }) => sum + size, 0);
  progress({ kind: "started", step: "join", title: "Joining parts", total, unit: "bytes" });
  const partial = `${target}.partial`;
  const damaged: ViolaError[] = [];
  try {
    await rm(partial, { force: true });
    await requireSpace(target, total);
    const handle = await open(partial, "wx", await modeOf(parts[0]?.file ?? target));
    try {
      for (const { file, offset, size, content } of parts) {
        const to = { handle, position: offset };
        const onCopied = (copied: number): void => {
          progress({ kind: "advanced", step: "join", done: offset + copied });
        };
        const source = new SourceFile(file);
        const copying = copyRange(source, { offset, size }, to, { signal, onCopied });
        const actual = await copying.finally(() => {
          source.close();
        });
        if (actual.content !== content) damaged.push(damagedPart(file));
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
    if (damaged.length > 0) throw oneOrMany("some parts are damaged", damaged);
    await rename(partial, target);
  } catch (cause) {
    await rm(partial, { force: true });
    signal.throwIfAborted();
    if (cause instanceof ViolaError) throw cause;
    throw new ViolaError("FILE_UNUSABLE", `${target} cannot be written (${systemErrorCode(cause)})`, {
      subject: target,
      cause,
    });
  }
  progress({ kind: "ended", step: "join", summary: countOf(parts.length, "part") });
}
