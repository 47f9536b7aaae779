// Telling image references from the many other strings that look like one.
import { findReference, type Reference } from "../images/reference.js";

/** Words that stand where an image would and are filled in later, or by hand. */
const SENTINELS = new Set(["auto", "none", "null", "true", "false", "default"]);
const TEMPLATE = /\{\{|\}\}|\$\(|\$\{|<[^>]*>|:\/\//;
const PLACEHOLDER =
  /^(?:registry|repository|repo|image|your-[\w-]+|example)\/(?:[\w-]+\/)?(?:image|repository|name):?(?:tag|version)?$/;

/** Keys whose value is an image: `image`, `sidecarImage`, `docker_image`, `image-name`, `ROOK_CSI_IMAGE`, `containerImageRef`. */
export const IMAGE_KEY = /image[_-]?(?:name|ref|reference|url|uri)?$/i;
/** Keys above a list or map of images. */
export const IMAGES_KEY = /images$/i;

/** Returns the reference where the text is one and nothing else: no template, no URL, no word that only stands in for one. */
export function findImage(text: string): Reference | undefined {
  if (
    text.length > 512 ||
    TEMPLATE.test(text) ||
    SENTINELS.has(text.toLowerCase()) ||
    PLACEHOLDER.test(text)
  ) {
    return undefined;
  }
  return findReference(text);
}

/** Returns the reference where the text has a path of several parts and a tag or digest of its own. */
export function findFullImage(text: string): Reference | undefined {
  return text.includes("/") && hasTagOrDigest(text) ? findImage(text) : undefined;
}

/** As `findFullImage`, and the text names the registry by a host name; a tag of digits alone could be a port. */
export function findHostedImage(text: string): Reference | undefined {
  const reference = findFullImage(text);
  if (reference === undefined) return undefined;
  const host = text.slice(0, text.indexOf("/"));
  const isHost = /^[a-z0-9-]+(?:\.[a-z0-9-]+)+(?::\d+)?$/.test(host) || /^localhost(?::\d+)?$/.test(host);
  const isPort = reference.digest === undefined && /^\d{1,5}$/.test(reference.tag ?? "");
  return isHost && !isPort ? reference : undefined;
}

/** True when the last part of the path carries a tag, or there is a digest: `host:2801/healthz` has neither. */
export function hasTagOrDigest(text: string): boolean {
  return text.includes("@") || text.slice(text.lastIndexOf("/") + 1).includes(":");
}
