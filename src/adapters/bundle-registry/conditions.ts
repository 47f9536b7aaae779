// Range and conditional requests, by the digest of the content as its entity tag. Does no I/O.

/** A range of bytes. `end` is inclusive. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** The headers that decide which part of the content is sent. Names are in lower case. */
interface RequestHeaders {
  readonly range?: string | undefined;
  readonly "if-range"?: string | string[] | undefined;
  readonly "if-none-match"?: string | undefined;
}

/** Returns the entity tag of content, as distribution sends it. */
export function entityTag(digest: string): string {
  return `"${digest}"`;
}

/**
 * Returns which part of the content to send: "unchanged" when the client has it, "unsatisfiable" for a
 * range outside of it, undefined for the whole content.
 * https://www.rfc-editor.org/rfc/rfc9110#section-13.2.2
 */
export function selectPart(
  method: string | undefined,
  headers: RequestHeaders,
  { digest, size }: { readonly digest: string; readonly size: number },
): ByteRange | "unchanged" | "unsatisfiable" | undefined {
  const tag = entityTag(digest);
  const known = (headers["if-none-match"] ?? "").split(",").map((one) => one.trim().replace(/^W\//, ""));
  // Some clients send the digest without quotation marks.
  if (known.some((one) => one === tag || one === digest || one === "*")) return "unchanged";
  const condition = headers["if-range"];
  if (method !== "GET" || (condition !== undefined && condition !== tag)) return undefined;
  return parseRange(headers.range, size);
}

/**
 * Parses a `Range` header for content of this size. Returns undefined when the whole content must
 * be sent, because there is no header or a server may ignore its form. Returns "unsatisfiable" when
 * the range is outside the content.
 * https://www.rfc-editor.org/rfc/rfc9110#section-14.2
 */
export function parseRange(
  header: string | undefined,
  size: number,
): ByteRange | "unsatisfiable" | undefined {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(header ?? "") ?? [];
  if (first === undefined || last === undefined || (first === "" && last === "")) return undefined;
  const start = first === "" ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === "" || last === "" ? size - 1 : Math.min(Number(last), size - 1);
  if (first !== "" && last !== "" && Number(last) < start) return undefined;
  return start > end ? "unsatisfiable" : { start, end };
}
