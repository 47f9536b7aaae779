// Resolves the references of a bundle to digests.
import pLimit from "p-limit";
import { countOf } from "../../core/count-of.js";
import type { ImageUse } from "../../core/images/image-use.js";
import { parseReference } from "../../core/images/reference.js";
import { withArtifacts, type ResolvedImage } from "../../core/images/resolved-image.js";
import type { Platform } from "../../core/oci/descriptor.js";
import { settleAll, ViolaError } from "../../errors.js";
import type { PlanPorts } from "../ports.js";
import type { Run } from "../progress.js";

/** What to resolve images for. */
export interface ResolveOptions {
  /** Platforms to include, at least one. */
  readonly platforms: readonly Platform[];
  /** True to find signatures and other artifacts of the images. */
  readonly findsArtifacts: boolean;
  /** What happens to images that cannot be resolved. `fail` when absent. */
  readonly unresolved?: "fail" | "list";
}

/** The images in the order of their uses, and those that could not be resolved. */
export interface ResolvedImages {
  readonly images: readonly ResolvedImage[];
  readonly unresolved: readonly FailedUse[];
}

/** An image that could not be resolved, and why. */
export interface FailedUse {
  readonly use: ImageUse;
  readonly error: ViolaError;
}

/**
 * Resolves every reference to a digest. Throws the failures of all images at once, or returns them
 * if the options say so.
 */
export async function resolveImages(
  { signal, progress }: Run,
  uses: readonly ImageUse[],
  options: ResolveOptions,
  ports: PlanPorts,
): Promise<ResolvedImages> {
  progress({ kind: "started", step: "resolve", title: "Resolving images", total: uses.length });
  const limit = pLimit(ports.imageConcurrency);
  let done = 0;
  const unresolved: FailedUse[] = [];
  const images = await settleAll(
    "some images could not be resolved",
    uses.map((use) =>
      limit(async () => {
        const image = await resolveImage(use, options, ports, signal).catch((error: unknown) => {
          if (options.unresolved !== "list" || !(error instanceof ViolaError)) throw error;
          unresolved.push({ use, error });
          return undefined;
        });
        progress({ kind: "advanced", step: "resolve", done: ++done, detail: use.normalized });
        return image;
      }),
    ),
  );
  const resolved = images.filter((image) => image !== undefined);
  const failed = unresolved.length === 0 ? "" : `, ${unresolved.length} could not be resolved`;
  progress({ kind: "ended", step: "resolve", summary: `${countOf(resolved.length, "image")}${failed}` });
  return { images: resolved, unresolved };
}

async function resolveImage(
  use: ImageUse,
  { platforms, findsArtifacts }: ResolveOptions,
  ports: PlanPorts,
  signal: AbortSignal,
): Promise<ResolvedImage> {
  const image = await ports.images.resolveImage(use, platforms, signal);
  // The digests of an image from a Docker engine are not those that artifacts refer to.
  if (!findsArtifacts || image.rebuilt) return image;
  const { registry, repository } = parseReference(use.normalized);
  return withArtifacts(image, await ports.artifacts.findArtifacts(image, signal), { registry, repository });
}
