// Lists the tags of a repository, page by page.
import * as z from "zod";
import { readJson } from "../../core/parse-json.js";
import { ViolaError } from "../../errors.js";
import type { HttpAnswer } from "../http/client.js";
import type { PlaceResult, PullPlace } from "./place.js";
import type { RegistrySession } from "./session.js";

/** Entries per page. A registry may send fewer, and some send all. */
const PAGE_ENTRIES = "1000";
const PAGE_LIMIT_BYTES = 16 * 1024 * 1024;
/** The repositories with the most tags, which get one for each commit, have some ten thousand. */
const MOST_TAGS = 200_000;
const MOST_PAGES = 2_000;
const TAG = /^\w[\w.-]{0,127}$/;

const TAG_LIST = z.object({ tags: z.array(z.string()).nullish() });

/**
 * Reads the list at `place`, whose URL is that of `tags/list`. Pages are linked as in RFC 8288.
 * https://github.com/opencontainers/distribution-spec/blob/main/spec.md#listing-tags
 * Throws `REGISTRY_ANSWER_INVALID` for a list that is not one or never ends, and the errors of
 * `RegistrySession.send`.
 */
export async function readTags(
  session: RegistrySession,
  { url, resource }: PullPlace,
  signal: AbortSignal,
): Promise<PlaceResult<readonly string[]>> {
  const tags = new Set<string>();
  let next: URL | undefined = firstPage(url);
  for (let pages = 0; next !== undefined; pages++) {
    const request = {
      method: "GET",
      url: next,
      headers: {},
      limitBytes: PAGE_LIMIT_BYTES,
    } as const;
    const answer = await session.send(resource, request, signal);
    if (answer.status !== 200) return { refusal: await session.describeRefusal(resource, answer) };
    const known = tags.size;
    for (const tag of parseTagList(answer) ?? unusable("is not a list of tags")) tags.add(tag);
    if (tags.size > MOST_TAGS || pages === MOST_PAGES) unusable(`has more than ${MOST_TAGS} tags`);
    next = nextPage(answer, url);
    if (next !== undefined && tags.size === known) unusable("has a page without a new tag");
  }
  return { value: [...tags] };
}

function unusable(what: string): never {
  throw new ViolaError("REGISTRY_ANSWER_INVALID", `the list of tags ${what}`);
}

/** Returns the URL of the first page. */
export function firstPage(list: URL): URL {
  const url = new URL(list);
  url.searchParams.set("n", PAGE_ENTRIES);
  return url;
}

/** Returns the valid tags of a page, or undefined when the body is not a list. */
export function parseTagList({ body, tooLong }: HttpAnswer): readonly string[] | undefined {
  if (tooLong) return undefined;
  let list: z.infer<typeof TAG_LIST>;
  try {
    list = TAG_LIST.parse(readJson(new TextDecoder().decode(body)));
  } catch {
    return undefined;
  }
  return (list.tags ?? []).filter((tag) => TAG.test(tag));
}

/**
 * Returns the URL of the next page. Only the query of the link is used: registries behind a proxy
 * link to another scheme or host, and the credentials are for this one.
 */
function nextPage({ headers }: HttpAnswer, list: URL): URL | undefined {
  const link = (headers["link"] ?? "")
    .split(/,(?=\s*<)/)
    .find((one) => /;\s*rel="?next"?\s*(?:;|$)/i.test(one));
  const target = /^\s*<([^>]*)>/.exec(link ?? "")?.[1];
  if (target === undefined || !URL.canParse(target, list.href)) return undefined;
  const url = new URL(list);
  for (const [name, value] of new URL(target, list).searchParams) url.searchParams.set(name, value);
  return url;
}
