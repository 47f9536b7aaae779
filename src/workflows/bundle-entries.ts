// Small entries of a bundle, taken out and checked: charts and values of a release, the record of a rehearsal.
import type { InventoryRelease } from "../core/bundle/inventory.js";
import { REHEARSAL_PATH } from "../core/bundle/paths.js";
import { digestOf, hexOf } from "../core/oci/digest.js";
import {
  differencesFrom,
  parseRecord,
  rehearsableOf,
  stillMissing,
  type RehearsalRecord,
} from "../core/rehearsal/record.js";
import { ViolaError } from "../errors.js";
import type { OpenBundle } from "./context.js";
import type { InstallContext, InstallOptions, LaidOutRelease } from "./install-input.js";

/** Writes chart and values of a release out of the bundle, under names that owe nothing to it. Throws `BUNDLE_INVALID`. */
export async function layOut(
  bundle: OpenBundle,
  release: InventoryRelease,
  index: number,
  { valuesFiles }: Pick<InstallOptions, "valuesFiles">,
  { files, temporaryFolder }: Pick<InstallContext, "files" | "temporaryFolder">,
): Promise<LaidOutRelease> {
  const take = async (path: string, target: string): Promise<string> => {
    await files.writeFile(target, await readEntry(bundle, path));
    return target;
  };
  const chartFile = await take(release.file, `${temporaryFolder}/release-${index}.tgz`);
  const own = await Promise.all(
    release.values.map((path, number) => take(path, `${temporaryFolder}/release-${index}.${number}.yaml`)),
  );
  return { release, chartFile, valuesFiles: [...own, ...valuesFiles] };
}

/** Returns a small entry, checked. Throws `BUNDLE_INVALID`. */
async function readEntry(bundle: OpenBundle, path: string): Promise<Uint8Array> {
  const { offset, size } = bundle.locate(path);
  const bytes = await bundle.read(offset, size);
  const expected = bundle.inventory.files.find((file) => file.path === path)?.sha256;
  if (hexOf(digestOf(bytes)) === expected) return bytes;
  throw new ViolaError("BUNDLE_INVALID", `${bundle.file}: ${path} is damaged`, {
    subject: path,
    hint: "Copy the bundle again from where it was built.",
  });
}

/** A record, and in what an installation differs from it. */
export interface ComparedRehearsal extends RehearsalRecord {
  /** What was missing then, and is now. */
  readonly stillMissing: readonly string[];
  readonly differences: readonly string[];
}

/** Reads the record that was built into the bundle, and says in what this installation differs from it; undefined where there is none. */
export async function readRehearsal(
  bundle: OpenBundle,
  chosen: readonly InventoryRelease[],
  kubeVersion: string,
  { valuesFiles, set }: InstallOptions,
  { files }: InstallContext,
): Promise<ComparedRehearsal | undefined> {
  const { inventory } = bundle;
  if (!inventory.files.some(({ path }) => path === REHEARSAL_PATH)) return undefined;
  const text = Buffer.from(await readEntry(bundle, REHEARSAL_PATH)).toString("utf8");
  const record = parseRecord(text, `${bundle.file}: ${REHEARSAL_PATH}`);
  const given = { files: await Promise.all(valuesFiles.map((file) => files.readFile(file))), set };
  const now = rehearsableOf({ ...inventory, releases: chosen }, kubeVersion, given);
  return {
    ...record,
    stillMissing: stillMissing(record, inventory.images),
    differences: differencesFrom(record, now),
  };
}
