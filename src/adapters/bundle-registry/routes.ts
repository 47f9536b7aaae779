// Maps the paths of the registry API to the content of a bundle. Does no I/O, so that all forms of
// requests can be tested without a server.
import type { Inventory, InventoryBlob } from "../../core/bundle/inventory.js";
import { registryFolder } from "../../core/load/registry-layout.js";
import {
  findReference,
  formatRepository,
  parseReference,
  type Reference,
} from "../../core/images/reference.js";

/** Content of the bundle file. */
export interface Content {
  readonly digest: string;
  readonly mediaType: string;
  /** Bytes. */
  readonly size: number;
  /** From the start of the bundle file. */
  readonly offset: number;
}

/** The error codes of the distribution specification that a read-only registry returns. */
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
  | { readonly kind: "document"; readonly mediaType: string; readonly text: string }
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
}

export const BLOB_MEDIA_TYPE = "application/octet-stream";
const CONTENT_PATH = /^\/v2\/(.+)\/(manifests|blobs)\/([^/]+)$/;
const TAGS_PATH = /^\/v2\/(.+)\/tags\/list$/;

/** Hosts are the same in upper and lower case, and clients may send either. */
function keyOf(reference: Reference): string {
  return formatRepository({ ...reference, registry: reference.registry.toLowerCase() });
}

/**
 * Returns the lookup for an inventory.
 *
 * The registry of a repository may be in the query parameter `ns`, as containerd sends it to a
 * mirror, in the first component of the path (`/v2/quay.io/prometheus/…`), or in both. It may also
 * be absent, as dockerd sends requests to a mirror of Docker Hub. Manifests are found only in their
 * repositories, blobs in any repository.
 * https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pull
 */
export function makeRoutes(inventory: Inventory): FindRoute {
  const blobs = new Map<string, InventoryBlob>(inventory.blobs.map((blob) => [blob.digest, blob]));
  const repositories = new Map<string, Repository>();
  const folders = new Map<string, string>();
  for (const image of inventory.images) {
    for (const name of image.names.map(parseReference)) {
      const repository = repositories.get(keyOf(name)) ?? {
        tags: new Map(),
        manifests: new Map(),
      };
      repositories.set(keyOf(name), repository);
      folders.set(registryFolder(name.registry), name.registry);
      if (name.tag !== undefined) repository.tags.set(name.tag, image.digest);
      for (const { digest, mediaType } of image.manifests) repository.manifests.set(digest, mediaType);
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
  /** Undefined when the repository is not in the bundle. */
  readonly content: Repository | undefined;
}

function json(value: unknown): Route {
  return { kind: "document", mediaType: "application/json", text: JSON.stringify(value) };
}

/** A range of bytes. `end` is inclusive. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
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
