// Which bytes of a bundle answer a path of the registry API: pure, so that every form of request can be tested without a server.
import type { Inventory } from "../../core/bundle/inventory.js";

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
export type UnknownCode = "MANIFEST_UNKNOWN" | "BLOB_UNKNOWN" | "UNSUPPORTED";

/** What a path means. */
export type Route =
  | { readonly kind: "ping" }
  | { readonly kind: "content"; readonly content: Content }
  | { readonly kind: "unknown"; readonly code: UnknownCode };

/** Finds the route of a path below the key, such as `/v2/prometheus/prometheus/manifests/v2.55.1`. */
export type FindRoute = (path: string, registry: string | undefined) => Route;

const BLOB_MEDIA_TYPE = "application/octet-stream";
const CONTENT_PATH = /^\/v2\/(.+)\/(manifests|blobs)\/([^/]+)$/;

/**
 * Makes the lookup for an inventory. `registry` is the `ns` query with which containerd tells a mirror whose repository it means; without
 * it the registry is the first part of the repository (`/v2/quay.io/prometheus/…`), or Docker Hub as dockerd asks its mirrors.
 * https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pull
 */
export function makeRoutes(inventory: Inventory): FindRoute {
  const blobs = new Map(inventory.blobs.map((blob) => [blob.digest, blob]));
  const manifestTypes = new Map(
    inventory.images.flatMap((image) =>
      image.manifests.map(({ digest, mediaType }) => [digest, mediaType] as const),
    ),
  );
  const digestsByName = new Map(
    inventory.images.flatMap((image) => image.names.map((name) => [name, image.digest] as const)),
  );

  return (path, registry) => {
    if (path === "/v2" || path === "/v2/") return { kind: "ping" };
    const [, repository, kind, reference] = CONTENT_PATH.exec(path) ?? [];
    if (repository === undefined || reference === undefined) return { kind: "unknown", code: "UNSUPPORTED" };
    const isDigest = reference.includes(":");
    if (kind === "blobs") {
      const blob = blobs.get(reference);
      if (blob === undefined) return { kind: "unknown", code: "BLOB_UNKNOWN" };
      return { kind: "content", content: { ...blob, mediaType: BLOB_MEDIA_TYPE } };
    }
    const repositories =
      registry === undefined ? [repository, `docker.io/${repository}`] : [`${registry}/${repository}`];
    const digest = isDigest
      ? reference
      : repositories
          .map((name) => digestsByName.get(`${name}:${reference}`))
          .find((found) => found !== undefined);
    const blob = digest === undefined ? undefined : blobs.get(digest);
    const mediaType = digest === undefined ? undefined : manifestTypes.get(digest);
    if (blob === undefined || mediaType === undefined) return { kind: "unknown", code: "MANIFEST_UNKNOWN" };
    return { kind: "content", content: { ...blob, mediaType } };
  };
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
