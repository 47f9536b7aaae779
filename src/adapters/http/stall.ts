// The error of a connection that transfers no data.

/** The stall timeout without a setting. */
export const DEFAULT_STALL_TIMEOUT_MS = 60_000;

/** Returns the error for a connection without data for this time. `bytes` is what was transferred before. */
export function stallError(milliseconds: number, bytes: number): Error {
  const message = `no data for ${milliseconds / 1000} s after ${bytes} bytes`;
  return Object.assign(new Error(message), { code: "ETIMEDOUT" });
}
