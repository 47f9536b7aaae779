// The file that blobs are written into at their offsets, and the count of bytes moved so far.
import { closeSync, openSync, writeSync } from "node:fs";
import type { Outcome } from "./blob-messages.js";

/** Writes blocks into place, synchronously: the buffer they come from is used again at once. */
export class OutputFile {
  readonly #file: string;
  #descriptor: number;
  readonly #moved: BigInt64Array;
  #failure: (Outcome & { kind: "unusable" }) | undefined;

  /** Opens an existing file; without one, writing is an error and only the count is kept. */
  constructor(file: string | undefined, moved: SharedArrayBuffer) {
    this.#file = file ?? "";
    this.#descriptor = file === undefined ? -1 : openSync(file, "r+");
    this.#moved = new BigInt64Array(moved);
  }

  /** Why the last write failed, as a job's outcome. */
  get failure(): (Outcome & { kind: "unusable" }) | undefined {
    return this.#failure;
  }

  /** Writes the whole block at the offset. Throws when the disk is full or gone, and remembers why. */
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

  /** Closes the file; writing fails from then on. */
  close(): void {
    if (this.#descriptor >= 0) closeSync(this.#descriptor);
    this.#descriptor = -1;
  }

  /** Adds bytes to the count that the main thread shows. */
  count(bytes: number): void {
    Atomics.add(this.#moved, 0, BigInt(bytes));
  }

  /** Takes back bytes that will be moved again or not at all. */
  uncount(bytes: number): void {
    Atomics.sub(this.#moved, 0, BigInt(bytes));
  }
}
