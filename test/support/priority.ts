// Priority of test files: a running Kubernetes takes half a processor even when nothing happens, so
// the files that use one go first, and end sooner. The processes that a file starts inherit this.
import { setPriority } from "node:os";

const OTHERS = 10;

/** Vitest runs this file before each test file. Several of them share a process. */
setPriority(OTHERS);

/** Gives the current test file the normal priority again, which only root can do. */
export function preferThisFile(): void {
  setPriority(0);
}
