// Distinguishes image names from the paths, labels, media types and module names in a program.
import { findImage } from "../rules/candidate.js";

/** A string that names an image, with or without a tag. */
export interface ImageName {
  /** The name as written, without tag and digest. */
  readonly repository: string;
  /** The tag, or `@` and digest, as written; absent when the name has neither. */
  readonly tag?: string;
  /**
   * When the string ends in `:`, `:v`, `:%s` or `:v%s`, so that the program appends a version: `v`
   * or nothing.
   */
  readonly open?: string;
  /**
   * `known`: the host name is typical of a registry; `other`: another host; `none`: no host, which
   * means Docker Hub.
   */
  readonly host: "known" | "other" | "none";
}

const REGISTRIES =
  /^(?:docker\.io|quay\.io|ghcr\.io|lscr\.io|(?:[\w-]+\.)?gcr\.io|(?:[\w-]+\.)*registry\.k8s\.io|k8s\.gcr\.io|[\w-]+-docker\.pkg\.dev|public\.ecr\.aws|\d+\.dkr\.ecr\.[\w-]+\.amazonaws\.com|mcr\.microsoft\.com|[\w-]+\.azurecr\.io|nvcr\.io|cgr\.dev|(?:[\w-]+\.)?icr\.io|xpkg\.upbound\.io|(?:registry|registry-\d+|docker|cr|container|containers|harbor|images|oci|reg)\.[\w.-]+|[\w-]+-registry\.[\w.-]+)(?::\d+)?$/;
/** Hosts for documentation (RFC 2606), source code hosts, and API groups of Kubernetes. */
const NO_REGISTRIES =
  /(?:^|\.)(?:example\.(?:com|org|net)|example|test|invalid|localhost)(?::\d+)?$|^(?:www\.|your|my)|^(?:github|gitlab|bitbucket)\.(?:com|org)$|^(?!registry\.)(?:[\w-]+\.)*k8s\.io$|\.kubernetes\.io$|^kubernetes\.io$|^gopkg\.in$|golang\.org$/;
/** First components of media types, file paths, and packages of the Go standard library. */
const NO_NAMESPACES =
  /^(?:application|audio|font|image|message|model|multipart|text|video|api|apis|bin|boot|cmd|dev|etc|home|lib|local|mnt|opt|proc|root|run|sbin|src|sys|tmp|usr|var|vendor|pkg|internal|archive|bufio|compress|container|crypto|database|debug|encoding|go|hash|html|index|io|log|math|mime|net|os|path|regexp|runtime|sync|testing|time|unicode|google)$/;
const FILE =
  /\.(?:go|proto|ya?ml|json|toml|xml|md|html?|js|ts|css|sh|py|rb|java|class|so|txt|tmpl|tpl|conf|cfg|crt|pem|key|sock|log|pb|sql|csv|gz|tgz|zip)$/;

/**
 * A version as used in tags: `v` with two to four numbers, or three numbers. Four numbers without
 * `v` are an IP address or an object identifier.
 */
const VERSION =
  /^(?:v\d{1,4}(?:\.\d{1,5}){1,3}|\d{1,4}\.\d{1,5}\.\d{1,5})(?:[-_+]?[A-Za-z][\w.-]*|-\d[\w.-]*)?$/;
const LOOSE_VERSION = /^(?:[\w.-]*[a-z]-)?v?\d{1,4}(?:\.\d{1,5})+(?:[-_.]?\w[\w.-]*)?$/;

/** True for a string that can be the tag of an adjacent name. */
export function isVersion(text: string): boolean {
  return VERSION.test(text);
}

/** Verbs for a registry or a path before the name, and for a version after it (Go, C). */
const VERBS = /^(?:%[sv]\/)+|(?<=:v?)%[sv]$/g;

/** Returns a string without the verbs that a program replaces by a registry and a version. */
export function withoutVerbs(text: string): string {
  return text.includes("%") ? text.replaceAll(VERBS, "") : text;
}

/** A fast check before `readImageName`: lower case, with a slash or a colon. */
export function mayBeImage(text: string): boolean {
  return text.length >= 5 && text.length <= 255 && /^[a-z0-9][\w.:@/+-]*$/.test(text) && /[/:]/.test(text);
}

/**
 * Parses a complete string as an image name. `foreignHosts` are the hosts of the program's Go
 * modules. A tag must look like a version when the name has no host or a host that is not known to
 * be a registry. For a name without a tag, see `needsVersion`.
 */
export function readImageName(text: string, foreignHosts: ReadonlySet<string>): ImageName | undefined {
  if (!mayBeImage(text)) return undefined;
  const [, name = text, open] = /^(.*[^:]):(v?)$/.exec(text) ?? [];
  const reference = findImage(name);
  if (reference === undefined || FILE.test(name)) return undefined;

  const at = name.indexOf("@");
  const tagged = at < 0 ? name : name.slice(0, at);
  const colon = tagged.indexOf(":", tagged.lastIndexOf("/") + 1);
  const tag =
    at < 0 ? (colon < 0 ? undefined : tagged.slice(colon + 1)) : name.slice(colon < 0 ? at : colon + 1);
  const repository = colon < 0 ? tagged : tagged.slice(0, colon);
  const host = hostKind(repository, foreignHosts);
  if (host === undefined) return undefined;
  if (tag !== undefined && at < 0 && !isTag(tag, host)) return undefined;
  // API versions and metric names consist of a host and one more component:
  // `monitoring.coreos.com/v1`.
  if (tag === undefined && host === "other" && repository.split("/").length === 2) return undefined;
  return { repository, host, ...(tag !== undefined && { tag }), ...(open !== undefined && { open }) };
}

/**
 * True for a name that counts only with an adjacent version, because its host is absent or may not
 * be a registry.
 */
export function needsVersion({ host, tag }: ImageName): boolean {
  return tag === undefined && host !== "known";
}

/** Returns the kind of host; undefined for text that cannot be a repository. */
function hostKind(repository: string, foreignHosts: ReadonlySet<string>): ImageName["host"] | undefined {
  const [first = "", ...path] = repository.split("/");
  if (path.length === 0) return /^[a-z][a-z0-9-]{2,}$/.test(first) ? "none" : undefined;
  // On Docker Hub a repository has one namespace component.
  if (!/[.:]/.test(first)) {
    return path.length > 1 || NO_NAMESPACES.test(first) || !/^[a-z]/.test(path[0] ?? "") ? undefined : "none";
  }
  if (!/^[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,}(?::\d+)?$/.test(first)) return undefined;
  if (NO_REGISTRIES.test(first) || foreignHosts.has(first)) return undefined;
  return REGISTRIES.test(first) ? "known" : "other";
}

function isTag(tag: string, host: ImageName["host"]): boolean {
  if (host === "known") return !/^\d{1,5}$/.test(tag) || tag.length < 3;
  return LOOSE_VERSION.test(tag) || (host === "other" && tag === "latest");
}
