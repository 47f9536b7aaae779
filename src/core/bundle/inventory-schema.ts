// The shape that a `bundle.json` must have before anyone believes it: it has crossed a gap in somebody's pocket.
import { z } from "zod";
import { findReference, formatReference } from "../images/reference.js";
import { isSha256 } from "../oci/digest.js";

const digest = z.string().refine(isSha256, "must be sha256: and 64 hex digits");
const hex = z.string().regex(/^[0-9a-f]{64}$/, "must be 64 hex digits");
const size = z.int().min(0);
/** A path that stays inside the bundle. */
const path = z
  .string()
  .refine(
    (text) => /^[^/\\\0]+(?:\/[^/\\\0]+)*$/.test(text) && !text.split("/").includes(".."),
    "must be a relative path",
  );
/** Names go to programs on nodes: nothing but references, fully spelled out. */
const name = z.string().refine((text) => {
  const reference = findReference(text);
  return reference !== undefined && formatReference(reference) === text;
}, "must be a full image reference");
const descriptor = z.object({ mediaType: z.string(), digest, size });

const platform = z.object({
  platform: z.string(),
  digest,
  config: descriptor,
  layers: z.array(descriptor.extend({ uncompressedSize: size.nullable() })),
});

const image = z.object({
  reference: z.string(),
  normalized: name,
  required: z.boolean(),
  confidence: z.enum(["certain", "high", "medium", "low"]),
  evidence: z.array(
    z.object({ rule: z.string(), object: z.string(), template: z.string(), chart: z.string() }),
  ),
  names: z.array(name),
  digest,
  mediaType: z.string(),
  manifests: z.array(descriptor),
  rebuilt: z.boolean(),
  platforms: z.array(platform),
});

const release = z.object({
  name: z.string(),
  namespace: z.string(),
  chart: z.object({ name: z.string(), version: z.string() }),
  file: path,
  sha256: hex,
  values: z.array(path),
});

/** Everything that readers of an inventory rely on; fields that it does not name are let through. */
export const INVENTORY_SCHEMA = z.object({
  name: z.string(),
  version: z.string(),
  platforms: z.array(z.string()),
  apiVersions: z.array(z.string()),
  releases: z.array(release),
  images: z.array(image),
  hostImages: z.array(image).optional(),
  excluded: z.array(z.object({ reference: z.string(), reason: z.string() })),
  warnings: z.array(z.object({ code: z.string(), message: z.string(), incomplete: z.boolean() })),
  files: z.array(z.object({ path, sha256: hex, size })),
  blobs: z.array(z.object({ digest, size, offset: size })),
});
