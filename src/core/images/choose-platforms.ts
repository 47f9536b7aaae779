// Chooses, from what an image has, the manifests for the platforms asked for.
import { ViolaError } from "../../errors.js";
import type { Descriptor, Platform } from "../oci/descriptor.js";
import { checkRunnable, type ImageManifest } from "../oci/manifest.js";
import { findForPlatform, formatPlatform } from "../oci/platform.js";
import type { PlatformImage } from "./resolved-image.js";

/** One image manifest of an image with the platform that its index or its config states. */
export interface PlatformCandidate {
  readonly platform: Platform;
  readonly descriptor: Descriptor;
  /** Absent when the index lists the manifest and no registry has it. */
  readonly manifest?: ImageManifest;
}

/**
 * Returns the manifest that a host of each platform would run, in the order asked for; one that serves two platforms comes once. A platform is given
 * as the image states it.
 * Throws `IMAGE_PLATFORM_MISSING` with what there is, or for a manifest that no registry has, and `IMAGE_UNSUPPORTED` when what was
 * chosen is no image.
 */
export function choosePlatforms(
  candidates: readonly PlatformCandidate[],
  wanted: readonly Platform[],
  subject: string,
): readonly PlatformImage[] {
  const chosen = wanted.map((platform) => ({ platform, candidate: findForPlatform(candidates, platform) }));
  const missing = chosen.filter(({ candidate }) => candidate === undefined).map(({ platform }) => platform);
  if (missing.length > 0) throw platformMissing(candidates, missing, subject);

  const images = new Map<string, PlatformImage>();
  for (const { candidate } of chosen) {
    if (candidate === undefined || images.has(candidate.descriptor.digest)) continue;
    const { platform, descriptor, manifest } = candidate;
    if (manifest === undefined) throw manifestMissing(candidate, subject);
    checkRunnable(manifest, subject);
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

function platformMissing(
  candidates: readonly PlatformCandidate[],
  missing: readonly Platform[],
  subject: string,
): ViolaError {
  const present = candidates.filter(({ manifest }) => manifest !== undefined);
  // Attestations are stored as unknown/unknown.
  const there = [...new Set(present.map(({ platform }) => formatPlatform(platform)))].filter(
    (platform) => platform !== "unknown/unknown",
  );
  return new ViolaError(
    "IMAGE_PLATFORM_MISSING",
    `${subject} is not there for ${missing.map(formatPlatform).join(", ")}; it is there for ${there.join(", ") || "no platform at all"}`,
    { subject, hint: "Ask for other platforms, or for a tag that has this one." },
  );
}

function manifestMissing({ platform, descriptor }: PlatformCandidate, subject: string): ViolaError {
  return new ViolaError(
    "IMAGE_PLATFORM_MISSING",
    `${subject} is not there for ${formatPlatform(platform)}: its index lists ${descriptor.digest}, which was not found`,
    {
      subject,
      hint: "The registry or mirror holds a part of the image only. Name another mirror in the settings, or ask for other platforms.",
    },
  );
}
