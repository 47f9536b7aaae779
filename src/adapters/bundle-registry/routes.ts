// Maps the paths of the registry API to the content of a bundle. Does no I/O, so that all forms of
// requests can be tested without a server.
import type { BlobPlaces } from "../../core/bundle/blob-places.js";
import type { Inventory, InventoryArtifact } from "../../core/bundle/inventory.js";
import { referrersIndex } from "../../core/load/referrers-index.js";
import { registryFolder } from "../../core/load/registry-layout.js";
import {
  findReference,
  formatRepository,
  parseReference,
  type Reference,
} from "../../core/images/reference.js";
import { OCI_INDEX } from "../../core/oci/descriptor.js";
import type { NameList } from "./name-list.js";

/** What the inventory says about content. */
export interface DescribedContent {
  readonly digest: string;
  readonly mediaType: string;
  /** Bytes. */
  readonly size: number;
}

/** Content of a bundle file. */
export interface Content extends DescribedContent {
  /** Path of the file. */
  readonly file: string;
  /** From the start of the file. */
  readonly offset: number;
}

/** The error codes of the distribution specification for content that is not in the bundle. */
export type UnknownCode = "NAME_UNKNOWN" | "MANIFEST_UNKNOWN" | "BLOB_UNKNOWN" | "UNSUPPORTED";

/** A requested manifest, which may or may not be in the bundle. */
export interface WantedManifest {
  readonly registry: string;
  readonly repository: string;
  /** Tag or digest. */
  readonly reference: string;
}

/** The meaning of a path. */
export type Route =
  | { readonly kind: "ping" }
  | { readonly kind: "content"; readonly content: Content; readonly wanted?: WantedManifest }
  /** A manifest of the bundle that is in a base which is not at hand. */
  | { readonly kind: "described"; readonly described: DescribedContent; readonly wanted: WantedManifest }
  | {
      readonly kind: "document";
      readonly mediaType: string;
      readonly text: string;
      /** Of a manifest or blob that is not in the bundle file. */
      readonly digest?: string;
    }
  | { readonly kind: "list"; readonly list: NameList }
  | { readonly kind: "invalid"; readonly code: "DIGEST_INVALID" }
  | {
      readonly kind: "unknown";
      readonly code: UnknownCode;
      readonly wanted?: WantedManifest;
      /** Digest of the requested blob. */
      readonly blob?: string;
    };

/**
 * Finds the route of a path such as `/v2/prometheus/prometheus/manifests/v2.55.1`. `registry` is
 * the value of the query parameter `ns`.
 */
export type FindRoute = (path: string, registry: string | undefined) => Route;

/** One repository of the bundle. */
interface Repository {
  readonly tags: Map<string, string>;
  /** Media type by digest. */
  readonly manifests: Map<string, string>;
  /** The artifacts of its images. */
  readonly artifacts: InventoryArtifact[];
}

/** https://github.com/opencontainers/image-spec/blob/main/descriptor.md#digests */
const DIGEST = /^[a-z0-9]+(?:[+._-][a-z0-9]+)*:[A-Za-z0-9=_-]+$/;
export const BLOB_MEDIA_TYPE = "application/octet-stream";
export const CATALOG_PATH = "/v2/_catalog";
const CONTENT_PATH = /^\/v2\/(.+)\/(manifests|blobs)\/([^/]+)$/;
const TAGS_PATH = /^\/v2\/(.+)\/tags\/list$/;
const REFERRERS_PATH = /^\/v2\/(.+)\/referrers\/([^/]+)$/;

/** Hosts are the same in upper and lower case, and clients may send either. */
function keyOf(reference: Reference): string {
  return formatRepository({ ...reference, registry: reference.registry.toLowerCase() });
}

/**
 * Returns the lookup for an inventory, whose blobs are at these places.
 *
 * The registry of a repository may be in the query parameter `ns`, as containerd sends it to a
 * mirror, in the first component of the path (`/v2/quay.io/prometheus/…`), or in both. It may also
 * be absent, as dockerd sends requests to a mirror of Docker Hub. Manifests are found only in their
 * repositories, blobs in any repository.
 * https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pull
 */
export function makeRoutes(inventory: Inventory, blobs: BlobPlaces): FindRoute {
  const sizes = new Map<string, number>(inventory.blobs.map(({ digest, size }) => [digest, size]));
  const repositories = new Map<string, Repository>();
  const folders = new Map<string, string>();
  for (const image of inventory.images) {
    for (const name of image.names.map(parseReference)) {
      const repository: Repository = repositories.get(keyOf(name)) ?? {
        tags: new Map(),
        manifests: new Map(),
        artifacts: [],
      };
      repositories.set(keyOf(name), repository);
      folders.set(registryFolder(name.registry), name.registry);
      if (name.tag !== undefined) repository.tags.set(name.tag, image.digest);
      for (const { digest, mediaType } of image.manifests) repository.manifests.set(digest, mediaType);
      for (const artifact of image.artifacts ?? []) {
        for (const tag of artifact.tags) repository.tags.set(tag, artifact.digest);
        for (const { digest, mediaType } of artifact.manifests) repository.manifests.set(digest, mediaType);
        repository.artifacts.push(artifact);
      }
    }
  }

  /** Returns the repositories that a path may refer to, most likely first. */
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
    const known = named.find((one) => repositories.has(keyOf(one))) ?? named[0];
    const { registry: host = registry ?? "", repository = path } = known ?? {};
    const content = known === undefined ? undefined : repositories.get(keyOf(known));
    return { registry: host, repository, content };
  };

  return (path, registry) => {
    if (path === "/v2" || path === "/v2/") return { kind: "ping" };
    if (path === CATALOG_PATH) {
      return {
        kind: "list",
        list: { field: "repositories", entries: listRepositories(inventory, registry) },
      };
    }
    const [, listed] = TAGS_PATH.exec(path) ?? [];
    if (listed !== undefined) {
      const { content } = findRepository(listed, registry);
      if (content === undefined) return { kind: "unknown", code: "NAME_UNKNOWN" };
      const entries = [...content.tags.keys()].sort();
      return { kind: "list", list: { field: "tags", name: listed, entries } };
    }
    const [, referred = "", subject] = REFERRERS_PATH.exec(path) ?? [];
    if (subject !== undefined) {
      // "The registry MUST NOT return a 404 Not Found": that means that it does not know the API.
      if (!DIGEST.test(subject)) return { kind: "invalid", code: "DIGEST_INVALID" };
      const { content } = findRepository(referred, registry);
      const text = referrersIndex(subject, content?.artifacts ?? []).toString();
      return { kind: "document", mediaType: OCI_INDEX, text };
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
    const size = digest === undefined ? undefined : sizes.get(digest);
    if (digest === undefined || size === undefined || mediaType === undefined) {
      return { kind: "unknown", code: "MANIFEST_UNKNOWN", wanted };
    }
    if (blob === undefined) return { kind: "described", described: { digest, size, mediaType }, wanted };
    return { kind: "content", content: { ...blob, mediaType }, wanted };
  };
}

/**
 * Lists the repositories by the paths that clients request them by: those of all registries below the
 * folder of their registry, or those of one registry.
 */
function listRepositories({ images }: Inventory, registry: string | undefined): readonly string[] {
  const names = images.flatMap((image) => image.names.map(parseReference));
  const paths =
    registry === undefined
      ? names.map((name) => `${registryFolder(name.registry)}/${name.repository}`)
      : names.filter((name) => name.registry === registry).map(({ repository }) => repository);
  return [...new Set(paths)].sort();
}

interface Named {
  readonly registry: string;
  readonly repository: string;
}

interface Found extends Named {
  /** Undefined when the repository is not in the bundle. */
  readonly content: Repository | undefined;
}
