// The files that blobs are written to, and the counter of transferred bytes.
import { closeSync, openSync, writeSync } from "node:fs";
import type { Outcome } from "./blob-messages.js";

/** Counts the bytes that all threads have transferred. */
export class MovedBytes {
  readonly #total: BigInt64Array;

  /** Uses the first 8 bytes of the memory. */
  constructor(memory: SharedArrayBuffer) {
    this.#total = new BigInt64Array(memory);
  }

  get total(): number {
    return Number(Atomics.load(this.#total, 0));
  }

  count(bytes: number): void {
    Atomics.add(this.#total, 0, BigInt(bytes));
  }

  /** Subtracts bytes that will be fetched again or were discarded. */
  uncount(bytes: number): void {
    Atomics.sub(this.#total, 0, BigInt(bytes));
  }
}

/** Writes blocks synchronously, because their buffer is reused after each write. */
export class OutputFile {
  readonly #file: string;
  readonly #moved: MovedBytes;
  #descriptor: number | undefined;
  #failure: (Outcome & { kind: "unusable" }) | undefined;

  /** The file must exist. It is opened by the first write. */
  constructor(file: string, moved: MovedBytes) {
    this.#file = file;
    this.#moved = moved;
  }

  /** The error of the last failed write, as the outcome of a job. */
  get failure(): (Outcome & { kind: "unusable" }) | undefined {
    return this.#failure;
  }

  /** Writes the whole block at the offset. Throws when that fails, and records `failure`. */
  write(block: Uint8Array, offset: number): void {
    try {
      this.#descriptor ??= openSync(this.#file, "r+");
      for (let done = 0; done < block.length;) {
        done += writeSync(this.#descriptor, block, done, block.length - done, offset + done);
      }
    } catch (cause) {
      const { code = "EIO", message } = cause as NodeJS.ErrnoException;
      this.#failure = { kind: "unusable", file: this.#file, code, message };
      throw cause;
    }
    this.#moved.count(block.length);
  }

  /** See `MovedBytes.uncount`. */
  uncount(bytes: number): void {
    this.#moved.uncount(bytes);
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }
}

/** The output files of one thread by path. They stay open. */
export class OutputFiles {
  readonly moved: MovedBytes;
  readonly #files = new Map<string, OutputFile>();

  /** See `MovedBytes`. */
  constructor(memory: SharedArrayBuffer) {
    this.moved = new MovedBytes(memory);
  }

  get(file: string): OutputFile {
    const output = this.#files.get(file) ?? new OutputFile(file, this.moved);
    this.#files.set(file, output);
    return output;
  }

  close(): void {
    for (const output of this.#files.values()) output.close();
    this.#files.clear();
  }
}
