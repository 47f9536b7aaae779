// Reads manifests and blobs from responses, and checks their digests.
import { ViolaError } from "../../errors.js";
import type { RawManifest } from "../../core/oci/descriptor.js";
import type { Descriptor } from "../../core/oci/descriptor.js";
import { digestOf, isSha256 } from "../../core/oci/digest.js";
import { findContentFault } from "../../core/oci/verifier.js";
import { parseManifest, type ImageIndex, type ImageManifest } from "../../core/oci/manifest.js";
import type { HttpAnswer } from "../http/client.js";

/** The bytes of a manifest and its content. */
export interface FetchedManifest {
  readonly raw: RawManifest;
  readonly content: ImageIndex | ImageManifest;
}

/** The specification recommends that registries accept 4 MiB or more. */
export const MANIFEST_LIMIT_BYTES = 8 * 1024 * 1024;

/**
 * Reads a manifest that was requested by tag or digest. Its digest is computed from the bytes, and
 * compared with the requested one and with the one in the header.
 * Throws `DIGEST_MISMATCH`, `REGISTRY_ANSWER_INVALID` or `IMAGE_UNSUPPORTED`.
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
    throw wrong(`requested ${tagOrDigest}, received ${digest}`);
  }
  if (stated !== undefined && isSha256(stated) && stated !== digest) {
    throw wrong(`the header states ${stated}, but the content is ${digest}`);
  }
  const content = parseManifest(bytes, answer.headers["content-type"], subject);
  return {
    raw: { mediaType: content.mediaType, digest, size: bytes.length, bytes },
    content,
  };
}

/**
 * Returns the body when it is the blob. Throws `DIGEST_MISMATCH`, or `REGISTRY_ANSWER_INVALID` for a
 * wrong size.
 */
export function readWholeBlob(answer: HttpAnswer, { digest, size }: Descriptor, subject: string): Uint8Array {
  const fault = answer.tooLong
    ? ({ kind: "size", received: Infinity } as const)
    : findContentFault(answer.body, { digest, size });
  if (fault === undefined) return answer.body;
  if (fault.kind === "digest") {
    throw new ViolaError("DIGEST_MISMATCH", `requested ${digest}, received ${fault.actual}`, { subject });
  }
  const received = answer.tooLong ? `more than ${size}` : fault.received;
  throw new ViolaError("REGISTRY_ANSWER_INVALID", `${digest} has ${size} bytes, received ${received}`, {
    subject,
  });
}
