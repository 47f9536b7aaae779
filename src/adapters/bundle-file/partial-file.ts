// The incomplete bundle file. It has a temporary name and a journal of the blobs that are complete.
import { constants } from "node:fs";
import { lstat, open, rename, rm, stat, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import * as z from "zod";
import { INVENTORY_PATH } from "../../core/bundle/paths.js";
import type { ArchivePlan } from "../../core/bundle/archive-plan.js";
import { DIGEST_SCHEMA, digestOf } from "../../core/oci/digest.js";
import { readJson } from "../../core/parse-json.js";
import { isSystemError, systemErrorCode, ViolaError } from "../../errors.js";
import { requireSpace } from "../files/free-space.js";
import { readFileRange, readRange } from "../files/read-range.js";
import { processIdentity } from "../programs/process-identity.js";

const ANY_MODE = 0o666;

/** Lines of the journal: the plan and the writing process, then each complete blob. */
const HEAD_SCHEMA = z.object({
  plan: DIGEST_SCHEMA,
  pid: z.int().positive(),
  /** See `processIdentity`. */
  process: z.string(),
});
const BLOB_SCHEMA = z.object({
  digest: DIGEST_SCHEMA,
  size: z.int().nonnegative(),
  offset: z.int().nonnegative(),
});
type JournalHead = z.infer<typeof HEAD_SCHEMA>;
type JournalBlob = z.infer<typeof BLOB_SCHEMA>;

/** A bundle of 10,000 blobs has a journal of 1.2 MB. */
const JOURNAL_BYTES = 8 * 1024 * 1024;
const JOURNAL_LINES = 100_000;

/** A blob in the file of an earlier, interrupted write. */
export interface LeftBlob extends JournalBlob {
  readonly file: string;
}

/** An incomplete bundle file of full size. The caller of `open` calls `finish` or `close`. */
export class PartialFile {
  /** The path of the file until the bundle is complete. */
  readonly path: string;
  /** Blobs of an interrupted write by digest. Verify a blob before you keep or copy it. */
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
   * Creates or reopens the incomplete file for this plan, with a mode to which the umask applies. An
   * incomplete file for another plan is renamed, so that its blobs can be copied. Anything else that
   * has one of the names is renamed as well, and reported with `onNote`: it is kept, and does not
   * block the write.
   * Throws `FILE_UNUSABLE` when the folder cannot be written, another process is writing the same
   * bundle, or the disk does not have enough free space.
   */
  static async open(
    plan: Pick<ArchivePlan, "size" | "blobs">,
    target: string,
    { mode = ANY_MODE, onNote }: PartialOptions = {},
  ): Promise<PartialFile> {
    const planId = digestOf(
      JSON.stringify([plan.size, plan.blobs.map(({ digest, offset }) => [digest, offset])]),
    );
    try {
      const journal = await readJournal(target);
      if (journal !== undefined && (await isWriting(journal.head))) {
        throw new ViolaError("FILE_UNUSABLE", `${target} is being written by process ${journal.head.pid}`, {
          subject: target,
          hint: "Wait until it has ended, or write to another file.",
        });
      }
      if (journal === undefined) await setAside(journalOf(target), onNote);
      for (const path of [partialOf(target), previousOf(target)]) {
        const isOurs = await startsAsBundle(path, { allowsZeros: journal !== undefined });
        if (!isOurs) await setAside(path, onNote);
      }
      if (journal === undefined && (await sizeOf(partialOf(target))) !== undefined)
        onNote?.(`${partialOf(target)} has no valid journal, so the build starts again`);
      const isSamePlan = journal?.head.plan === planId && (await sizeOf(partialOf(target))) === plan.size;
      if (journal !== undefined && !isSamePlan)
        await rename(partialOf(target), previousOf(target)).catch(ignoreMissing);
      const left = new Map<string, LeftBlob>();
      for (const { digest, size, offset } of journal?.blobs ?? []) {
        left.set(digest, { digest, size, offset, file: isSamePlan ? partialOf(target) : previousOf(target) });
      }
      await requireSpace(target, plan.size - (await allocatedBytes(partialOf(target))));
      const file = await open(partialOf(target), isSamePlan ? "r+" : "w+", mode);
      await restrict(file, mode);
      const handle = await open(journalOf(target), isSamePlan ? "a" : "w", mode);
      const head: JournalHead = {
        plan: planId,
        pid: process.pid,
        process: (await processIdentity(process.pid)) ?? "",
      };
      await handle.appendFile(`${JSON.stringify(head)}\n`);
      await file.truncate(plan.size);
      return new PartialFile(target, left, file, handle);
    } catch (cause) {
      if (cause instanceof ViolaError) throw cause;
      throw unwritable(target, cause);
    }
  }

  /**
   * Writes all bytes at the offset, with several system calls if necessary. Throws `FILE_UNUSABLE`.
   */
  async write(offset: number, bytes: Uint8Array): Promise<void> {
    try {
      for (let done = 0; done < bytes.length;) {
        const { bytesWritten } = await this.#file.write(bytes, done, bytes.length - done, offset + done);
        if (bytesWritten === 0) throw new Error("the file accepts no more bytes");
        done += bytesWritten;
      }
    } catch (cause) {
      throw unwritable(this.#target, cause);
    }
  }

  /** Throws `FILE_UNUSABLE` when another process has truncated the file. */
  async read(offset: number, length: number): Promise<Uint8Array> {
    const bytes = await readRange(this.#file, offset, length);
    if (bytes.length === length) return bytes;
    throw new ViolaError("FILE_UNUSABLE", `${this.path} was truncated while it was written`, {
      subject: this.path,
    });
  }

  /** Records that the blob is complete, so that it is not fetched again. */
  async markDone({ digest, size, offset }: JournalBlob): Promise<void> {
    await this.#journal.appendFile(`${JSON.stringify({ digest, size, offset } satisfies JournalBlob)}\n`);
  }

  /** Writes the cached data of the file to the disk. */
  async flush(): Promise<void> {
    await this.#file.datasync();
  }

  /** Syncs the file and renames it to its final name. */
  async finish(): Promise<void> {
    await this.#file.sync();
    await this.close();
    await rename(this.path, this.#target);
    const folder = await open(dirname(this.#target), "r");
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
    await rm(journalOf(this.#target), { force: true });
    await rm(previousOf(this.#target), { force: true });
  }

  /** Closes the file and keeps it for the next write. */
  async close(): Promise<void> {
    await this.#file.close();
    await this.#journal.close();
  }
}

/** How an incomplete file is opened. */
export interface PartialOptions {
  readonly mode?: number;
  /** Is notified of files that are set aside or written again. */
  readonly onNote?: (message: string) => void;
}

const partialOf = (target: string): string => `${target}.partial`;
const previousOf = (target: string): string => `${target}.partial.previous`;
const journalOf = (target: string): string => `${target}.partial.journal`;

/** What an interrupted write left. */
export interface Journal {
  readonly head: JournalHead;
  readonly blobs: readonly JournalBlob[];
}

/**
 * Reads the journal of an earlier write, or returns undefined when there is none, or one of
 * impossible size.
 */
async function readJournal(target: string): Promise<Journal | undefined> {
  const text = await readText(journalOf(target));
  return text === undefined ? undefined : parseJournal(text);
}

/**
 * Parses the journal of an earlier write, or returns undefined without a first line. Truncated or
 * damaged lines are ignored, so their blobs are fetched again.
 */
export function parseJournal(text: string): Journal | undefined {
  let head: JournalHead | undefined;
  const blobs: JournalBlob[] = [];
  // The last line may be incomplete after a kill. It is ignored when it does not end with a
  // newline.
  for (const line of text.split("\n", JOURNAL_LINES).slice(0, -1)) {
    const value = readJson(line);
    head = HEAD_SCHEMA.safeParse(value).data ?? head;
    const blob = BLOB_SCHEMA.safeParse(value);
    if (blob.success) blobs.push(blob.data);
  }
  return head === undefined ? undefined : { head, blobs };
}

async function allocatedBytes(file: string): Promise<number> {
  const blocks = (await stat(file).catch(ignoreMissing))?.blocks;
  return (blocks ?? 0) * 512;
}

/** Returns undefined for anything but a readable file that is no link, and may be a journal by its size. */
async function readText(path: string): Promise<string | undefined> {
  // Without O_NONBLOCK, opening a FIFO would wait for its other end.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  try {
    const file = await open(path, flags);
    try {
      const found = await file.stat();
      return found.isFile() && found.size <= JOURNAL_BYTES ? await file.readFile("utf8") : undefined;
    } finally {
      await file.close();
    }
  } catch (cause) {
    systemErrorCode(cause);
    return undefined;
  }
}

/**
 * True for the start of a bundle, and for an empty or missing file. A write that was killed at once
 * leaves zeros. Links and other things that are not regular files are not ours.
 */
async function startsAsBundle(
  path: string,
  { allowsZeros }: { readonly allowsZeros: boolean },
): Promise<boolean> {
  const found = await lstat(path).catch(ignoreMissing);
  if (found === undefined) return true;
  if (!found.isFile()) return false;
  if (found.size === 0) return true;
  const start = await readFileRange(path, 0, INVENTORY_PATH.length).catch((cause: unknown) => {
    systemErrorCode(cause);
    return undefined;
  });
  if (start === undefined) return false;
  return start.toString("latin1") === INVENTORY_PATH || (allowsZeros && start.every((byte) => byte === 0));
}

/** Renames what has the name of a working file. An empty file is left to be overwritten. */
async function setAside(path: string, onNote: PartialOptions["onNote"]): Promise<void> {
  const found = await lstat(path).catch(ignoreMissing);
  if (found === undefined || (found.isFile() && found.size === 0)) return;
  for (let number = 1; ; number++) {
    const free = `${path}.aside-${number}`;
    if ((await lstat(free).catch(ignoreMissing)) !== undefined) continue;
    await rename(path, free);
    onNote?.(`${path} is not of a build that can be continued; it was renamed to ${free}`);
    return;
  }
}

/** Takes away rights that an existing file has beyond the mode. */
async function restrict(file: FileHandle, mode: number): Promise<void> {
  const found = await file.stat();
  if ((found.mode & 0o777 & ~mode) !== 0) await file.chmod(found.mode & mode);
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

/** True if the process that wrote the head still runs. Another process may have its id by now. */
async function isWriting(head: JournalHead): Promise<boolean> {
  if (head.pid === process.pid) return false;
  const now = await processIdentity(head.pid);
  return now !== undefined && (now === "" || head.process === "" || now === head.process);
}
