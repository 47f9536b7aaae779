// Distinguishes image references from other strings of the same form.
import { findReference, type Reference } from "../../images/reference.js";

/** Placeholders that are used instead of an image. */
const SENTINELS = new Set(["auto", "none", "null", "true", "false", "default"]);
const TEMPLATE = /\{\{|\}\}|\$\(|\$\{|<[^>]*>|:\/\//;
const PLACEHOLDER =
  /^(?:registry|repository|repo|image|your-[\w-]+|example)\/(?:[\w-]+\/)?(?:image|repository|name):?(?:tag|version)?$/;

/** A bare digest, which would parse as an image called `sha256`. */
const LONE_DIGEST = /^sha\d+:[0-9a-f]{32,}$/i;

/**
 * Keys whose value is an image: `image`, `sidecarImage`, `docker_image`, `image-name`,
 * `ROOK_CSI_IMAGE`, `containerImageRef`.
 */
export const IMAGE_KEY = /image[_-]?(?:name|ref|reference|url|uri)?$/i;
/** Variables: `FOO_IMAGE`, `RELATED_IMAGE_FOO`, `FOO_IMAGES`, `FOO_IMAGE_NAME`. */
export const IMAGE_VARIABLE = /(?:^|_)IMAGES?(?:_|$)|IMAGE$/i;
/** Keys above a list or map of images. */
export const IMAGES_KEY = /images$/i;

/** Returns the reference if the text is one, and not a template, a URL or a placeholder. */
export function findImage(text: string): Reference | undefined {
  if (
    text.length > 512 ||
    TEMPLATE.test(text) ||
    SENTINELS.has(text.toLowerCase()) ||
    PLACEHOLDER.test(text) ||
    LONE_DIGEST.test(text)
  ) {
    return undefined;
  }
  return findReference(text);
}

/**
 * Code hosts, and prefixes of labels and taints:
 * `node-role.kubernetes.io/control-plane:NoSchedule`.
 */
const NO_REGISTRY =
  /^(?:www\.)?(?:github\.com|gitlab\.com|bitbucket\.org)$|(?:^|\.)kubernetes\.io$|^(?!registry)(?:.+\.)?k8s\.io$/;
const TAINT_EFFECT = /^(?:NoSchedule|PreferNoSchedule|NoExecute)$/;

/** Tags without digits. Other words after a colon are values of labels, roles or names of ports. */
const VERSION_LIKE = /\d|^(?:latest|stable|edge|main|master|nightly|dev)$/;

/** Returns the reference if the text has a path of several components and a tag or digest. */
export function findFullImage(text: string): Reference | undefined {
  const reference = text.includes("/") && hasTagOrDigest(text) ? findImage(text) : undefined;
  if (reference === undefined || NO_REGISTRY.test(reference.registry)) return undefined;
  return TAINT_EFFECT.test(reference.tag ?? "") ? undefined : reference;
}

/** Like `findFullImage`, but requires a registry host name and a version that cannot be a port. */
export function findHostedImage(text: string): Reference | undefined {
  const reference = findFullImage(text);
  if (reference === undefined) return undefined;
  const host = text.slice(0, text.indexOf("/"));
  const isHost = /^[a-z0-9-]+(?:\.[a-z0-9-]+)+(?::\d+)?$/.test(host) || /^localhost(?::\d+)?$/.test(host);
  const isPort = reference.digest === undefined && /^\d{1,5}$/.test(reference.tag ?? "");
  const isVersion = reference.digest !== undefined || VERSION_LIKE.test(reference.tag ?? "");
  return isHost && isVersion && !isPort ? reference : undefined;
}

/**
 * Words for values of the form `host:port` with image in their name:
 * `--image-registry=mirror:5000`.
 */
const PLACE_NAME =
  /registr|repositor|host|endpoint|addr|server|port|proxy|mirror|socket|service|secret|policy|tag/i;
const HOST_AND_PORT = /^(?:localhost|[\w-]+(?:\.[\w-]+)+):\d{2,5}$/;

/**
 * Returns the reference if the `name` of a flag, variable or key contains a word for image and the
 * text has a tag or digest. A single component with a tag is enough (`redis:7`), unless the name is
 * that of a registry or host.
 */
export function findNamedImage(text: string, name: string): Reference | undefined {
  if (text.includes("/")) return findFullImage(text);
  const isImageKey = IMAGE_KEY.test(name) || IMAGES_KEY.test(name);
  if (!hasTagOrDigest(text) || HOST_AND_PORT.test(text) || (!isImageKey && PLACE_NAME.test(name))) {
    return undefined;
  }
  return findImage(text);
}

/** Like `findNamedImage` for a reference, or a list of references or of `key=reference`. */
export function findNamedImages(text: string, name: string): readonly string[] {
  return partsOf(text).filter((part) => findNamedImage(part, name) !== undefined);
}

/** Splits a list in a string, and removes `name=` and quotes from each item. */
export function partsOf(text: string): readonly string[] {
  return text
    .split(/[\s,;]+/)
    .map((part) => part.replace(/^["']|["']$/g, ""))
    .map((part) => part.slice(part.lastIndexOf("=") + 1));
}

/**
 * True if the last path component has a tag, or there is a digest. `host:2801/healthz` has neither.
 */
export function hasTagOrDigest(text: string): boolean {
  return text.includes("@") || text.slice(text.lastIndexOf("/") + 1).includes(":");
}

/**
 * Joins the parts of a reference. A digest may lack its algorithm or be in the field of the tag.
 */
export function joinReference(name: string, tag: string | undefined, digest: string | undefined): string {
  const pinned = digest === undefined ? "" : `@${digest.includes(":") ? digest : `sha256:${digest}`}`;
  if (tag?.startsWith("sha256:") === true) return `${name}@${tag}`;
  return `${name}${tag === undefined ? "" : `:${tag}`}${pinned}`;
}
