// Follows redirects, and decides which headers are sent to the new URL.

const REDIRECT_LIMIT = 5;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/**
 * A request that follows redirects. `first` is the original URL, `url` the current one. `headers`
 * are those for the first server; see `headersOf`. Header names are in lower case.
 */
export interface Hop {
  readonly first: URL;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly hops: number;
}

/** Returns the first hop of a request. */
export function firstHop(url: URL, headers: Readonly<Record<string, string>>): Hop {
  return { first: url, url, headers, hops: 0 };
}

/**
 * Returns the next hop, or undefined when the response is the last: it is not a redirect, the limit
 * is reached, or the target is not http(s).
 */
export function nextHop(
  hop: Hop,
  { status, headers }: { readonly status: number; readonly headers: Readonly<Record<string, string>> },
): Hop | undefined {
  const location = headers["location"];
  if (!REDIRECTS.has(status) || location === undefined || hop.hops === REDIRECT_LIMIT) return undefined;
  if (!URL.canParse(location, hop.url.href)) return undefined;
  const url = new URL(location, hop.url);
  return /^https?:$/.test(url.protocol) ? { ...hop, url, hops: hop.hops + 1 } : undefined;
}

/**
 * Returns the headers to send. Authorization is sent only to the first origin (distribution spec,
 * "Pulling blobs").
 */
export function headersOf({ first, url, headers }: Hop): Readonly<Record<string, string>> {
  if (url.origin === first.origin) return headers;
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name !== "authorization"));
}
