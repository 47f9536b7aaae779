// A run of a workflow for tests, without progress and interruptions by default.
import type { Run } from "../../src/workflows/progress.js";

export function workflowRun({
  signal = new AbortController().signal,
  progress = () => undefined,
}: Partial<Run> = {}): Run {
  return { signal, progress };
}
