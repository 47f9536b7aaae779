// Which bytes of a bundle answer a path of the registry API: pure, so that every form of request can be tested without a server.
import type { Inventory, InventoryBlob } from "../../core/bundle/inventory.js";
import { registryFolder } from "../../core/load/registry-layout.js";
import { findReference, formatRepository, parseReference } from "../../core/images/reference.js";

/** Content that a request asks for. */
export interface Content {
  readonly digest: string;
  readonly mediaType: string;
  /** Bytes. */
  readonly size: number;
  /** From the start of the bundle file. */
  readonly offset: number;
}

/** Error codes of the distribution specification that a read-only registry gives. */
export type UnknownCode = "NAME_UNKNOWN" | "MANIFEST_UNKNOWN" | "BLOB_UNKNOWN" | "UNSUPPORTED";

/** A manifest that a request asks for, whether the bundle has it or not. */
export interface WantedManifest {
  readonly registry: string;
  readonly repository: string;
  /** Tag or digest. */
  readonly reference: string;
}

/** What a path means. */
export type Route =
  | { readonly kind: "ping" }
  | { readonly kind: "content"; readonly content: Content; readonly wanted?: WantedManifest }
  | { readonly kind: "document"; readonly mediaType: string; readonly text: string }
  | {
      readonly kind: "unknown";
      readonly code: UnknownCode;
      readonly wanted?: WantedManifest;
      /** Digest of the blob that was asked for. */
      readonly blob?: string;
    };

/** Finds the route of a path such as `/v2/prometheus/prometheus/manifests/v2.55.1`; `registry` is the `ns` query. */
export type FindRoute = (path: string, registry: string | undefined) => Route;

/** One repository of the bundle. */
interface Repository {
  readonly tags: Map<string, string>;
  /** Media type by digest. */
  readonly manifests: Map<string, string>;
}

export const BLOB_MEDIA_TYPE = "application/octet-stream";
const CONTENT_PATH = /^\/v2\/(.+)\/(manifests|blobs)\/([^/]+)$/;
const TAGS_PATH = /^\/v2\/(.+)\/tags\/list$/;

/**
 * Makes the lookup for an inventory. A repository is asked for as containerd asks a mirror (`ns` says whose repository the path means), with the
 * registry as the first part of the path (`/v2/quay.io/prometheus/…`), by both, or bare as dockerd asks a mirror of Docker Hub. Manifests
 * are found in the repositories that the bundle names, blobs in any. https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pull
 */
export function makeRoutes(inventory: Inventory): FindRoute {
  const blobs = new Map<string, InventoryBlob>(inventory.blobs.map((blob) => [blob.digest, blob]));
  const repositories = new Map<string, Repository>();
  const folders = new Map<string, string>();
  for (const image of inventory.images) {
    for (const name of image.names.map(parseReference)) {
      const repository = repositories.get(formatRepository(name)) ?? {
        tags: new Map(),
        manifests: new Map(),
      };
      repositories.set(formatRepository(name), repository);
      folders.set(registryFolder(name.registry), name.registry);
      if (name.tag !== undefined) repository.tags.set(name.tag, image.digest);
      for (const { digest, mediaType } of image.manifests) repository.manifests.set(digest, mediaType);
    }
  }

  /** Spells out what a path may mean, likeliest first. */
  const readPath = (path: string, registry: string | undefined): readonly Named[] => {
    const [folder = "", ...rest] = path.split("/");
    const host = folders.get(folder) ?? folder;
    const byPath = findReference([host, ...rest].join("/"));
    const byQuery = registry === undefined ? undefined : findReference(`${registry}/${path}`);
    const isDoubled = registry !== undefined && folder === registryFolder(registry);
    return (isDoubled ? [byPath, byQuery] : [byQuery, byPath]).filter((one) => one !== undefined);
  };
  const findRepository = (path: string, registry: string | undefined): Found => {
    const named = readPath(path, registry);
    const known = named.find((one) => repositories.has(formatRepository(one))) ?? named[0];
    const { registry: host = registry ?? "", repository = path } = known ?? {};
    const content = known === undefined ? undefined : repositories.get(formatRepository(known));
    return { registry: host, repository, content };
  };

  return (path, registry) => {
    if (path === "/v2" || path === "/v2/") return { kind: "ping" };
    if (path === "/v2/_catalog") return json({ repositories: [...repositories.keys()].sort() });
    const [, listed] = TAGS_PATH.exec(path) ?? [];
    if (listed !== undefined) {
      const { content } = findRepository(listed, registry);
      if (content === undefined) return { kind: "unknown", code: "NAME_UNKNOWN" };
      return json({ name: listed, tags: [...content.tags.keys()].sort() });
    }
    const [, name, kind, reference] = CONTENT_PATH.exec(path) ?? [];
    if (name === undefined || reference === undefined) return { kind: "unknown", code: "UNSUPPORTED" };
    if (kind === "blobs") {
      const blob = blobs.get(reference);
      if (blob === undefined) return { kind: "unknown", code: "BLOB_UNKNOWN", blob: reference };
      return { kind: "content", content: { ...blob, mediaType: BLOB_MEDIA_TYPE } };
    }
    const { content, ...where } = findRepository(name, registry);
    const wanted = { ...where, reference };
    if (content === undefined) return { kind: "unknown", code: "NAME_UNKNOWN", wanted };
    const digest = reference.includes(":") ? reference : content.tags.get(reference);
    const blob = digest === undefined ? undefined : blobs.get(digest);
    const mediaType = digest === undefined ? undefined : content.manifests.get(digest);
    if (blob === undefined || mediaType === undefined) {
      return { kind: "unknown", code: "MANIFEST_UNKNOWN", wanted };
    }
    return { kind: "content", content: { ...blob, mediaType }, wanted };
  };
}

interface Named {
  readonly registry: string;
  readonly repository: string;
}

interface Found extends Named {
  /** Absent when the bundle has nothing of this repository. */
  readonly content: Repository | undefined;
}

function json(value: unknown): Route {
  return { kind: "document", mediaType: "application/json", text: JSON.stringify(value) };
}

/** A stretch of content: bytes `start` to `end`, the last one included. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/**
 * Reads a `Range` header for content of this size. Returns undefined when the whole is to be sent (no header, or a form that a server may
 * ignore), and "unsatisfiable" when the range lies outside. https://www.rfc-editor.org/rfc/rfc9110#section-14.2
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
