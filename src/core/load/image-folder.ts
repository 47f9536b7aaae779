// A folder that a node takes archives of images from when it starts: what the program asks of it.
import type { Platform } from "../oci/descriptor.js";
import type { Chunks } from "../bundle/partial-archive.js";

/** Every failure is a `NODE_LOAD_FAILED` that names the folder; calls reject with the signal's reason when it fires. */
export interface ImageFolder {
  /** Whose folder it is, as on the command line. */
  readonly name: string;
  readonly path: string;
  readonly platform: Platform;
  /** True when the file is there, has this size and begins with these bytes. */
  holds(file: string, head: Uint8Array, sizeBytes: number): Promise<boolean>;
  /** Returns the free bytes of its disk, and makes the folder where it is not there. */
  freeBytes(): Promise<number>;
  /** Writes the file, which has its name only when it is complete and synced; what was there under the name is replaced. */
  write(file: string, content: Chunks, signal: AbortSignal): Promise<void>;
  /** Takes the file away and returns how large it was: 0 when it was not there. */
  remove(file: string): Promise<number>;
}
