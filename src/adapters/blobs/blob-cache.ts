// Keeps blobs that were read before a bundle is built, so that the build does not fetch them again.
import { createHash, randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, readdir, rename, rm, stat, utimes, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { Transform, type Readable, type TransformCallback } from "node:stream";
import type { BlobSource } from "../../core/images/resolved-image.js";
import type { Descriptor } from "../../core/oci/descriptor.js";
import { hexOf } from "../../core/oci/digest.js";
import { systemErrorCode } from "../../errors.js";

/** The cache is reduced to this size, the blobs that were not used for the longest time first. */
const LARGEST_CACHE = 2 * 1024 * 1024 * 1024;

type FileSource = Extract<BlobSource, { kind: "file" }>;

/** A folder with one file per blob, named by the hex part of its digest. */
export class BlobCache {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Returns the file of the blob if one of its size exists. Its content may be damaged. */
  async find({ digest, size }: Pick<Descriptor, "digest" | "size">): Promise<FileSource | undefined> {
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
    return new KeepBlob(this.#folder, this.#fileOf(digest));
  }

  /** Removes the blobs that were not used for the longest time until the cache has its size. */
  async trim(): Promise<void> {
    const names = await readdir(this.#folder).catch(() => []);
    const files = await Promise.all(
      names.map(async (name) => {
        const file = join(this.#folder, name);
        const facts = await stat(file).catch(() => undefined);
        return { file, size: facts?.size ?? 0, used: facts?.mtimeMs ?? 0 };
      }),
    );
    let kept = 0;
    for (const { file, size } of files.toSorted((one, other) => other.used - one.used)) {
      kept += size;
      if (kept > LARGEST_CACHE) await rm(file, { force: true }).catch(() => undefined);
    }
  }

  #fileOf(digest: string): string {
    return join(this.#folder, hexOf(digest));
  }
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
    this.#partial = `${file}.${randomUUID()}`;
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
