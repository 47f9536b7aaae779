// Chooses the manifests of an image for the requested platforms.
import { ViolaError } from "../../errors.js";
import type { Descriptor, Platform } from "../oci/descriptor.js";
import { checkRunnable, type ImageManifest } from "../oci/manifest.js";
import { findForPlatform, formatPlatform, normalizePlatform, samePlatform } from "../oci/platform.js";
import type { PlatformImage } from "./resolved-image.js";

/** An image manifest and the platform that its index or its config states. */
export interface PlatformCandidate {
  readonly platform: Platform;
  readonly descriptor: Descriptor;
  /** Absent when the index lists the manifest and no registry has it. */
  readonly manifest?: ImageManifest;
}

/** A manifest, and the platform that its index states. */
export interface IndexedManifest {
  readonly platform?: Platform;
  readonly descriptor: Descriptor;
  /** Absent when no registry has it. */
  readonly manifest?: ImageManifest;
}

/**
 * Adds the manifests of the index that containerd fetches with the platform: it does not filter
 * manifests without a platform, and fetches every one of the same platform (FilterPlatforms).
 * https://github.com/containerd/containerd/blob/v1.6.20/images/handlers.go
 * Throws `IMAGE_PLATFORM_MISSING` for one that no registry has.
 */
export function attachManifests(
  image: PlatformImage,
  manifests: readonly IndexedManifest[],
  subject: string,
): PlatformImage {
  const others = new Map(
    manifests
      .filter(({ platform }) => platform === undefined || samePlatform(platform, image.platform))
      .filter(({ descriptor }) => descriptor.digest !== image.manifest.digest)
      .map((other) => [other.descriptor.digest, other]),
  );
  const attached = [...others.values()].map(({ descriptor, manifest }) => {
    if (manifest === undefined) throw manifestMissing({ platform: image.platform, descriptor }, subject);
    return {
      digest: descriptor.digest,
      config: manifest.config,
      layers: manifest.layers,
    };
  });
  return attached.length === 0 ? image : { ...image, attached };
}

/**
 * Returns the manifest that a host of each wanted platform would run, in the order of `wanted`. A
 * manifest that matches two platforms is returned once. The platforms in the result are those
 * stated by the image.
 * Throws `IMAGE_PLATFORM_MISSING` with the available platforms, or for a manifest that no registry
 * has, and `IMAGE_UNSUPPORTED` when a chosen manifest is not an image.
 */
export function choosePlatforms(
  candidates: readonly PlatformCandidate[],
  wanted: readonly Platform[],
  subject: string,
): readonly PlatformImage[] {
  const chosen = wanted.map((platform) => ({
    platform,
    candidate: findForPlatform(candidates, platform),
  }));
  const missing = chosen.filter(({ candidate }) => candidate === undefined).map(({ platform }) => platform);
  if (missing.length > 0) throw platformMissing(candidates, missing, subject);

  const images = new Map<string, PlatformImage>();
  for (const { candidate } of chosen) {
    if (candidate === undefined || images.has(candidate.descriptor.digest)) continue;
    const { platform, descriptor, manifest } = candidate;
    if (manifest === undefined) throw manifestMissing(candidate, subject);
    checkRunnable(manifest, subject);
    requireKnownNames(candidate, subject);
    const { mediaType, digest, size } = descriptor;
    images.set(digest, {
      platform,
      manifest: { mediaType, digest, size },
      config: manifest.config,
      layers: manifest.layers,
    });
  }
  return [...images.values()];
}

/** containerd takes `Linux/x86_64` for linux/amd64. Podman and skopeo do not, so not all targets would. */
function requireKnownNames({ platform, descriptor }: PlatformCandidate, subject: string): void {
  const known = normalizePlatform(platform);
  if (platform.os === known.os && platform.architecture === known.architecture) return;
  throw new ViolaError(
    "IMAGE_UNSUPPORTED",
    `${subject}: its index states the platform ${formatPlatform(platform)}, which not every engine takes for ${formatPlatform(known)}`,
    {
      subject,
      hint: `Name the manifest of the platform in the spec, by its digest ${descriptor.digest}.`,
    },
  );
}

function platformMissing(
  candidates: readonly PlatformCandidate[],
  missing: readonly Platform[],
  subject: string,
): ViolaError {
  const present = candidates.filter(({ manifest }) => manifest !== undefined);
  // Attestation manifests have the platform unknown/unknown.
  const available = [...new Set(present.map(({ platform }) => formatPlatform(platform)))].filter(
    (platform) => platform !== "unknown/unknown",
  );
  return new ViolaError(
    "IMAGE_PLATFORM_MISSING",
    `${subject} is not available for ${missing.map(formatPlatform).join(", ")}; its platforms are ${available.join(", ") || "unknown"}`,
    {
      subject,
      hint: "Request other platforms, or use a tag that has this platform.",
    },
  );
}

function manifestMissing({ platform, descriptor }: PlatformCandidate, subject: string): ViolaError {
  return new ViolaError(
    "IMAGE_PLATFORM_MISSING",
    `${subject} is not available for ${formatPlatform(platform)}: its index lists ${descriptor.digest}, which was not found`,
    {
      subject,
      hint: "The registry or mirror has only a part of the image. Configure another mirror, or request other platforms.",
    },
  );
}
