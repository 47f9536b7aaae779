// Decides from the surrounding fields whether an image is started: switches, alternatives,
// examples.
import { childOf, formatPath, isRecord, textOf, valueAtPath, type Json, type Path } from "../../json.js";
import { findReference } from "../../images/reference.js";
import type { Alternative, Found } from "./found.js";

/** Marks the finding as optional if a switch on its path is off. */
export function withSwitches(found: Found, root: unknown, path: Path = found.path): Found {
  const off = switchedOff(root, path);
  return off === undefined ? found : { ...found, isOptional: true, because: off };
}

/** Like `withSwitches`, and also marks an image that is one of several alternatives. */
export function withCircumstances(found: Found, root: unknown, path: Path = found.path): Found {
  const switched = withSwitches(found, root, path);
  if (switched.isOptional === true) return switched;
  const alternative = alternativeOf(root, path);
  return alternative === undefined ? found : { ...found, ...alternative };
}

/**
 * Like `withCircumstances` for an image with this name in a flat map, such as variables or flags.
 */
export function withSwitch(found: Found, values: Json, name: string): Found {
  const off = switchBeside(values, name);
  if (off === undefined) return found;
  return { ...found, isOptional: true, because: `it is switched off: ${off} is ${String(values[off])}` };
}

const SWITCH = /^(?:is)?(?:enabled?|installed|install|deployed|deploy|active|activated)$/i;
const INVERSE_SWITCH = /^(?:is)?disabled?$/i;
/** Fields whose value can be a word for off, such as `managementState: Removed`. */
const STATE = /^(?:management)?(?:state|mode)$/i;
const OFF_STATE = /^(?:disabled|removed|absent|off)$/i;
const OFF = /^(?:false|no|off|0|disabled)$/i;
const ON = /^(?:true|yes|on|1|enabled)$/i;

/** Returns the switch that disables a part of the path, such as `spec.monitor.enabled is false`. */
function switchedOff(root: unknown, path: Path): string | undefined {
  let value = root;
  for (const [depth, part] of path.entries()) {
    const map: Json = isRecord(value) ? value : {};
    const found =
      Object.keys(map).find((name) => isOff(name, map, SWITCH, INVERSE_SWITCH)) ??
      switchBeside(map, String(part));
    if (found !== undefined) {
      return `it is switched off: ${formatPath([...path.slice(0, depth), found])} is ${String(map[found])}`;
    }
    value = childOf(value, part);
  }
  return undefined;
}

function isOff(name: string, map: Json, on: RegExp, inverse: RegExp): boolean {
  const value = map[name];
  if (typeof value !== "boolean" && typeof value !== "string") return false;
  if (on === SWITCH && STATE.test(name)) return OFF_STATE.test(String(value));
  return (on.test(name) && OFF.test(String(value))) || (inverse.test(name) && ON.test(String(value)));
}

/** Prefixes and suffixes of image names besides the name of the component. */
const IMAGE_WORDS =
  /^related_?image_?|(?:[_.-]?(?:images?|repository|repo|registry|name|reference|ref|url|uri|tag))+$/gi;

/**
 * Returns the name of a switch in the flat map that is off for the component of an image name:
 * `MONITOR_ENABLED` or `ENABLE_MONITOR` for `MONITOR_IMAGE`, `monitorEnabled` for `monitorImage`,
 * `monitor.enabled` for `monitor.repository`.
 */
function switchBeside(values: Json, name: string): string | undefined {
  const part = plain(name.replaceAll(IMAGE_WORDS, ""));
  if (part === "") return undefined;
  const on = new RegExp(
    `^(?:is)?${part}(?:enabled?|installed|install|deployed|deploy|active)$|^(?:enabled?|install|deploy|use|with)${part}$`,
  );
  const inverse = new RegExp(`^(?:is)?${part}disabled?$|^disabled?${part}$`);
  return Object.keys(values).find((key) => {
    const value = values[key];
    if (typeof value !== "boolean" && typeof value !== "string") return false;
    return isOff(plain(key), { [plain(key)]: value }, on, inverse);
  });
}

function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, "");
}

const VERSION_KEY = /version$|^(?:release|major)$/i;
const VERSION = /^v?\d+(?:[._]\d+)*(?:[-+].*)?$|^(?:latest|stable|edge)$/;
/** Fields next to or in a list that select the default entry. */
const DEFAULT_KEY = /^(?:is_?)?default(?:_?version)?$|^(?:current|selected|active)_?version$/i;

/**
 * Returns the alternative of the image at the path: an entry of a list or of a map by version,
 * where other entries have an image of the same repository with another version.
 */
function alternativeOf(root: unknown, path: Path): Pick<Found, "alternative" | "isOptional"> | undefined {
  let value = root;
  let around: unknown;
  for (const [depth, part] of path.entries()) {
    const entries = versionedEntries(value);
    const mine = entries?.find(({ key }) => key === part);
    if (entries !== undefined && mine !== undefined) {
      const rest = path.slice(depth + 1);
      const repository = repositoryAt(mine.entry, rest);
      const others = entries.filter(
        ({ key, entry }) =>
          key !== part && repository !== undefined && repositoryAt(entry, rest) === repository,
      );
      if (others.length > 0) {
        const isChosen = isDefault(mine.version, mine.entry, around);
        const alternative = { version: mine.version, list: path.slice(0, depth), isDefault: isChosen };
        return { isOptional: !isChosen, alternative };
      }
    }
    around = value;
    value = childOf(value, part);
  }
  return undefined;
}

interface VersionedEntry {
  readonly key: string | number;
  readonly version: string;
  readonly entry: unknown;
}

/**
 * Returns the entries of a list of maps with versions, or of a map by version; otherwise undefined.
 */
function versionedEntries(value: unknown): readonly VersionedEntry[] | undefined {
  let entries: VersionedEntry[] = [];
  if (Array.isArray(value)) {
    entries = value.flatMap((entry: unknown, key) => {
      const name = isRecord(entry) ? Object.keys(entry).find((one) => VERSION_KEY.test(one)) : undefined;
      const version = isRecord(entry) && name !== undefined ? textOf(entry[name]) : undefined;
      return version === undefined ? [] : [{ key, version, entry }];
    });
    if (entries.length !== value.length) return undefined;
  } else if (isRecord(value)) {
    entries = Object.entries(value).map(([key, entry]) => ({ key, version: key, entry }));
    if (!entries.every(({ version }) => VERSION.test(version))) return undefined;
  }
  const isDistinct = new Set(entries.map(({ version }) => version)).size === entries.length;
  return entries.length > 1 && isDistinct ? entries : undefined;
}

/**
 * Returns the repository at the path without digits, because names may contain versions (`db-15`).
 */
function repositoryAt(entry: unknown, path: Path): string | undefined {
  const text = textOf(valueAtPath(entry, path));
  return text === undefined ? undefined : findReference(text.trim())?.repository.replaceAll(/\d+/g, "");
}

function isDefault(version: string, entry: unknown, around: unknown): boolean {
  const isMarked = (map: unknown, value: string): boolean =>
    isRecord(map) && Object.keys(map).some((key) => DEFAULT_KEY.test(key) && String(map[key]) === value);
  return isMarked(entry, "true") || isMarked(around, version);
}

const SELECTOR = /^(?:default|selected|active|enabled)[_-]?(?=[a-z])/i;

/**
 * Returns the alternative for a text that has a name in a map, where a field beside the map selects
 * some of its entries: `defaultTemplates: [sidecar]` beside `templates: { sidecar: …, gateway: … }`.
 * Objects can select another by its name in an annotation.
 */
export function namedTextAt(root: unknown, path: Path): Alternative | undefined {
  for (const [depth, part] of path.slice(0, -1).entries()) {
    const around = valueAtPath(root, path.slice(0, depth));
    const entries = childOf(around, part);
    const name = path[depth + 1];
    if (!isRecord(around) || !isRecord(entries) || typeof name !== "string") continue;
    const selector = Object.keys(around).find(
      (key) => SELECTOR.test(key) && stemOf(key.replace(SELECTOR, "")) === stemOf(String(part)),
    );
    const selected = selector === undefined ? [] : namesIn(around[selector]);
    if (selector === undefined || !selected.some((one) => Object.hasOwn(entries, one))) continue;
    return { version: name, selector, list: path.slice(0, depth + 1), isDefault: selected.includes(name) };
  }
  return undefined;
}

function namesIn(value: unknown): readonly string[] {
  const texts = Array.isArray(value) ? value.map(textOf) : (textOf(value)?.split(/[\s,]+/) ?? []);
  return texts.filter((text) => text !== undefined);
}

/** Returns the word of a field without the plural, for comparison. */
export function stemOf(word: string): string {
  return plain(word).replace(/s$/, "");
}

/** Keys of examples and documentation: `_example`, `pod.yaml.example`, `README`, `notes.md`. */
const EXAMPLE_KEY =
  /(?:^|[^A-Za-z0-9])(?:examples?|samples?)(?!\.(?:com|org|net)\b)(?=$|[^A-Za-z0-9])|^(?:readme|notes|changelog)(?:\.\w+)?$|\.(?:md|rst|adoc)$/i;
const EXAMPLE_WORD = /^example(?=[A-Z])|[a-z]Example$/;

/** Returns the key on the path that is the name of an example or documentation. */
export function exampleOn(path: Path): string | undefined {
  return path.find(
    (part): part is string => typeof part === "string" && (EXAMPLE_KEY.test(part) || EXAMPLE_WORD.test(part)),
  );
}
