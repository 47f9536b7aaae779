// Reads a file, or the parts of a bundle as if they were one file.
import { closeSync, fstatSync, openSync, read, readSync } from "node:fs";
import { promisify } from "node:util";
import {
  isPart,
  parsePartHeader,
  PART_HEADER_BYTES,
  partPath,
  wholePath,
  type PartHeader,
} from "../../core/bundle/parts.js";

const readAsync = promisify(read);

/** The place of bytes in the file of one part. */
interface Place {
  readonly descriptor: number;
  readonly position: number;
  /** How many bytes may be read there. */
  readonly length: number;
}

/**
 * A file that is open for reading. The path of any part stands for the bundle. The other parts are
 * opened when they are read. The caller closes it.
 */
export class SourceFile {
  /** In bytes; of the whole bundle if it is in parts. */
  readonly size: number;
  readonly #path: string;
  readonly #descriptors = new Map<number, number>();
  /** Absent for a file that is not a part. */
  readonly #header: PartHeader | undefined;

  /** Throws system errors, and `BUNDLE_INVALID` for a part with a damaged header or a wrong name. */
  constructor(path: string) {
    const descriptor = openSync(path, "r");
    try {
      const start = Buffer.alloc(PART_HEADER_BYTES);
      const length = readSync(descriptor, start, 0, start.length, 0);
      this.#header = isPart(start) ? parsePartHeader(start.subarray(0, length), path) : undefined;
      this.size = this.#header?.totalBytes ?? fstatSync(descriptor).size;
      this.#path = this.#header === undefined ? path : wholePath(path, this.#header);
      this.#descriptors.set(this.#header?.number ?? 1, descriptor);
    } catch (cause) {
      closeSync(descriptor);
      throw cause;
    }
  }

  /** Reads into the buffer and returns how many bytes were read, 0 only at the end. */
  async read(buffer: Buffer, start: number, length: number, position: number): Promise<number> {
    const place = this.#locate(position, length);
    if (place.length <= 0) return 0;
    return (await readAsync(place.descriptor, buffer, start, place.length, place.position)).bytesRead;
  }

  /** Like `read`, for worker threads. */
  readSync(buffer: Buffer, start: number, length: number, position: number): number {
    const place = this.#locate(position, length);
    return place.length <= 0 ? 0 : readSync(place.descriptor, buffer, start, place.length, place.position);
  }

  close(): void {
    for (const descriptor of this.#descriptors.values()) closeSync(descriptor);
    this.#descriptors.clear();
  }

  #locate(position: number, length: number): Place {
    if (this.#header === undefined) return { descriptor: this.#descriptors.get(1) ?? -1, position, length };
    const { pieceBytes, totalBytes } = this.#header;
    const rest = Math.min(length, totalBytes - position);
    const index = Math.floor(position / pieceBytes);
    const inPart = position - index * pieceBytes;
    return {
      descriptor: rest <= 0 ? -1 : this.#open(index + 1),
      position: PART_HEADER_BYTES + inPart,
      length: Math.min(rest, pieceBytes - inPart),
    };
  }

  #open(number: number): number {
    const opened = this.#descriptors.get(number);
    if (opened !== undefined) return opened;
    const descriptor = openSync(partPath(this.#path, number), "r");
    this.#descriptors.set(number, descriptor);
    return descriptor;
  }
}
