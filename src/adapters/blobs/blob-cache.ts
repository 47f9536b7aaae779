// Keeps blobs between runs, so that builds do not fetch them again.
import { createHash, randomUUID } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, open, readdir, rename, rm, stat, utimes, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { Transform, type Readable, type TransformCallback } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { BlobSource } from "../../core/images/resolved-image.js";
import type { Descriptor } from "../../core/oci/descriptor.js";
import { hexOf, isSha256 } from "../../core/oci/digest.js";
import { isSystemError, systemErrorCode } from "../../errors.js";
import type { BlobKeeper, BlobStore, StoredBlob } from "../../workflows/ports.js";

/** The size of a cache that has the blobs of operators' images only. */
const DEFAULT_LIMIT = 2 * 1024 * 1024 * 1024;

/** An incomplete file is removed when nothing was written to it for this time. */
const LEFTOVER_MS = 60 * 60 * 1000;

type Content = Pick<Descriptor, "digest" | "size">;
type FileSource = Extract<BlobSource, { kind: "file" }>;

/**
 * A folder with one file per blob, named by the hex part of its digest. Several processes may use
 * it at once: a file gets its name when it is complete, and a removed file that is still read is
 * kept by the system until then.
 */
export class BlobCache implements BlobStore, BlobKeeper {
  readonly folder: string;
  readonly limitBytes: number;

  constructor(folder: string, { limitBytes }: { readonly limitBytes?: number | undefined } = {}) {
    this.folder = folder;
    this.limitBytes = limitBytes ?? DEFAULT_LIMIT;
  }

  /** Returns the file of the blob if one of its size exists. Its content may be damaged. */
  async find({ digest, size }: Content): Promise<FileSource | undefined> {
    const file = this.#fileOf(digest);
    try {
      if ((await stat(file)).size !== size) return undefined;
      const now = new Date();
      await utimes(file, now, now);
      return { kind: "file", file, offset: 0 };
    } catch (cause) {
      // Also when another user owns the file: its time is then not changed, and it is not used.
      systemErrorCode(cause);
      return undefined;
    }
  }

  /** Streams a file of the cache. Removes the file and fails when its content is damaged. */
  read({ file }: FileSource, digest: string): Readable {
    const check = new CheckDigest(digest, () => rm(file, { force: true }));
    const raw = createReadStream(file);
    raw.on("error", (cause) => check.destroy(cause));
    check.on("close", () => raw.destroy());
    return raw.pipe(check);
  }

  /**
   * Passes on what is written to the stream, and keeps it when the stream ends without an error.
   * The caller checks the digest before the end. A failure to write, for example because the disk
   * is full, is not an error: the blob is then not kept.
   */
  keep(digest: string): Transform {
    return new KeepBlob(this.folder, this.#fileOf(digest));
  }

  /** See `BlobKeeper`. */
  async store({ digest, size }: Content, { file, offset }: FileSource, signal: AbortSignal): Promise<void> {
    const target = this.#fileOf(digest);
    const partial = partialOf(target);
    await mkdir(this.folder, { recursive: true });
    try {
      const source = createReadStream(file, { start: offset, end: offset + size - 1 });
      await pipeline(source, createWriteStream(partial, { flags: "wx" }), { signal });
      await rename(partial, target);
    } catch (cause) {
      await rm(partial, { force: true });
      throw cause;
    }
  }

  /** See `BlobStore`. Leaves out files that are being written. */
  async list(): Promise<readonly StoredBlob[]> {
    const files = await this.#files();
    return files.flatMap(({ name, size, usedAt }) => {
      const digest = `sha256:${name}`;
      return isSha256(digest) ? [{ digest, size, usedAt }] : [];
    });
  }

  /** See `BlobStore`. */
  async isIntact(
    { digest }: Pick<Content, "digest">,
    onRead: (bytes: number) => void,
    signal: AbortSignal,
  ): Promise<boolean> {
    const hash = createHash("sha256");
    for await (const chunk of createReadStream(this.#fileOf(digest), { signal })) {
      hash.update(chunk as Buffer);
      onRead((chunk as Buffer).length);
    }
    return `sha256:${hash.digest("hex")}` === digest;
  }

  /** See `BlobStore`. */
  async remove({ digest }: Pick<Content, "digest">): Promise<void> {
    await rm(this.#fileOf(digest), { force: true });
  }

  /** See `BlobKeeper`. Removes incomplete files of builds that were killed, too. */
  async trim(limitBytes = this.limitBytes): Promise<void> {
    const blobs = await this.list();
    let kept = 0;
    for (const blob of blobs.toSorted((one, other) => other.usedAt.getTime() - one.usedAt.getTime())) {
      kept += blob.size;
      if (kept > limitBytes) await this.remove(blob);
    }
    for (const { name, usedAt } of await this.#files()) {
      const isLeft = !isSha256(`sha256:${name}`) && Date.now() - usedAt.getTime() > LEFTOVER_MS;
      if (isLeft) await rm(join(this.folder, name), { force: true });
    }
  }

  async #files(): Promise<
    readonly { readonly name: string; readonly size: number; readonly usedAt: Date }[]
  > {
    const names = await readdir(this.folder).catch((cause: unknown) => {
      if (isSystemError(cause, "ENOENT")) return [];
      throw cause;
    });
    const files = await Promise.all(
      names.map(async (name) => {
        // Another process may have removed it.
        const facts = await stat(join(this.folder, name)).catch(ignoreMissing);
        return facts?.isFile() === true ? [{ name, size: facts.size, usedAt: facts.mtime }] : [];
      }),
    );
    return files.flat();
  }

  #fileOf(digest: string): string {
    return join(this.folder, hexOf(digest));
  }
}

/** A name that no other writer has. */
function partialOf(file: string): string {
  return `${file}.${randomUUID()}`;
}

function ignoreMissing(cause: unknown): undefined {
  if (!isSystemError(cause, "ENOENT")) throw cause;
}

/** Writes to a file with a temporary name, which gets its name at the end of the stream. */
class KeepBlob extends Transform {
  readonly #folder: string;
  readonly #file: string;
  readonly #partial: string;
  #output: Promise<FileHandle | undefined> | undefined;

  constructor(folder: string, file: string) {
    super();
    this.#folder = folder;
    this.#file = file;
    this.#partial = partialOf(file);
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, callback: TransformCallback): void {
    this.#output ??= this.#open();
    this.#output = this.#output.then(async (output) => {
      if (output === undefined) return undefined;
      try {
        await output.writeFile(chunk);
        return output;
      } catch {
        await this.#discard(output);
        return undefined;
      }
    });
    void this.#output.then(() => {
      callback(null, chunk);
    });
  }

  override _flush(callback: TransformCallback): void {
    void this.#close().then(() => {
      callback();
    });
  }

  override _destroy(cause: Error | null, callback: (error?: Error | null) => void): void {
    void (this.#output ?? Promise.resolve(undefined))
      .then(async (output) => {
        if (output !== undefined) await this.#discard(output);
      })
      .then(() => {
        callback(cause);
      });
  }

  async #open(): Promise<FileHandle | undefined> {
    try {
      await mkdir(this.#folder, { recursive: true });
      return await open(this.#partial, "wx");
    } catch {
      return undefined;
    }
  }

  async #close(): Promise<void> {
    const output = await this.#output;
    this.#output = undefined;
    if (output === undefined) return;
    try {
      await output.close();
      await rename(this.#partial, this.#file);
    } catch {
      await rm(this.#partial, { force: true }).catch(() => undefined);
    }
  }

  async #discard(output: FileHandle): Promise<void> {
    this.#output = undefined;
    await output.close().catch(() => undefined);
    await rm(this.#partial, { force: true }).catch(() => undefined);
  }
}

/** Fails at the end of the stream when the digest of what passed is another one. */
class CheckDigest extends Transform {
  readonly #hash = createHash("sha256");
  readonly #digest: string;
  readonly #onDamage: () => Promise<void>;

  constructor(digest: string, onDamage: () => Promise<void>) {
    super();
    this.#digest = digest;
    this.#onDamage = onDamage;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, callback: TransformCallback): void {
    this.#hash.update(chunk);
    callback(null, chunk);
  }

  override _flush(callback: TransformCallback): void {
    if (`sha256:${this.#hash.digest("hex")}` === this.#digest) callback();
    else {
      void this.#onDamage().then(() => {
        callback(new Error("a blob in the cache is damaged; it was removed"));
      });
    }
  }
}
