// Where a redirect leads, and what may be sent along.

const REDIRECT_LIMIT = 5;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** A request on its way: `first` is where it was meant to go, `url` where it goes now. Header names are lower case. */
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
 * Returns the hop that an answer leads to, or undefined when it is the last: no redirect, one too many, or none to http(s).
 * `headers` of a hop are what was meant for the first server; see `headersOf`.
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

/** Returns the headers to send. Authorization goes to the first origin only (distribution spec, "Pulling blobs"). */
export function headersOf({ first, url, headers }: Hop): Readonly<Record<string, string>> {
  if (url.origin === first.origin) return headers;
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name !== "authorization"));
}
