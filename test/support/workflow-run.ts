// A run of a workflow as tests need it: nothing is shown and nothing interrupts it, unless a test
// says so.
import type { Run } from "../../src/workflows/progress.js";

export function workflowRun({
  signal = new AbortController().signal,
  progress = () => undefined,
}: Partial<Run> = {}): Run {
  return { signal, progress };
}
