// Parses, formats and matches platforms; an index entry is selected by the rules of containerd.
import { ViolaError } from "../../errors.js";
import type { Platform } from "./descriptor.js";

// https://github.com/containerd/platforms/blob/main/database.go
const ARCHITECTURES: ReadonlyMap<string, readonly [string, string?]> = new Map([
  ["i386", ["386"]],
  ["x86-64", ["amd64"]],
  ["x86_64", ["amd64"]],
  ["x64", ["amd64"]],
  ["aarch64", ["arm64"]],
  ["armhf", ["arm", "v7"]],
  ["armel", ["arm", "v6"]],
]);

/** Returns the platform in its canonical form (normalizeArch of containerd/platforms). */
export function normalizePlatform(platform: Platform): Platform {
  const os = platform.os.toLowerCase() === "macos" ? "darwin" : platform.os.toLowerCase();
  const [architecture, implied] = ARCHITECTURES.get(platform.architecture.toLowerCase()) ?? [
    platform.architecture.toLowerCase(),
  ];
  let variant = implied ?? platform.variant?.toLowerCase();
  if (variant !== undefined && /^\d/.test(variant)) variant = `v${variant}`;
  if (architecture === "amd64" && variant === "v1") variant = undefined;
  if (architecture === "arm64" && (variant === "v8" || variant === "v8.0")) variant = undefined;
  if (architecture === "arm" && (variant === undefined || variant === "")) variant = "v7";
  return variant === undefined || variant === "" ? { os, architecture } : { os, architecture, variant };
}

/** Parses `os/arch[/variant]`. Throws `USAGE` for any other text. */
export function parsePlatform(text: string): Platform {
  const platform = findPlatform(text);
  if (platform !== undefined) return platform;
  throw new ViolaError("USAGE", `"${text}" is not a platform`, {
    hint: "Write OS/ARCH or OS/ARCH/VARIANT, such as linux/amd64.",
  });
}

/** Three parts at most, as in containerd/platforms. A part may not begin like an option of a program. */
const PLATFORM = /^[A-Za-z0-9_][A-Za-z0-9_.-]*(?:\/[A-Za-z0-9_][A-Za-z0-9_.-]*){1,2}$/;

/** Like `parsePlatform`, but returns undefined for text that is not a platform. */
export function findPlatform(text: string): Platform | undefined {
  if (!PLATFORM.test(text)) return undefined;
  const [os = "", architecture = "", variant] = text.split("/");
  return normalizePlatform({ os, architecture, ...(variant !== undefined && { variant }) });
}

/** Formats a platform as `os/arch[/variant]`. */
export function formatPlatform(platform: Platform): string {
  return [platform.os, platform.architecture, platform.variant]
    .filter((part) => part !== undefined)
    .join("/");
}

/**
 * Returns the platforms that a host of this platform can run, best first, like `platforms.Only` of
 * containerd: amd64 also runs lower levels, arm also lower variants, arm64 also 32-bit arm. 386 is
 * not included because containerd rejects it for `--platform linux/amd64`.
 */
export function acceptedPlatforms(wanted: Platform): readonly Platform[] {
  const { os, architecture, variant } = normalizePlatform(wanted);
  const of = (arch: string, version?: string): Platform =>
    normalizePlatform({ os, architecture: arch, ...(version && { variant: version }) });
  const down = (arch: string, from: number, to: number): Platform[] => {
    const list: Platform[] = [];
    for (let version = from; version >= to; version--) list.push(of(arch, `v${version}`));
    return list;
  };
  const level = Number(/^v(\d+)/.exec(variant ?? "")?.[1] ?? 0);
  if (architecture === "amd64") return down("amd64", Math.max(level, 1), 1);
  if (architecture === "arm") return down("arm", level || 7, 5);
  if (architecture === "arm64" && variant === undefined) return [of("arm64"), ...down("arm", 8, 5)];
  return [of(architecture, variant)];
}

/**
 * Returns the entry that a host of this platform runs, or undefined. Among equal entries the first
 * wins, as in containerd.
 */
export function findForPlatform<T extends { readonly platform?: Platform }>(
  entries: readonly T[],
  wanted: Platform,
): T | undefined {
  for (const accepted of acceptedPlatforms(wanted)) {
    const match = entries.find(
      (entry) => entry.platform !== undefined && samePlatform(entry.platform, accepted),
    );
    if (match !== undefined) return match;
  }
  return undefined;
}

/** True when both are the same platform in canonical form. */
export function samePlatform(one: Platform, other: Platform): boolean {
  return formatPlatform(normalizePlatform(one)) === formatPlatform(normalizePlatform(other));
}
