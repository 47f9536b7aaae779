// The file that blobs are written to, and the counter of transferred bytes.
import { closeSync, openSync, writeSync } from "node:fs";
import type { Outcome } from "./blob-messages.js";

/** Writes blocks synchronously, because their buffer is reused after each write. */
export class OutputFile {
  readonly #file: string;
  #descriptor: number;
  readonly #moved: BigInt64Array;
  #failure: (Outcome & { kind: "unusable" }) | undefined;

  /** Opens an existing file. Without a file, `write` fails and only the counter is used. */
  constructor(file: string | undefined, moved: SharedArrayBuffer) {
    this.#file = file ?? "";
    this.#descriptor = file === undefined ? -1 : openSync(file, "r+");
    this.#moved = new BigInt64Array(moved);
  }

  /** The error of the last failed write, as the outcome of a job. */
  get failure(): (Outcome & { kind: "unusable" }) | undefined {
    return this.#failure;
  }

  /** Writes the whole block at the offset. Throws when that fails, and records `failure`. */
  write(block: Uint8Array, offset: number): void {
    try {
      for (let done = 0; done < block.length;) {
        done += writeSync(this.#descriptor, block, done, block.length - done, offset + done);
      }
    } catch (cause) {
      const { code = "EIO", message } = cause as NodeJS.ErrnoException;
      this.#failure = { kind: "unusable", file: this.#file, code, message };
      throw cause;
    }
    this.count(block.length);
  }

  /** Closes the file. Later writes fail. */
  close(): void {
    if (this.#descriptor >= 0) closeSync(this.#descriptor);
    this.#descriptor = -1;
  }

  /** Adds bytes to the counter that the main thread reports. */
  count(bytes: number): void {
    Atomics.add(this.#moved, 0, BigInt(bytes));
  }

  /** Subtracts bytes that will be fetched again or were discarded. */
  uncount(bytes: number): void {
    Atomics.sub(this.#moved, 0, BigInt(bytes));
  }
}
