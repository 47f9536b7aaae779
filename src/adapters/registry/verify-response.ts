// Turns answers into manifests and blobs, when their digests are right.
import { ViolaError } from "../../errors.js";
import type { RawManifest } from "../../core/images/resolved-image.js";
import type { Descriptor } from "../../core/oci/descriptor.js";
import { digestOf, isSha256 } from "../../core/oci/digest.js";
import { findContentFault } from "../../core/oci/verifier.js";
import { parseManifest, type ImageIndex, type ImageManifest } from "../../core/oci/manifest.js";
import type { HttpAnswer } from "../http/client.js";

/** A manifest as it came, and what it says. */
export interface FetchedManifest {
  readonly raw: RawManifest;
  readonly content: ImageIndex | ImageManifest;
}

/** The specification asks registries to take 4 MiB at least. */
export const MANIFEST_LIMIT_BYTES = 8 * 1024 * 1024;

/**
 * Reads a manifest that was asked for by tag or digest. Its digest is computed from the bytes and compared with the one asked for and with the one
 * that the registry states. Throws `DIGEST_MISMATCH`, `REGISTRY_ANSWER_INVALID` or `IMAGE_UNSUPPORTED`.
 */
export function readManifest(answer: HttpAnswer, tagOrDigest: string, subject: string): FetchedManifest {
  const wrong = (what: string): ViolaError => new ViolaError("DIGEST_MISMATCH", what, { subject });
  if (answer.tooLong) {
    throw new ViolaError("REGISTRY_ANSWER_INVALID", `a manifest of more than ${MANIFEST_LIMIT_BYTES} bytes`, {
      subject,
    });
  }
  const bytes = answer.body;
  const digest = digestOf(bytes);
  const stated = answer.headers["docker-content-digest"];
  if (tagOrDigest.includes(":") && digest !== tagOrDigest) {
    throw wrong(`asked for ${tagOrDigest}, got ${digest}`);
  }
  if (stated !== undefined && isSha256(stated) && stated !== digest) {
    throw wrong(`the registry says ${stated}, its bytes are ${digest}`);
  }
  const content = parseManifest(bytes, answer.headers["content-type"], subject);
  return { raw: { mediaType: content.mediaType, digest, size: bytes.length, bytes }, content };
}

/** Returns the body when it is the blob. Throws `DIGEST_MISMATCH` or, for another length, `REGISTRY_ANSWER_INVALID`. */
export function readWholeBlob(answer: HttpAnswer, { digest, size }: Descriptor, subject: string): Uint8Array {
  const fault = answer.tooLong
    ? ({ kind: "size", received: Infinity } as const)
    : findContentFault(answer.body, { digest, size });
  if (fault === undefined) return answer.body;
  if (fault.kind === "digest") {
    throw new ViolaError("DIGEST_MISMATCH", `asked for ${digest}, got ${fault.actual}`, { subject });
  }
  const got = answer.tooLong ? `more than ${size}` : fault.received;
  throw new ViolaError("REGISTRY_ANSWER_INVALID", `${digest} has ${size} bytes, got ${got}`, { subject });
}
