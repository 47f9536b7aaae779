// Telling image references from the many other strings that look like one.
import { findReference, type Reference } from "../../images/reference.js";

/** Words that stand where an image would and are filled in later, or by hand. */
const SENTINELS = new Set(["auto", "none", "null", "true", "false", "default"]);
const TEMPLATE = /\{\{|\}\}|\$\(|\$\{|<[^>]*>|:\/\//;
const PLACEHOLDER =
  /^(?:registry|repository|repo|image|your-[\w-]+|example)\/(?:[\w-]+\/)?(?:image|repository|name):?(?:tag|version)?$/;

/** Reads as an image called `sha256`. */
const LONE_DIGEST = /^sha\d+:[0-9a-f]{32,}$/i;

/** Keys whose value is an image: `image`, `sidecarImage`, `docker_image`, `image-name`, `ROOK_CSI_IMAGE`, `containerImageRef`. */
export const IMAGE_KEY = /image[_-]?(?:name|ref|reference|url|uri)?$/i;
/** Variables: `FOO_IMAGE`, `RELATED_IMAGE_FOO`, `FOO_IMAGES`, `FOO_IMAGE_NAME`. */
export const IMAGE_VARIABLE = /(?:^|_)IMAGES?(?:_|$)|IMAGE$/i;
/** Keys above a list or map of images. */
export const IMAGES_KEY = /images$/i;

/** Returns the reference where the text is one and nothing else: no template, no URL, no word that only stands in for one. */
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

/** Where code is hosted, and the names before labels and taints of Kubernetes: `node-role.kubernetes.io/control-plane:NoSchedule`. */
const NO_REGISTRY =
  /^(?:www\.)?(?:github\.com|gitlab\.com|bitbucket\.org)$|(?:^|\.)kubernetes\.io$|^(?!registry)(?:.+\.)?k8s\.io$/;
const TAINT_EFFECT = /^(?:NoSchedule|PreferNoSchedule|NoExecute)$/;

/** Tags of versions and builds have a digit; these few words are tags too. Beside them stand values of labels, roles, ports' names. */
const VERSION_LIKE = /\d|^(?:latest|stable|edge|main|master|nightly|dev)$/;

/** Returns the reference where the text has a path of several parts and a tag or digest of its own. */
export function findFullImage(text: string): Reference | undefined {
  const reference = text.includes("/") && hasTagOrDigest(text) ? findImage(text) : undefined;
  if (reference === undefined || NO_REGISTRY.test(reference.registry)) return undefined;
  return TAINT_EFFECT.test(reference.tag ?? "") ? undefined : reference;
}

/** As `findFullImage`, and the text names the registry by a host name and a version; a tag of digits alone could be a port. */
export function findHostedImage(text: string): Reference | undefined {
  const reference = findFullImage(text);
  if (reference === undefined) return undefined;
  const host = text.slice(0, text.indexOf("/"));
  const isHost = /^[a-z0-9-]+(?:\.[a-z0-9-]+)+(?::\d+)?$/.test(host) || /^localhost(?::\d+)?$/.test(host);
  const isPort = reference.digest === undefined && /^\d{1,5}$/.test(reference.tag ?? "");
  const isVersion = reference.digest !== undefined || VERSION_LIKE.test(reference.tag ?? "");
  return isHost && isVersion && !isPort ? reference : undefined;
}

/** Words for what stands beside images and is written as `host:port`: `--image-registry=mirror:5000`. */
const PLACE_NAME =
  /registr|repositor|host|endpoint|addr|server|port|proxy|mirror|socket|service|secret|policy|tag/i;
const HOST_AND_PORT = /^(?:localhost|[\w-]+(?:\.[\w-]+)+):\d{2,5}$/;

/**
 * Returns the reference where `name`, of a flag, a variable or a key, speaks of an image and the text is one with a tag or digest. One
 * part with a tag is enough then (`redis:7`), unless the name is that of a place.
 */
export function findNamedImage(text: string, name: string): Reference | undefined {
  if (text.includes("/")) return findFullImage(text);
  const isImageKey = IMAGE_KEY.test(name) || IMAGES_KEY.test(name);
  if (!hasTagOrDigest(text) || HOST_AND_PORT.test(text) || (!isImageKey && PLACE_NAME.test(name))) {
    return undefined;
  }
  return findImage(text);
}

/** Returns the images of a value that is a reference, or a list of references or of `key=reference`: as `findNamedImage`, each. */
export function findNamedImages(text: string, name: string): readonly string[] {
  return partsOf(text).filter((part) => findNamedImage(part, name) !== undefined);
}

/** Returns the parts of a list in one text, each without the name before its `=` and without quotes. */
export function partsOf(text: string): readonly string[] {
  return text
    .split(/[\s,;]+/)
    .map((part) => part.replace(/^["']|["']$/g, ""))
    .map((part) => part.slice(part.lastIndexOf("=") + 1));
}

/** True when the last part of the path carries a tag, or there is a digest: `host:2801/healthz` has neither. */
export function hasTagOrDigest(text: string): boolean {
  return text.includes("@") || text.slice(text.lastIndexOf("/") + 1).includes(":");
}

/** Writes a reference of its parts. A digest may lack its algorithm, and some write it where the tag goes. */
export function joinReference(name: string, tag: string | undefined, digest: string | undefined): string {
  const pinned = digest === undefined ? "" : `@${digest.includes(":") ? digest : `sha256:${digest}`}`;
  if (tag?.startsWith("sha256:") === true) return `${name}@${tag}`;
  return `${name}${tag === undefined ? "" : `:${tag}`}${pinned}`;
}
