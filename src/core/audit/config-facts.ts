// Reads the facts of an audit from the config of an image.
import * as z from "zod";
import { isRecord } from "../json.js";
import { readJson, type JsonLimits } from "../parse-json.js";
import type { ConfigFacts } from "./audit-facts.js";

/** Configs have some kilobytes; containerd reads at most 8 MiB of one. */
export const MAX_CONFIG_BYTES = 8 * 1024 * 1024;
const LIMITS: JsonLimits = { length: MAX_CONFIG_BYTES, depth: 50, values: 100_000 };

/** https://github.com/opencontainers/image-spec/blob/main/config.md */
const schema = z.object({
  created: z.string().nullish(),
  config: z
    .object({ User: z.string().nullish(), Labels: z.record(z.string(), z.unknown()).nullish() })
    .nullish(),
});

/** Dates before it stand for no date: 0001-01-01 is the zero of Go, 1970 that of reproducible builds. */
const EARLIEST = Date.UTC(1971, 0, 1);
/** Years have four digits in ISO dates. */
const LATEST = Date.UTC(10_000, 0, 1) - 1;

/** Returns the facts, or undefined for the config of an artifact, or text that is not a config. */
export function readConfigFacts(bytes: Uint8Array): ConfigFacts | undefined {
  const value = readJson(new TextDecoder().decode(bytes), LIMITS);
  const parsed = schema.safeParse(value);
  // Artifacts have empty configs (`{}`), or configs of their own without a rootfs.
  if (!parsed.success || !isRecord(value) || !isRecord(value["rootfs"])) return undefined;
  const { created, config } = parsed.data;
  return {
    created: created ?? null,
    user: config?.User ?? "",
    labels: Object.fromEntries(
      Object.entries(config?.Labels ?? {}).flatMap(([key, label]) =>
        typeof label === "string" ? [[key, label]] : [],
      ),
    ),
  };
}

/** Returns the date as ISO text, or null when there is none, or one that cannot be right. */
export function usableDate(created: string | null | undefined): string | null {
  if (!/^\d{4}-\d{2}-\d{2}T/.test(created ?? "")) return null;
  const time = Date.parse(created ?? "");
  return time >= EARLIEST && time <= LATEST ? new Date(time).toISOString() : null;
}
