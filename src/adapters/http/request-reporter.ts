// Reports the end of a request for `--verbose`.
import type { OnActivity, RequestActivity } from "../../core/activity.js";
import { redactUrl } from "../../core/redact.js";

/** How a request ended. */
export type RequestEnd = Pick<RequestActivity, "status" | "failure" | "bytes">;

/** Starts the clock of a request, and returns what reports its first end. */
export function requestReporter(
  method: string,
  url: URL,
  onActivity: OnActivity | undefined,
): (end: RequestEnd) => void {
  const startedMs = performance.now();
  let isReported = false;
  return (end) => {
    if (isReported) return;
    isReported = true;
    const durationMs = performance.now() - startedMs;
    onActivity?.({ kind: "request", method, url: redactUrl(url), ...end, durationMs });
  };
}
