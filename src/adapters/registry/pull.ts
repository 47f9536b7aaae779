// Pulls manifests and blobs from mirrors or the registry itself, and checks their digests.
import { MANIFEST_MEDIA_TYPES, OCI_INDEX, type Descriptor } from "../../core/oci/descriptor.js";
import type { BlobSource } from "../../core/images/resolved-image.js";
import { ViolaError, type ErrorCode } from "../../errors.js";
import { ConnectionFailure, type HttpAnswer } from "../http/client.js";
import { isMirror, resourceAt, urlAt, type EndpointOrder } from "./endpoints.js";
import { readTags } from "./list-tags.js";
import { findNearNames } from "./near-names.js";
import type { PlaceResult, PullPlace } from "./place.js";
import { refusalError } from "./refusal-error.js";
import { codeOfRefusals, type RegistryRejection } from "./rejection.js";
import type { RegistrySession } from "./session.js";
import {
  readManifest,
  readWholeBlob,
  MANIFEST_LIMIT_BYTES,
  type FetchedManifest,
} from "./verify-response.js";

/** The repository of a blob or manifest. The registry is the one in the reference, not a mirror. */
export type RegistryRepository = Omit<Extract<BlobSource, { kind: "registry" }>, "kind">;

/** The result of the first successful place, or the refusals of all places. */
export type PullResult<T> = { readonly value: T } | { readonly refusals: readonly RegistryRejection[] };

/** Configs usually have a few kilobytes. */
const SMALL_BLOB_LIMIT_BYTES = 16 * 1024 * 1024;

/** A request to any endpoint of a repository. `accept` returns undefined for a refusal. */
interface RepositoryRequest<T> {
  /** The path after the repository. */
  readonly what: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly limitBytes: number;
  readonly accept: (answer: HttpAnswer) => T | undefined;
  /** Returns names that exist, given the places that responded "not found". */
  readonly suggest?: (absentAt: readonly PullPlace[]) => Promise<readonly string[]>;
}

/** Pulls content. Fetches a digest at most once in a run. */
export class Puller {
  readonly session: RegistrySession;
  readonly #endpoints: EndpointOrder;
  readonly #manifests = new Map<string, Promise<FetchedManifest>>();
  readonly #blobs = new Map<string, Promise<Uint8Array>>();

  constructor(session: RegistrySession, endpoints: EndpointOrder) {
    this.session = session;
    this.#endpoints = endpoints;
  }

  /**
   * Fetches an index or manifest by tag or digest. `subject` is the image's name in messages. The
   * digest is computed from the bytes, and compared with the requested one and with the one in the
   * header of the response.
   * Throws the error of all places (see `refusalError`), or `IMAGE_UNSUPPORTED`.
   */
  fetchManifest(
    repository: RegistryRepository,
    tagOrDigest: string,
    subject: string,
    signal: AbortSignal,
  ): Promise<FetchedManifest> {
    return remember(this.#manifests, `${nameOf(repository)}@${tagOrDigest}`, async () => {
      const fetched = await this.#request(repository, subject, signal, {
        what: `manifests/${tagOrDigest}`,
        headers: { accept: MANIFEST_MEDIA_TYPES.join(", ") },
        limitBytes: MANIFEST_LIMIT_BYTES,
        accept: (answer) => (answer.status === 200 ? readManifest(answer, tagOrDigest, subject) : undefined),
        ...(!tagOrDigest.includes(":") && {
          suggest: (absentAt) =>
            findNearNames(this.session, absentAt, { ...repository, tag: tagOrDigest }, signal),
        }),
      });
      // The manifest of a tag may later be requested by digest.
      this.#manifests.set(`${nameOf(repository)}@${fetched.raw.digest}`, Promise.resolve(fetched));
      return fetched;
    });
  }

  /**
   * Fetches an index or manifest like `fetchManifest`. Returns undefined if no place has it, which is
   * expected of the tags of signatures.
   */
  findManifest(
    repository: RegistryRepository,
    tagOrDigest: string,
    subject: string,
    signal: AbortSignal,
  ): Promise<FetchedManifest | undefined> {
    return orAbsent(
      this.#request(repository, subject, signal, {
        what: `manifests/${tagOrDigest}`,
        headers: { accept: MANIFEST_MEDIA_TYPES.join(", ") },
        limitBytes: MANIFEST_LIMIT_BYTES,
        accept: (answer) => (answer.status === 200 ? readManifest(answer, tagOrDigest, subject) : undefined),
      }),
    );
  }

  /**
   * Returns the first page of the index of artifacts that refer to a manifest, or undefined if the
   * registry has no API for it.
   * https://github.com/opencontainers/distribution-spec/blob/main/spec.md#listing-referrers
   */
  findReferrers(
    repository: RegistryRepository,
    digest: string,
    subject: string,
    signal: AbortSignal,
  ): Promise<FetchedManifest | undefined> {
    return orAbsent(
      this.#request(repository, subject, signal, {
        what: `referrers/${digest}`,
        headers: { accept: OCI_INDEX },
        limitBytes: MANIFEST_LIMIT_BYTES,
        // Its digest is not known, so it is read like that of a tag.
        accept: (answer) =>
          answer.status === 200 && isIndexAnswer(answer) ? readManifest(answer, "", subject) : undefined,
      }),
      // Registries without this API also respond with other codes, or with a page for browsers.
      "REGISTRY_ANSWER_INVALID",
    );
  }

  /**
   * Asks for an index or manifest with HEAD, which is not counted as a pull. Throws like
   * `fetchManifest` when no place has it.
   */
  async checkManifest(
    repository: RegistryRepository,
    tagOrDigest: string,
    subject: string,
    signal: AbortSignal,
  ): Promise<void> {
    const known = this.#manifests.get(`${nameOf(repository)}@${tagOrDigest}`);
    if (known !== undefined) await known;
    else await this.#headManifest(repository, tagOrDigest, subject, signal);
  }

  async #headManifest(
    repository: RegistryRepository,
    tagOrDigest: string,
    subject: string,
    signal: AbortSignal,
  ): Promise<void> {
    const result = await this.fromPlaces(
      repository,
      `manifests/${tagOrDigest}`,
      async ({ url, resource }) => {
        const ask = {
          headers: { accept: MANIFEST_MEDIA_TYPES.join(", ") },
          limitBytes: MANIFEST_LIMIT_BYTES,
        };
        const head = await this.session.send(resource, { method: "HEAD", url, ...ask }, signal);
        // The body of a refusal says why, and a few registries do not support HEAD.
        const answer =
          head.status === 200 || head.status === 404
            ? head
            : await this.session.send(resource, { method: "GET", url, ...ask }, signal);
        return answer.status === 200
          ? { value: "exists" as const }
          : { refusal: await this.session.describeRefusal(resource, answer) };
      },
    );
    if (!("value" in result)) throw refusalError(subject, result.refusals);
  }

  /**
   * Lists all tags of a repository, in the order of the first place that has a list. A mirror lists
   * what it knows.
   * Throws the error of all places.
   */
  async listTags(repository: RegistryRepository, signal: AbortSignal): Promise<readonly string[]> {
    const result = await this.fromPlaces(repository, "tags/list", (place) =>
      readTags(this.session, place, signal),
    );
    if ("value" in result) return result.value;
    throw refusalError(nameOf(repository), result.refusals);
  }

  /** Fetches a small blob, such as a config, and checks its size and digest. */
  readBlob(
    repository: RegistryRepository,
    descriptor: Descriptor,
    subject: string,
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    const { digest, size } = descriptor;
    if (size > SMALL_BLOB_LIMIT_BYTES) {
      return Promise.reject(
        new ViolaError("IMAGE_UNSUPPORTED", `${subject}: its config ${digest} has ${size} bytes`, {
          subject,
        }),
      );
    }
    return remember(this.#blobs, digest, () =>
      this.#request(repository, subject, signal, {
        what: `blobs/${digest}`,
        headers: {},
        limitBytes: size,
        accept: (answer) => (answer.status === 200 ? readWholeBlob(answer, descriptor, subject) : undefined),
      }),
    );
  }

  /**
   * Returns the last bytes of a blob, at most `bytes`. Returns undefined when the registry does not
   * support range requests.
   */
  async readBlobTail(
    repository: RegistryRepository,
    descriptor: Descriptor,
    bytes: number,
    signal: AbortSignal,
  ): Promise<Uint8Array | undefined> {
    const { digest, size } = descriptor;
    const start = Math.max(0, size - bytes);
    if (start === size) return new Uint8Array();
    const answer = await this.#request(repository, `${nameOf(repository)}@${digest}`, signal, {
      what: `blobs/${digest}`,
      headers: { range: `bytes=${start}-${size - 1}` },
      limitBytes: size - start,
      accept: (response) => ([200, 206, 416].includes(response.status) ? response : undefined),
    });
    const isRange = answer.headers["content-range"]?.startsWith(`bytes ${start}-`) === true;
    return answer.status === 206 && isRange && answer.body.length === size - start ? answer.body : undefined;
  }

  /**
   * Calls `attempt` for each place until one returns a value: the mirrors in order, then the registry
   * itself. A place that had content of the repository before comes first. `what` is the path after
   * the repository. An error of `attempt` counts as a refusal, except for errors that do not depend
   * on the place. Plain HTTP is tried only when HTTPS on the same host cannot be reached.
   */
  async fromPlaces<T>(
    { registry, repository }: RegistryRepository,
    what: string,
    attempt: (place: PullPlace) => Promise<PlaceResult<T>>,
  ): Promise<PullResult<T>> {
    const refusals: RegistryRejection[] = [];
    const isMirrored = this.#endpoints.list(registry, repository).some(isMirror);
    let unreachable = false;
    for (const endpoint of this.#endpoints.list(registry, repository)) {
      if (endpoint.fallback && !unreachable) continue;
      unreachable = false;
      // The result of plain HTTP replaces that of HTTPS on the same host.
      if (endpoint.fallback) refusals.pop();
      const place = {
        url: urlAt(endpoint, repository, what),
        resource: resourceAt(endpoint, repository),
      };
      try {
        const result = await attempt(place);
        this.#endpoints.noteAnswer(endpoint);
        if ("value" in result) {
          this.#endpoints.noteContent(endpoint, registry, repository);
          return result;
        }
        refusals.push(result.refusal);
      } catch (cause) {
        unreachable = cause instanceof ConnectionFailure && !cause.isCertificateRefused;
        const refusal = await this.session.describeFailure(place.resource, place.url, cause);
        const isOriginOffline = isMirrored && unreachable && !isMirror(endpoint);
        refusals.push({
          ...refusal,
          ...(isOriginOffline && { isOriginOffline }),
        });
      }
    }
    return { refusals };
  }

  async #request<T>(
    repository: RegistryRepository,
    subject: string,
    signal: AbortSignal,
    { what, accept, suggest, ...request }: RepositoryRequest<T>,
  ): Promise<T> {
    const absentAt: PullPlace[] = [];
    const result = await this.fromPlaces(repository, what, async (place) => {
      const { url, resource } = place;
      const answer = await this.session.send(resource, { method: "GET", url, ...request }, signal);
      const value = accept(answer);
      if (answer.status === 404) absentAt.push(place);
      return value === undefined
        ? { refusal: await this.session.describeRefusal(resource, answer) }
        : { value };
    });
    if ("value" in result) return result.value;
    const isAbsent = codeOfRefusals(result.refusals) === "IMAGE_NOT_FOUND";
    const nearNames = isAbsent ? ((await suggest?.(absentAt)) ?? []) : [];
    throw refusalError(subject, result.refusals, nearNames);
  }
}

/** Returns undefined for content that no place has. */
async function orAbsent<T>(work: Promise<T>, ...codes: readonly ErrorCode[]): Promise<T | undefined> {
  try {
    return await work;
  } catch (cause) {
    if (cause instanceof ViolaError && ["IMAGE_NOT_FOUND", ...codes].includes(cause.code)) return undefined;
    throw cause;
  }
}

function isIndexAnswer({ headers }: HttpAnswer): boolean {
  return headers["content-type"]?.split(";", 1)[0]?.trim() === OCI_INDEX;
}

/** Runs `make` once per key, and again after a failure. */
function remember<T>(known: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> {
  const earlier = known.get(key);
  if (earlier !== undefined) return earlier;
  const made = make();
  known.set(key, made);
  made.catch(() => known.delete(key));
  return made;
}

function nameOf({ registry, repository }: RegistryRepository): string {
  return `${registry}/${repository}`;
}
