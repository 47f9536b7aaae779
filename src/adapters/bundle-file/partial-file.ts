// The bundle file while it is being made: under another name, with a journal of the blobs that are in place.
import { open, readFile, rename, rm, stat, statfs, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import type { ArchivePlan } from "../../core/bundle/archive-plan.js";
import { digestOf } from "../../core/oci/digest.js";
import { ViolaError } from "../../errors.js";

/** A blob that an earlier, unfinished write left in a file. */
export interface LeftBlob {
  readonly digest: string;
  readonly size: number;
  readonly file: string;
  readonly offset: number;
}

interface JournalHead {
  readonly plan: string;
  readonly pid: number;
}

/** An unfinished bundle file of full size. Whoever opens it calls `finish` or `close`. */
export class PartialFile {
  /** Where the bytes go until the bundle is complete. */
  readonly path: string;
  /** Blobs that a killed write left, to be checked and kept or copied. */
  readonly left: ReadonlyMap<string, LeftBlob>;
  readonly #target: string;
  readonly #file: FileHandle;
  readonly #journal: FileHandle;

  private constructor(
    target: string,
    left: ReadonlyMap<string, LeftBlob>,
    file: FileHandle,
    journal: FileHandle,
  ) {
    this.#target = target;
    this.path = partialOf(target);
    this.left = left;
    this.#file = file;
    this.#journal = journal;
  }

  /**
   * Makes or takes up the unfinished file for this plan. Blobs of an unfinished write of another plan are kept aside, to be copied.
   * Throws `FILE_UNUSABLE` when the folder cannot be written, another process writes the same bundle, or the disk has too little room.
   */
  static async open(plan: ArchivePlan, target: string): Promise<PartialFile> {
    const planId = digestOf(
      JSON.stringify([plan.size, plan.blobs.map(({ digest, offset }) => [digest, offset])]),
    );
    try {
      const journal = await readJournal(target);
      if (journal !== undefined && journal.head.pid !== process.pid && isAlive(journal.head.pid)) {
        throw new ViolaError("FILE_UNUSABLE", `${target} is being written by process ${journal.head.pid}`, {
          subject: target,
          hint: "Wait for it, or write to another file.",
        });
      }
      const isSamePlan = journal?.head.plan === planId && (await sizeOf(partialOf(target))) === plan.size;
      if (journal !== undefined && !isSamePlan)
        await rename(partialOf(target), previousOf(target)).catch(ignoreMissing);
      const left = new Map<string, LeftBlob>();
      for (const { digest, size, offset } of journal?.blobs ?? []) {
        left.set(digest, { digest, size, offset, file: isSamePlan ? partialOf(target) : previousOf(target) });
      }
      await requireSpace(target, plan.size - (await allocatedBytes(partialOf(target))));
      const file = await open(partialOf(target), isSamePlan ? "r+" : "w+");
      await file.truncate(plan.size);
      const handle = await open(journalOf(target), isSamePlan ? "a" : "w");
      await handle.appendFile(
        `${JSON.stringify({ plan: planId, pid: process.pid } satisfies JournalHead)}\n`,
      );
      return new PartialFile(target, left, file, handle);
    } catch (cause) {
      if (cause instanceof ViolaError) throw cause;
      const { code = "EIO" } = cause as NodeJS.ErrnoException;
      throw new ViolaError("FILE_UNUSABLE", `${target} cannot be written (${code})`, {
        subject: target,
        cause,
      });
    }
  }

  async write(offset: number, bytes: Uint8Array): Promise<void> {
    await this.#file.write(bytes, 0, bytes.length, offset);
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    return (await this.#file.read(Buffer.alloc(length), 0, length, offset)).buffer;
  }

  /** Notes that the blob is in place, so that it is never fetched again. */
  async markDone(blob: {
    readonly digest: string;
    readonly size: number;
    readonly offset: number;
  }): Promise<void> {
    await this.#journal.appendFile(
      `${JSON.stringify({ digest: blob.digest, size: blob.size, offset: blob.offset })}\n`,
    );
  }

  /** Starts writing what is in memory to the disk, without waiting for the end of the fill. */
  async flush(): Promise<void> {
    await this.#file.datasync();
  }

  /** Syncs the file and gives it its name. */
  async finish(): Promise<void> {
    await this.#file.sync();
    await this.close();
    await rename(this.path, this.#target);
    const folder = await open(dirname(this.#target), "r");
    await folder.sync().finally(() => folder.close());
    await rm(journalOf(this.#target), { force: true });
    await rm(previousOf(this.#target), { force: true });
  }

  /** Leaves the file as it is, to be taken up by the next write. */
  async close(): Promise<void> {
    await this.#file.close();
    await this.#journal.close();
  }
}

const partialOf = (target: string): string => `${target}.partial`;
const previousOf = (target: string): string => `${target}.partial.previous`;
const journalOf = (target: string): string => `${target}.partial.journal`;

async function readJournal(
  target: string,
): Promise<
  { head: JournalHead; blobs: readonly { digest: string; size: number; offset: number }[] } | undefined
> {
  const text = await readFile(journalOf(target), "utf8").catch(ignoreMissing);
  if (text === undefined) return undefined;
  let head: JournalHead | undefined;
  const blobs: { digest: string; size: number; offset: number }[] = [];
  // A kill can cut the last line short; what has no line end does not count.
  for (const line of text.split("\n").slice(0, -1)) {
    const entry = JSON.parse(line) as JournalHead | { digest: string; size: number; offset: number };
    if ("plan" in entry) head = entry;
    else blobs.push(entry);
  }
  return head === undefined ? undefined : { head, blobs };
}

async function requireSpace(target: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(dirname(target));
  if (bavail * bsize >= bytes) return;
  throw new ViolaError(
    "FILE_UNUSABLE",
    `${target}: ${bytes} bytes are needed and ${bavail * bsize} are free on its disk`,
    {
      subject: target,
      hint: "Free some space, or write the bundle to another disk.",
    },
  );
}

async function allocatedBytes(file: string): Promise<number> {
  const blocks = (await stat(file).catch(ignoreMissing))?.blocks;
  return (blocks ?? 0) * 512;
}

async function sizeOf(file: string): Promise<number | undefined> {
  return (await stat(file).catch(ignoreMissing))?.size;
}

function ignoreMissing(cause: unknown): undefined {
  if ((cause as NodeJS.ErrnoException).code !== "ENOENT") throw cause;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === "EPERM";
  }
}
