// Decides whether and when a request is retried.

/** The result of one try: a status, or the error code of a failed connection. */
export interface TryOutcome {
  readonly status?: number;
  /** For example `ECONNRESET` or `UND_ERR_SOCKET`. */
  readonly errorCode?: string;
  /** The Retry-After header: seconds or an HTTP date. */
  readonly retryAfter?: string | undefined;
  /** True when the status is from the target of a redirect. */
  readonly isRedirected?: boolean;
}

const TRIES = 5;
const FIRST_DELAY_MS = 500;
/** A longer Retry-After counts as a refusal, so that a build does not wait for minutes. */
const LONGEST_DELAY_MS = 60_000;

const PASSING_STATUSES = new Set([408, 429, 500, 502, 503, 504]);
/** Responses of storage services to an expired signed URL. A retry gets a new URL from the registry. */
const EXPIRED_STATUSES = new Set([400, 401, 403, 410]);
const EXPIRED_TRIES = 3;
const DROPPED = new Set(["ECONNRESET", "EPIPE", "EAI_AGAIN", "UND_ERR_SOCKET"]);
/** Retried only once, because each try has already taken the whole timeout. */
const TIMED_OUT = new Set([
  "ETIMEDOUT",
  "UND_ERR_CONNECT_TIMEOUT",
  "UND_ERR_HEADERS_TIMEOUT",
  "UND_ERR_BODY_TIMEOUT",
]);

/**
 * Returns the delay before the next try in milliseconds, or undefined when a retry is of no use.
 * `tries` is the number of tries so far, `now` is in milliseconds since 1970. `first` is the first
 * delay, which doubles with each try unless the server specifies one.
 */
export function retryDelayMs(
  outcome: TryOutcome,
  tries: number,
  now: number,
  first = FIRST_DELAY_MS,
): number | undefined {
  if (tries >= TRIES) return undefined;
  const { status, errorCode = "" } = outcome;
  if (status === undefined) {
    if (!DROPPED.has(errorCode) && !(TIMED_OUT.has(errorCode) && tries < 2)) return undefined;
  } else if (!PASSING_STATUSES.has(status)) {
    const isExpired = outcome.isRedirected === true && EXPIRED_STATUSES.has(status);
    if (!isExpired || tries >= EXPIRED_TRIES) return undefined;
  }
  const asked = retryAfterMs(outcome.retryAfter, now);
  if (asked !== undefined) return asked <= LONGEST_DELAY_MS ? asked : undefined;
  return Math.min(first * 2 ** (tries - 1), LONGEST_DELAY_MS);
}

/**
 * Parses Retry-After (RFC 9110, 10.2.3). Returns the milliseconds from now, which are not negative,
 * or undefined when the header is absent or invalid.
 */
export function retryAfterMs(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^\s*\d+\s*$/.test(header)) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
