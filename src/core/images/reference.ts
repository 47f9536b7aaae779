// The one image reference type: parsed by the grammar of distribution/reference, spelled out, formatted.
import { ViolaError } from "../../errors.js";

/** A reference with everything spelled out: `busybox` is docker.io, library/busybox, latest. */
export interface Reference {
  /** Registry host with optional port, `docker.io` for Docker Hub. */
  readonly registry: string;
  /** Repository path inside the registry, with `library/` where Docker Hub implies it. */
  readonly repository: string;
  /** Absent only when a digest alone was given. */
  readonly tag?: string;
  /** `algorithm:hex`, when the reference is pinned. */
  readonly digest?: string;
}

declare const checked: unique symbol;

/** A reference as text with everything spelled out, as `formatReference` writes it. Only this file makes one. */
export type NormalizedReference = string & { readonly [checked]: "NormalizedReference" };

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
 * Reads a reference as Docker and containerd do and spells it out.
 * Throws `REFERENCE_INVALID` with the part that is wrong.
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

/** Returns the reference that the text is, or undefined when it breaks the grammar. */
export function findReference(text: string): Reference | undefined {
  const at = text.indexOf("@");
  const digest = at < 0 ? undefined : text.slice(at + 1);
  if (digest !== undefined && !DIGEST_PATTERN.test(digest)) return undefined;
  const name = at < 0 ? text : text.slice(0, at);

  const slash = name.indexOf("/");
  const first = slash < 0 ? "" : name.slice(0, slash);
  // The first component is a registry only when it cannot be a path component of Docker Hub (splitDockerDomain).
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

/** Writes a reference with registry, repository and tag and/or digest spelled out. */
export function formatReference(reference: Reference): NormalizedReference {
  const tag = reference.tag === undefined ? "" : `:${reference.tag}`;
  const digest = reference.digest === undefined ? "" : `@${reference.digest}`;
  // The parts were checked when the reference was parsed.
  return `${formatRepository(reference)}${tag}${digest}` as NormalizedReference;
}

/** True for a reference with everything spelled out. */
export function isNormalized(text: string): text is NormalizedReference {
  const reference = findReference(text);
  return reference !== undefined && formatReference(reference) === text;
}

/** Writes registry and repository, without tag and digest. */
export function formatRepository(reference: Reference): string {
  return `${reference.registry}/${reference.repository}`;
}

/**
 * Returns the names under which a node must know the image so that the kubelet finds it by this reference: containerd's CRI reduces
 * `repo:tag@digest` to `repo@digest` and then looks for exactly that name (LocalResolve and ParseDockerRef in internal/cri).
 */
export function nodeNames(reference: Reference): readonly NormalizedReference[] {
  const { registry, repository, tag, digest } = reference;
  const names: NormalizedReference[] = [];
  if (tag !== undefined) names.push(formatReference({ registry, repository, tag }));
  if (digest !== undefined) names.push(formatReference({ registry, repository, digest }));
  return names;
}

/**
 * Returns the one name under which the kubelet looks for the reference on a node: a tag beside a digest counts for
 * nothing. See `nodeNames`.
 */
export function kubeletName({ registry, repository, tag, digest }: Reference): string {
  return formatReference(
    digest === undefined
      ? { registry, repository, ...(tag !== undefined && { tag }) }
      : { registry, repository, digest },
  );
}

/**
 * Returns every way to write a name that is spelled out, itself among them: Docker Hub and `latest` may be left
 * unsaid. With them a reader without a parser, such as load.sh, knows a reference by comparing text.
 */
export function spellingsOf(name: string): readonly string[] {
  const prefixes = ["docker.io/library/", "docker.io/"].filter((prefix) => name.startsWith(prefix));
  const short = prefixes.map((prefix) => name.slice(prefix.length));
  const written = [
    name,
    ...["index.docker.io/library/", "index.docker.io/", "docker.io/", "library/", ""].flatMap((prefix) =>
      short.map((rest) => prefix + rest),
    ),
  ];
  const all = written.flatMap((text) => [text, text.replace(/:latest$/, "")]);
  // A repository of Docker Hub that looks like a registry, such as localhost/x, has fewer spellings.
  return [...new Set(all)].filter((text) => normalizeReference(text) === name);
}

/** Returns the reference spelled out, or the text as it is where it is no reference. */
export function normalizeReference(text: string): string {
  const reference = findReference(text);
  return reference === undefined ? text : formatReference(reference);
}
