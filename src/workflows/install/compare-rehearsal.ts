// Reads the rehearsal record of a bundle and compares it with the current installation.
import type { InventoryRelease } from "../../core/bundle/inventory.js";
import { REHEARSAL_PATH } from "../../core/bundle/paths.js";
import {
  differencesFrom,
  parseRecord,
  rehearsableOf,
  stillMissing,
  type RehearsalRecord,
} from "../../core/rehearsal/record.js";
import type { OpenBundle } from "../ports.js";
import type { InstallPorts, InstallOptions } from "./types.js";
import { readEntry } from "./extract-releases.js";

/**
 * Reads the record in the bundle and lists how this installation differs from it. Returns undefined
 * if the bundle has no record.
 */
export async function compareRehearsal(
  bundle: OpenBundle,
  { releases, kubeVersion }: { readonly releases: readonly InventoryRelease[]; readonly kubeVersion: string },
  { valuesFiles, set }: Pick<InstallOptions, "valuesFiles" | "set">,
  { files }: Pick<InstallPorts, "files">,
): Promise<ComparedRehearsal | undefined> {
  const { inventory } = bundle;
  if (!inventory.files.some(({ path }) => path === REHEARSAL_PATH)) return undefined;
  const text = Buffer.from(await readEntry(bundle, REHEARSAL_PATH)).toString("utf8");
  const record = parseRecord(text, `${bundle.file}: ${REHEARSAL_PATH}`);
  const given = { files: await Promise.all(valuesFiles.map((file) => files.readFile(file))), set };
  const now = rehearsableOf({ ...inventory, releases }, kubeVersion, given);
  return {
    ...record,
    stillMissing: stillMissing(record, inventory.images),
    differences: differencesFrom(record, now),
  };
}

/** A record, and how an installation differs from it. */
export interface ComparedRehearsal extends RehearsalRecord {
  /** Images that were missing in the rehearsal and are missing in the bundle. */
  readonly stillMissing: readonly string[];
  readonly differences: readonly string[];
}
