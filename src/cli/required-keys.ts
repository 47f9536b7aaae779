// Finds the keys that bundles must be signed with: those of `--key`, the environment or the settings.
import { resolve } from "node:path";
import { isPemText, readPublicKeys, type GivenKey } from "../adapters/files/key-files.js";
import type { RequiredKeys } from "../core/signing/signature.js";

const KEY_VARIABLE = "VIOLA_AIRGAP_KEY";

/** Where keys may be given. The first that has any is used, so `--key` replaces the others. */
export interface KeyPlaces {
  /** Files of `--key`. */
  readonly flags: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly settingsFile: string;
  /** Absolute paths. */
  readonly settings: readonly string[];
}

/** Returns the keys, or undefined if none are given. Throws `FILE_UNUSABLE` and `KEY_INVALID`. */
export async function findRequiredKeys(places: KeyPlaces): Promise<RequiredKeys | undefined> {
  const { flags, env, cwd, settings, settingsFile } = places;
  if (flags.length > 0) {
    const given = flags.map((file) => ({ content: resolve(cwd, file), name: file }));
    return { keys: await readPublicKeys(given), source: "--key" };
  }
  const variable = keyOfVariable(KEY_VARIABLE, env, cwd);
  if (variable !== undefined) return { keys: await readPublicKeys([variable]), source: KEY_VARIABLE };
  if (settings.length === 0) return undefined;
  const given = settings.map((file) => ({ content: file, name: file }));
  return { keys: await readPublicKeys(given), source: settingsFile };
}

/** Returns the key in a variable, which is PEM text or a file. An empty variable counts as unset. */
export function keyOfVariable(variable: string, env: KeyPlaces["env"], cwd: string): GivenKey | undefined {
  const value = env[variable];
  if (value === undefined || value === "") return undefined;
  return isPemText(value)
    ? { content: value, name: variable }
    : { content: resolve(cwd, value), name: `${variable}=${value}` };
}
