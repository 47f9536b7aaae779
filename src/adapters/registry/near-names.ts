// Finds names similar to that of an image which a registry does not have, in the lists of the registry.
import * as z from "zod";
import { readJson } from "../../core/parse-json.js";
import { rankNearest } from "../../core/nearest.js";
import type { BlobSource } from "../../core/images/resolved-image.js";
import type { HttpAnswer } from "../http/client.js";
import { firstPage, parseTagList } from "./list-tags.js";
import type { PullPlace } from "./place.js";
import type { RegistrySession } from "./session.js";

/** The name of an image that was not found. */
type AbsentName = Omit<Extract<BlobSource, { kind: "registry" }>, "kind"> & {
  readonly tag: string;
};

const LIST_LIMIT_BYTES = 1024 * 1024;
/** A registry that responded "not found" should not take longer for a list. */
const LIST_TIMEOUT_MS = 10_000;
const MOST_NAMES = 3;

const CATALOG = z.object({ repositories: z.array(z.string()).nullish() });
const REPOSITORY = /^[a-z0-9]+(?:[._/-]+[a-z0-9]+)*$/;

/**
 * Returns up to three existing names that are similar to the absent one: of the same repository with
 * another tag, or, when the repository does not exist either, of another repository. `places` are
 * those that responded "not found". Many registries do not list repositories.
 * Throws only the signal's reason.
 */
export async function findNearNames(
  session: RegistrySession,
  places: readonly PullPlace[],
  { registry, repository, tag }: AbsentName,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const names = new Set<string>();
  for (const place of places) {
    const list = await readPage(session, place, "tags", signal);
    const tags = list && parseTagList(list);
    for (const near of rankNearest(tag, tags ?? [])) names.add(`${registry}/${repository}:${near}`);
    if (tags !== undefined) continue;
    // The paths of a mirror may begin with a prefix.
    const prefix = place.resource.repository.slice(0, -repository.length);
    const catalog = await readPage(session, place, "repositories", signal);
    const known = repositoriesIn(catalog)
      .filter((one) => one.startsWith(prefix) && REPOSITORY.test(one))
      .map((one) => one.slice(prefix.length));
    for (const near of rankNearest(repository, known)) names.add(`${registry}/${near}`);
  }
  return [...names].slice(0, MOST_NAMES);
}

/** Returns the first page of a list, or undefined when the place does not provide it. */
async function readPage(
  session: RegistrySession,
  { url: manifestUrl, resource }: PullPlace,
  kind: "tags" | "repositories",
  signal: AbortSignal,
): Promise<HttpAnswer | undefined> {
  const url = new URL(manifestUrl);
  url.pathname = kind === "tags" ? url.pathname.replace(/\/manifests\/[^/]+$/, "/tags/list") : "/v2/_catalog";
  const { base, credentialHost, insecure } = resource;
  // Without a repository, the scope of the token is the one that the registry asks for.
  const listed = kind === "tags" ? resource : { base, credentialHost, insecure, repository: "" };
  const request = {
    method: "GET",
    url: firstPage(url),
    headers: {},
    limitBytes: LIST_LIMIT_BYTES,
  } as const;
  try {
    const soon = AbortSignal.any([signal, AbortSignal.timeout(LIST_TIMEOUT_MS)]);
    const answer = await session.send(listed, request, soon);
    return answer.status === 200 && !answer.tooLong ? answer : undefined;
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
}

function repositoriesIn(answer: HttpAnswer | undefined): readonly string[] {
  if (answer === undefined) return [];
  try {
    return CATALOG.parse(readJson(new TextDecoder().decode(answer.body))).repositories ?? [];
  } catch {
    return [];
  }
}
