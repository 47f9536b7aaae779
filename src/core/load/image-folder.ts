// Interface of a folder from which a node imports image archives at startup.
import type { Platform } from "../oci/descriptor.js";
import type { Chunks } from "../bundle/partial-archive.js";

/** Calls fail with a `NODE_LOAD_FAILED` that names the folder, or with the reason of the signal. */
export interface ImageFolder {
  /** The target that it belongs to, as on the command line. */
  readonly name: string;
  readonly path: string;
  readonly platform: Platform;
  /** True if the file exists, has this size and starts with these bytes. */
  holds(file: string, head: Uint8Array, sizeBytes: number): Promise<boolean>;
  /** Returns the free bytes of its disk. Creates the folder if it does not exist. */
  freeBytes(): Promise<number>;
  /** Writes or replaces the file. It gets its name only after it is complete and synced. */
  write(file: string, content: Chunks, signal: AbortSignal): Promise<void>;
  /** Removes the file and returns its size in bytes, or 0 if it did not exist. */
  remove(file: string): Promise<number>;
}
