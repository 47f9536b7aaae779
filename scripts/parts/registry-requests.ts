// Parses requests to the embedded registry: their kind, repository and reference.
import type { IncomingMessage } from "node:http";

/** A parsed request, which is added to `requests` of the registry and passed to `fault`. */
export interface RegistryRequest {
  readonly method: string;
  /** Path with query. */
  readonly path: string;
  readonly kind: "base" | "manifest" | "blob" | "upload" | "token" | "other";
  readonly repository: string;
  /** Tag or digest. */
  readonly reference: string;
  readonly headers: IncomingMessage["headers"];
  /** 1 for the first request with this method and path. */
  readonly attempt: number;
}

const NAMES = /^\/v2\/(.+)\/(manifests|blobs)\/((?!uploads\/)[^/]+)$/;
const UPLOADS = /^\/v2\/(.+)\/blobs\/uploads\/([^/]*)$/;

/** Parses a request. `earlier` are all previous requests. */
export function describeRequest(
  incoming: IncomingMessage,
  earlier: readonly RegistryRequest[],
): RegistryRequest {
  const method = incoming.method ?? "GET";
  const path = incoming.url ?? "/";
  const { pathname } = new URL(path, "http://registry");
  const attempt = 1 + earlier.filter((request) => request.method === method && request.path === path).length;
  const common = { method, path, headers: incoming.headers, attempt, repository: "", reference: "" };
  if (pathname === "/v2/") return { ...common, kind: "base" };
  if (pathname === "/token") return { ...common, kind: "token" };
  const [, repository = "", id = ""] = UPLOADS.exec(pathname) ?? [];
  if (repository !== "") return { ...common, kind: "upload", repository, reference: id };
  const [, name = "", kind, reference = ""] = NAMES.exec(pathname) ?? [];
  if (name === "") return { ...common, kind: "other" };
  return { ...common, kind: kind === "manifests" ? "manifest" : "blob", repository: name, reference };
}
