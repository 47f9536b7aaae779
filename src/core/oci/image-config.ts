// Checks the config of an image against its manifest.
import * as z from "zod";
import { readJson } from "../parse-json.js";

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

/** Returns the digests of the uncompressed layers. Empty when the config cannot be read. */
export function diffIdsOf(config: Uint8Array): readonly string[] {
  return configSchema.safeParse(readJson(new TextDecoder().decode(config))).data?.rootfs.diff_ids ?? [];
}
