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

declare const checked: unique symbol;

/**
 * A normalized reference as text, as returned by `formatReference`. Only this file creates values
 * of this type.
 */
export type NormalizedReference = string & { readonly [checked]: "NormalizedReference" };

// https://github.com/distribution/reference/blob/main/regexp.go
const DOMAIN_COMPONENT = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])";
const DOMAIN = `(?:${DOMAIN_COMPONENT}(?:\\.${DOMAIN_COMPONENT})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?`;
const PATH_COMPONENT = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*";
const DOMAIN_PATTERN = new RegExp(`^${DOMAIN}$`);
const PATH_PATTERN = new RegExp(`^${PATH_COMPONENT}(?:/${PATH_COMPONENT})*$`);
const TAG_PATTERN = /^\w[\w.-]{0,127}$/;
const DIGEST_PATTERN = /^[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}$/;
/**
 * Of registry and repository with the slash between them: "Many clients impose a limit of 255
 * characters", of which the kubelet with containerd 1.6 is one.
 * https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests
 */
const NAME_MAX_LENGTH = 255;
/** A host name, a repository, a tag and a digest have fewer characters together. */
const MAX_LENGTH = 1_024;

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
  if (text.length > MAX_LENGTH) return undefined;
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
  if (!PATH_PATTERN.test(path)) return undefined;
  if (tag !== undefined && !TAG_PATTERN.test(tag)) return undefined;

  const registry = !hasRegistry || first === "index.docker.io" ? "docker.io" : first;
  const repository = registry === "docker.io" && !path.includes("/") ? `library/${path}` : path;
  if (registry.length + 1 + repository.length > NAME_MAX_LENGTH) return undefined;
  const spelledTag = tag ?? (digest === undefined ? "latest" : undefined);
  return {
    registry,
    repository,
    ...(spelledTag !== undefined && { tag: spelledTag }),
    ...(digest !== undefined && { digest }),
  };
}

/** Formats a reference with registry, repository, and tag, digest or both. */
export function formatReference(reference: Reference): NormalizedReference {
  const tag = reference.tag === undefined ? "" : `:${reference.tag}`;
  const digest = reference.digest === undefined ? "" : `@${reference.digest}`;
  // The parts were validated when the reference was parsed.
  return `${formatRepository(reference)}${tag}${digest}` as NormalizedReference;
}

/** True for a normalized reference. */
export function isNormalized(text: string): text is NormalizedReference {
  const reference = findReference(text);
  return reference !== undefined && formatReference(reference) === text;
}

/** Formats registry and repository, without tag and digest. */
export function formatRepository(reference: Reference): string {
  return `${reference.registry}/${reference.repository}`;
}

/**
 * Returns the name that an image must have on a node so that the kubelet finds it by this reference.
 * The CRI plugin of containerd reduces `repo:tag@digest` to `repo@digest` and looks up exactly that
 * name (LocalResolve and ParseDockerRef in internal/cri), so a tag next to a digest is not needed.
 */
export function kubeletName({ registry, repository, tag, digest }: Reference): NormalizedReference {
  return formatReference(
    digest === undefined
      ? { registry, repository, ...(tag !== undefined && { tag }) }
      : { registry, repository, digest },
  );
}

/**
 * Returns the names of an image in the store of a container engine, which looks up a reference with
 * tag and digest by its tag when it does not keep digests.
 */
export function engineNames(reference: Reference): readonly NormalizedReference[] {
  const { registry, repository, tag, digest } = reference;
  const names: NormalizedReference[] = [];
  if (tag !== undefined) names.push(formatReference({ registry, repository, tag }));
  if (digest !== undefined) names.push(formatReference({ registry, repository, digest }));
  return names;
}

/**
 * Returns all spellings of a normalized name, including the name itself: `docker.io`, `library/`
 * and `latest` may be omitted. A reader without a parser, such as load.sh, can find a reference by
 * comparing it with these texts.
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
  // A Docker Hub repository that looks like a registry, such as localhost/x, has fewer spellings.
  return [...new Set(all)].filter((text) => normalizeReference(text) === name);
}

/** Returns the normalized reference, or the text unchanged when it is not a reference. */
export function normalizeReference(text: string): string {
  const reference = findReference(text);
  return reference === undefined ? text : formatReference(reference);
}
