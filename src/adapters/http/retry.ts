// Which answers are worth asking again, and when.

/** What came of one try: a status, or the code of a connection that failed. */
export interface TryOutcome {
  readonly status?: number;
  /** `ECONNRESET`, `UND_ERR_SOCKET` and the like. */
  readonly errorCode?: string;
  /** The Retry-After header: seconds or an HTTP date. */
  readonly retryAfter?: string | undefined;
  /** True when the status is that of an address that a redirect led to. */
  readonly isRedirected?: boolean;
}

const TRIES = 5;
const FIRST_DELAY_MS = 500;
/** Nobody wants a build to sleep longer than this; a registry that asks for more has refused. */
const LONGEST_DELAY_MS = 60_000;

const PASSING_STATUSES = new Set([408, 429, 500, 502, 503, 504]);
/** What file stores answer to a signed address that has expired. The registry hands out a fresh one when it is asked again. */
const EXPIRED_STATUSES = new Set([400, 401, 403, 410]);
const EXPIRED_TRIES = 3;
const DROPPED = new Set(["ECONNRESET", "EPIPE", "EAI_AGAIN", "UND_ERR_SOCKET"]);
/** Each of these has cost its time already, so one more try is enough. */
const TIMED_OUT = new Set([
  "ETIMEDOUT",
  "UND_ERR_CONNECT_TIMEOUT",
  "UND_ERR_HEADERS_TIMEOUT",
  "UND_ERR_BODY_TIMEOUT",
]);

/**
 * Returns how many milliseconds to wait before the next try, or undefined when there is no point in one. `tries` counts those already made,
 * `now` is in milliseconds since 1970, `first` is the delay that doubles from try to try where the server names none.
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

/** Reads Retry-After (RFC 9110, 10.2.3): milliseconds from now, never negative; undefined when it is absent or neither form. */
export function retryAfterMs(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^\s*\d+\s*$/.test(header)) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
