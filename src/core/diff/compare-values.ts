// Compares the values of a release: the files, and the keys after all files are merged as Helm does.
import { childOf, formatPath, isRecord, type Path } from "../json.js";
import { AS_KUBERNETES, parseYaml, toValue, UnusableYaml } from "../parse-yaml.js";
import type { Inventory, InventoryRelease } from "../bundle/inventory.js";
import type { ComparedBundle, FileChange, KeyChange, ValuesChange } from "./bundle-diff.js";

/** Options of a comparison. */
export interface DiffOptions {
  /** True to include the values themselves, which may be secrets. */
  readonly showsValues: boolean;
}

/** A release, and the bundle that has it. */
export interface ReleaseOf {
  readonly bundle: ComparedBundle;
  readonly release: InventoryRelease;
}

/** Returns the differences of the values of a release, or undefined when there are none. */
export function compareValues(
  old: ReleaseOf,
  next: ReleaseOf,
  { showsValues }: DiffOptions,
): ValuesChange | undefined {
  const files = compareFiles(filesOf(old), filesOf(next));
  const values = { old: readValues(old), next: readValues(next) };
  const { name, namespace } = next.release;
  const head = { release: name, namespace, files };
  if (values.old === undefined || values.next === undefined) {
    const isWithheld = [old, next].map(({ release }) => release.withheldValues !== undefined);
    if (files.length === 0 && isWithheld[0] === isWithheld[1]) return undefined;
    return { ...head, keys: [], compared: "none" };
  }
  const isKeysOnly = [old, next].some(({ release }) => release.withheldValues !== undefined);
  const shown = isKeysOnly ? { old: blank(values.old), next: blank(values.next) } : values;
  const keys = [...compareAt([], shown.old, shown.next)]
    .map(({ change, path, old: before, next: after }): KeyChange => ({
      change,
      path: formatPath(path),
      ...(showsValues && !isKeysOnly && change !== "added" && { old: before }),
      ...(showsValues && !isKeysOnly && change !== "removed" && { new: after }),
    }))
    .sort((one, other) => (one.path < other.path ? -1 : 1));
  if (files.length === 0 && keys.length === 0) return undefined;
  return { ...head, keys, compared: isKeysOnly ? "keys" : "all" };
}

/** Compares files by path and checksum. The result is sorted by path. */
export function compareFiles(old: Inventory["files"], next: Inventory["files"]): readonly FileChange[] {
  const before = new Map(old.map(({ path, sha256 }) => [path, sha256]));
  const after = new Map(next.map(({ path, sha256 }) => [path, sha256]));
  return [...new Set([...before.keys(), ...after.keys()])].sort().flatMap((path): readonly FileChange[] => {
    if (!before.has(path)) return [{ change: "added", path }];
    if (!after.has(path)) return [{ change: "removed", path }];
    return before.get(path) === after.get(path) ? [] : [{ change: "changed", path }];
  });
}

function filesOf({ bundle, release }: ReleaseOf): Inventory["files"] {
  const paths = pathsOf(release);
  return bundle.inventory.files.filter(({ path }) => paths.includes(path));
}

function pathsOf({ values, withheldValues }: InventoryRelease): readonly string[] {
  return withheldValues?.keys ?? values;
}

/** Returns the merged values, or undefined when the bundle lacks them or they are not YAML. */
function readValues({ bundle, release }: ReleaseOf): unknown {
  const paths = pathsOf(release);
  if (release.withheldValues !== undefined && paths.length === 0) return undefined;
  let merged: unknown = {};
  for (const path of paths) {
    const text = bundle.texts.get(path);
    const values = text === undefined ? undefined : parseValues(text);
    if (values === undefined) return undefined;
    merged = merge(merged, values);
  }
  return merged;
}

/** An empty file is an empty map. */
function parseValues(text: string): unknown {
  try {
    const document = parseYaml(text, AS_KUBERNETES);
    const value = document.errors.length > 0 ? undefined : (toValue(document) ?? {});
    return isRecord(value) ? value : undefined;
  } catch (cause) {
    if (cause instanceof UnusableYaml) return undefined;
    throw cause;
  }
}

/**
 * Maps are merged key by key, and everything else replaces what was there (mergeMaps in
 * pkg/cli/values of Helm 3 and 4).
 */
function merge(old: unknown, next: unknown): unknown {
  if (!isRecord(old) || !isRecord(next)) return next;
  const added = Object.entries(next).map(([key, value]) => [
    key,
    Object.hasOwn(old, key) ? merge(old[key], value) : value,
  ]);
  return Object.fromEntries([...Object.entries(old), ...added]);
}

/** Removes the values, as `build --values keys` does. */
function blank(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(blank);
  if (!isRecord(value)) return null;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, blank(inner)]));
}

interface ValueChange {
  readonly change: KeyChange["change"];
  readonly path: Path;
  readonly old?: unknown;
  readonly next?: unknown;
}

/**
 * Lists of equal length are compared item by item. Otherwise the whole list counts as changed,
 * because the items of a list have no names.
 */
function* compareAt(path: Path, old: unknown, next: unknown): Iterable<ValueChange> {
  const areMaps = isRecord(old) && isRecord(next);
  const areLists = Array.isArray(old) && Array.isArray(next) && old.length === next.length;
  if (!areMaps && !areLists) {
    if (!Object.is(old, next)) yield { change: "changed", path, old, next };
    return;
  }
  const [before, after] = [new Set(Object.keys(old)), new Set(Object.keys(next))];
  for (const key of new Set([...before, ...after])) {
    const at = [...path, areLists ? Number(key) : key];
    const [oldValue, nextValue] = [childOf(old, key), childOf(next, key)];
    if (!before.has(key)) yield { change: "added", path: at, next: nextValue };
    else if (!after.has(key)) yield { change: "removed", path: at, old: oldValue };
    else yield* compareAt(at, oldValue, nextValue);
  }
}
