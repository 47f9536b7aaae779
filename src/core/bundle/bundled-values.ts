// What a bundle includes of the values of its releases: all, only the keys, or nothing.
import { stringify } from "yaml";
import { ViolaError } from "../../errors.js";
import { isRecord } from "../json.js";
import { parseYaml, toValue, UnusableYaml } from "../parse-yaml.js";
import type { InventoryRelease } from "./inventory.js";
import type { SmallFile } from "./layout-files.js";
import { keysPath } from "./paths.js";

/** The choices of `build --values`. */
export const BUNDLED_VALUES = ["all", "keys", "none"] as const;
export type BundledValues = (typeof BUNDLED_VALUES)[number];

const KEYS_HEADING =
  "# The keys of the values that this release was built with. Copy the file, fill in the values, remove the rest,\n" +
  "# and pass the copy with -f. An empty value removes the default of the chart.\n";

/**
 * Leaves values out of a release and its files. With `keys`, a file with the keys replaces each
 * values file. Throws `SPEC_INVALID` for a values file that is not YAML.
 */
export function withholdValues(
  release: InventoryRelease,
  files: readonly SmallFile[],
  wanted: BundledValues,
): { readonly release: InventoryRelease; readonly files: readonly SmallFile[] } {
  if (wanted === "all" || release.values.length === 0) return { release, files };
  const isValues = ({ path }: SmallFile): boolean => release.values.includes(path);
  const keys = wanted === "none" ? [] : files.filter(isValues).map(keysFile);
  return {
    release: { ...release, values: [], withheldValues: { keys: keys.map(({ path }) => path) } },
    files: [...files.filter((file) => !isValues(file)), ...keys],
  };
}

/** Returns the names of the releases whose values are not in the bundle. */
export function withheldReleases(releases: readonly InventoryRelease[]): readonly string[] {
  return releases.filter(({ withheldValues }) => withheldValues !== undefined).map(({ name }) => name);
}

/**
 * Throws `USAGE` if the bundle lacks values of a release and the user passes none. Whether they are
 * the right ones cannot be known here; the images that they need are checked later.
 */
export function requireValues(releases: readonly InventoryRelease[], valuesFiles: readonly string[]): void {
  const names = withheldReleases(releases);
  if (names.length === 0 || valuesFiles.length > 0) return;
  throw new ViolaError("USAGE", `the bundle was built without the values of ${names.join(", ")}`, {
    subject: names[0] ?? "",
    hint: "Pass the values with -f FILE. They were left out with build --values.",
  });
}

function keysFile({ path, bytes }: SmallFile): SmallFile {
  return { path: keysPath(path), bytes: Buffer.from(KEYS_HEADING + keysOf(bytes, path)) };
}

/**
 * Removes every value and comment. Helm reads only the first document of a values file.
 * Throws `SPEC_INVALID` for a file that is not YAML or exceeds its limits.
 */
function keysOf(bytes: Uint8Array, path: string): string {
  try {
    const document = parseYaml(Buffer.from(bytes).toString("utf8"), { merge: true });
    const error = document.errors.find(({ code }) => code !== "MULTIPLE_DOCS");
    if (error !== undefined) throw new UnusableYaml("is not valid YAML", { isTooLarge: false, cause: error });
    return stringify(blank(toValue(document)), { nullStr: "" });
  } catch (cause) {
    if (!(cause instanceof UnusableYaml)) throw cause;
    throw new ViolaError("SPEC_INVALID", `${path}: the values file ${cause.message}`, {
      subject: path,
      cause,
    });
  }
}

function blank(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(blank);
  if (!isRecord(value)) return null;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, blank(inner)]));
}
