// The bundle file while it is being made: under another name, with a journal of the blobs that are in place.
import { open, readFile, rename, rm, stat, statfs, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { z } from "zod";
import type { ArchivePlan } from "../../core/bundle/archive-plan.js";
import { DIGEST_SCHEMA, digestOf } from "../../core/oci/digest.js";
import { isSystemError, systemErrorCode, ViolaError } from "../../errors.js";
import { readRange } from "../files/read-range.js";

/** Lines of the journal: who writes which plan, then each blob that is in place. */
const HEAD_SCHEMA = z.object({ plan: DIGEST_SCHEMA, pid: z.int().positive() });
const BLOB_SCHEMA = z.object({
  digest: DIGEST_SCHEMA,
  size: z.int().nonnegative(),
  offset: z.int().nonnegative(),
});
type JournalHead = z.infer<typeof HEAD_SCHEMA>;
type JournalBlob = z.infer<typeof BLOB_SCHEMA>;

/** A blob that an earlier, unfinished write left in a file. */
export interface LeftBlob extends JournalBlob {
  readonly file: string;
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
      throw unwritable(target, cause);
    }
  }

  /** Writes all bytes at the offset: one write of the system may take fewer. Throws `FILE_UNUSABLE`. */
  async write(offset: number, bytes: Uint8Array): Promise<void> {
    try {
      for (let done = 0; done < bytes.length;) {
        const { bytesWritten } = await this.#file.write(bytes, done, bytes.length - done, offset + done);
        if (bytesWritten === 0) throw new Error("the file takes no more bytes");
        done += bytesWritten;
      }
    } catch (cause) {
      throw unwritable(this.#target, cause);
    }
  }

  /** Throws `FILE_UNUSABLE` when the file, which has its full size, is shorter than it was. */
  async read(offset: number, length: number): Promise<Uint8Array> {
    const bytes = await readRange(this.#file, offset, length);
    if (bytes.length === length) return bytes;
    throw new ViolaError("FILE_UNUSABLE", `${this.path} was cut short while it was written`, {
      subject: this.path,
    });
  }

  /** Notes that the blob is in place, so that it is never fetched again. */
  async markDone({ digest, size, offset }: JournalBlob): Promise<void> {
    await this.#journal.appendFile(`${JSON.stringify({ digest, size, offset } satisfies JournalBlob)}\n`);
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

interface Journal {
  readonly head: JournalHead;
  readonly blobs: readonly JournalBlob[];
}

/**
 * Reads what an earlier write noted; undefined where there is nothing to go on with. A line that is cut short or damaged counts as
 * not written: its blob is fetched again.
 */
async function readJournal(target: string): Promise<Journal | undefined> {
  const text = await readFile(journalOf(target), "utf8").catch(ignoreMissing);
  if (text === undefined) return undefined;
  let head: JournalHead | undefined;
  const blobs: JournalBlob[] = [];
  // A kill can cut the last line short; what has no line end does not count.
  for (const line of text.split("\n").slice(0, -1)) {
    const value = parseLine(line);
    head = HEAD_SCHEMA.safeParse(value).data ?? head;
    const blob = BLOB_SCHEMA.safeParse(value);
    if (blob.success) blobs.push(blob.data);
  }
  return head === undefined ? undefined : { head, blobs };
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    return undefined;
  }
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
  if (!isSystemError(cause, "ENOENT")) throw cause;
}

function unwritable(file: string, cause: unknown): ViolaError {
  return new ViolaError("FILE_UNUSABLE", `${file} cannot be written (${systemErrorCode(cause)})`, {
    subject: file,
    cause,
  });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return isSystemError(cause, "EPERM");
  }
}
