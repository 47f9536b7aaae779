// Parses, normalizes and formats image references by the grammar of distribution/reference.
import { ViolaError } from "../../errors.js";

/** A normalized reference: `busybox` is docker.io, library/busybox, latest. */
export interface Reference {
  /** Registry host with optional port; `docker.io` for Docker Hub. */
  readonly registry: string;
  /** Repository path in the registry, with the `library/` that Docker Hub implies. */
  readonly repository: string;
  /** Absent only when the reference has a digest and no tag. */
  readonly tag?: string;
  /** `algorithm:hex`, when the reference has a digest. */
  readonly digest?: string;
}

// https://github.com/distribution/reference/blob/main/regexp.go
const DOMAIN_COMPONENT = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])";
const DOMAIN = `(?:${DOMAIN_COMPONENT}(?:\\.${DOMAIN_COMPONENT})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?`;
const PATH_COMPONENT = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*";
const DOMAIN_PATTERN = new RegExp(`^${DOMAIN}$`);
const PATH_PATTERN = new RegExp(`^${PATH_COMPONENT}(?:/${PATH_COMPONENT})*$`);
const TAG_PATTERN = /^\w[\w.-]{0,127}$/;
const DIGEST_PATTERN = /^[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}$/;
const REPOSITORY_MAX_LENGTH = 255;

/**
 * Parses and normalizes a reference as Docker and containerd do.
 * Throws `REFERENCE_INVALID` when the text does not match the grammar.
 */
export function parseReference(text: string): Reference {
  const reference = findReference(text);
  if (reference === undefined) {
    throw new ViolaError("REFERENCE_INVALID", `"${text}" is not an image reference`, {
      subject: text,
      hint: "Write it as [registry/]repository[:tag][@digest]; repositories are lower case.",
    });
  }
  return reference;
}

/** Like `parseReference`, but returns undefined when the text does not match the grammar. */
export function findReference(text: string): Reference | undefined {
  const at = text.indexOf("@");
  const digest = at < 0 ? undefined : text.slice(at + 1);
  if (digest !== undefined && !DIGEST_PATTERN.test(digest)) return undefined;
  const name = at < 0 ? text : text.slice(0, at);

  const slash = name.indexOf("/");
  const first = slash < 0 ? "" : name.slice(0, slash);
  // The first component is a registry only if it cannot be a path component on Docker Hub
  // (splitDockerDomain).
  const hasRegistry = /[.:]/.test(first) || first === "localhost" || first !== first.toLowerCase();
  const rest = hasRegistry ? name.slice(slash + 1) : name;
  const colon = rest.lastIndexOf(":");
  const tag = colon < 0 ? undefined : rest.slice(colon + 1);
  const path = colon < 0 ? rest : rest.slice(0, colon);

  if (hasRegistry && !DOMAIN_PATTERN.test(first)) return undefined;
  if (!PATH_PATTERN.test(path) || path.length > REPOSITORY_MAX_LENGTH) return undefined;
  if (tag !== undefined && !TAG_PATTERN.test(tag)) return undefined;

  const registry = !hasRegistry || first === "index.docker.io" ? "docker.io" : first;
  const repository = registry === "docker.io" && !path.includes("/") ? `library/${path}` : path;
  const spelledTag = tag ?? (digest === undefined ? "latest" : undefined);
  return {
    registry,
    repository,
    ...(spelledTag !== undefined && { tag: spelledTag }),
    ...(digest !== undefined && { digest }),
  };
}

/** Formats a reference with registry, repository, and tag, digest or both. */
export function formatReference(reference: Reference): string {
  return (
    formatRepository(reference) +
    (reference.tag === undefined ? "" : `:${reference.tag}`) +
    (reference.digest === undefined ? "" : `@${reference.digest}`)
  );
}

/** Formats registry and repository, without tag and digest. */
export function formatRepository(reference: Reference): string {
  return `${reference.registry}/${reference.repository}`;
}

/**
 * Returns the names that the image must have on a node so that the kubelet finds it by this
 * reference. The CRI plugin of containerd reduces `repo:tag@digest` to `repo@digest` and looks up
 * exactly that name (LocalResolve and ParseDockerRef in internal/cri).
 */
export function nodeNames(reference: Reference): readonly string[] {
  const { registry, repository, tag, digest } = reference;
  const names: string[] = [];
  if (tag !== undefined) names.push(formatReference({ registry, repository, tag }));
  if (digest !== undefined) names.push(formatReference({ registry, repository, digest }));
  return names;
}

/** Returns the normalized reference, or the text unchanged when it is not a reference. */
export function normalizeReference(text: string): string {
  const reference = findReference(text);
  return reference === undefined ? text : formatReference(reference);
}
