// Checks the config of an image against its manifest.
import { z } from "zod";
import { ViolaError } from "../../errors.js";
import type { ImageManifest } from "./manifest.js";

/** https://github.com/opencontainers/image-spec/blob/main/config.md */
const configSchema = z.object({
  rootfs: z.object({
    diff_ids: z
      .array(z.string())
      .nullish()
      .transform((list) => list ?? []),
  }),
});

/**
 * Returns why engines refuse an image with this config, or undefined. They need a `rootfs` with one
 * diff id for each layer. Signatures and other artifacts with the media type of an image have none.
 */
export function findConfigFault(config: Uint8Array, layers: number): string | undefined {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(config));
  } catch {
    return "its config is not JSON";
  }
  const parsed = configSchema.safeParse(value);
  if (!parsed.success) return "its config has no rootfs";
  const { length } = parsed.data.rootfs.diff_ids;
  return length === layers ? undefined : `its config lists ${length} layers and its manifest ${layers}`;
}

/** Throws `IMAGE_UNSUPPORTED` for an image that engines refuse because of its config. */
export function checkConfig(
  config: Uint8Array,
  { layers }: Pick<ImageManifest, "layers">,
  subject: string,
): void {
  const fault = findConfigFault(config, layers.length);
  if (fault === undefined) return;
  throw new ViolaError("IMAGE_UNSUPPORTED", `${subject} is not a container image: ${fault}`, {
    subject,
    hint: "Add it to images.exclude of the spec if nothing runs it as a container.",
  });
}
