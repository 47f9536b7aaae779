// Pages of the lists of a registry: the tags of a repository, and its repositories.

/** A whole list. `entries` are sorted in lexical order. */
export interface NameList {
  readonly field: "tags" | "repositories";
  /** The repository whose tags are listed. */
  readonly name?: string;
  readonly entries: readonly string[];
}

/** One page, and the query for the next page if there is one. */
export interface NamePage {
  readonly text: string;
  readonly next?: { readonly n: string; readonly last: string };
}

/**
 * Returns the page for the query parameters `n` and `last`: at most `n` entries, beginning after
 * `last` in lexical order. Returns undefined when `n` is not a number.
 * https://github.com/opencontainers/distribution-spec/blob/main/spec.md#listing-tags
 */
export function pageOf({ field, name, entries }: NameList, query: URLSearchParams): NamePage | undefined {
  const n = query.get("n");
  const last = query.get("last") ?? "";
  if (n !== null && !/^\d{1,9}$/.test(n)) return undefined;
  const rest = entries.filter((entry) => entry > last);
  const page = n === null ? rest : rest.slice(0, Number(n));
  const end = page.at(-1);
  return {
    text: JSON.stringify({ ...(name !== undefined && { name }), [field]: page }),
    ...(n !== null && end !== undefined && page.length < rest.length && { next: { n, last: end } }),
  };
}
