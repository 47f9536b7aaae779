// Signatures, attestations and other artifacts that belong to an image and are found by its digest.
import * as z from "zod";
import { readJson } from "../parse-json.js";
import { hexOf, type Digest } from "../oci/digest.js";
import type { Descriptor, RawManifest } from "../oci/descriptor.js";

/** An artifact of an image. */
export interface ImageArtifact {
  /** The index or manifest of the image that it belongs to. */
  readonly subject: Digest;
  /** The tags that it is found by, such as `sha256-….sig`; empty for one of the referrers list. */
  readonly tags: readonly string[];
  readonly root: Descriptor;
  /** The root, and the manifests below it, parents first. */
  readonly manifests: readonly RawManifest[];
  /** Configs and layers. */
  readonly blobs: readonly Descriptor[];
  /** Present if its manifest names the subject, so that it is in the list of referrers. */
  readonly referrer?: Referrer;
}

/**
 * What the list of referrers says about an artifact.
 * https://github.com/opencontainers/distribution-spec/blob/main/spec.md#listing-referrers
 */
export interface Referrer {
  readonly artifactType: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** The ends of tags by which cosign finds signatures, attestations and SBOMs. */
export const ARTIFACT_TAG_ENDS = [".sig", ".att", ".sbom"] as const;

/**
 * Returns the tag of the list of referrers in registries without an API for it. With an end, it is a
 * tag of cosign.
 */
export function referrersTag(subject: Digest): string {
  return `sha256-${hexOf(subject)}`;
}

const REFERRING = z.object({
  subject: z.object({ digest: z.string() }).nullish(),
  artifactType: z.string().nullish(),
  config: z.object({ mediaType: z.string() }).nullish(),
  annotations: z.record(z.string(), z.string()).nullish(),
});

/** Returns the subject of a manifest, and what the list of referrers says about it. */
export function readReferrer(manifest: Uint8Array): (Referrer & { readonly subject: string }) | undefined {
  const { data } = REFERRING.safeParse(readJson(new TextDecoder().decode(manifest)));
  if (data?.subject == null) return undefined;
  return {
    subject: data.subject.digest,
    artifactType: data.artifactType || data.config?.mediaType || "",
    ...(data.annotations != null && { annotations: data.annotations }),
  };
}
