// Small entries of a bundle, taken out and checked: charts and values of a release, the record of a rehearsal.
import type { InventoryRelease } from "../../core/bundle/inventory.js";
import { digestOf, hexOf } from "../../core/oci/digest.js";
import { ViolaError } from "../../errors.js";
import type { OpenBundle } from "../ports.js";
import type { InstallPorts, InstallOptions, ExtractedRelease } from "./types.js";

/** Writes chart and values of a release out of the bundle, under names that owe nothing to it. Throws `BUNDLE_INVALID`. */
export async function extractRelease(
  bundle: OpenBundle,
  release: InventoryRelease,
  index: number,
  { valuesFiles }: Pick<InstallOptions, "valuesFiles">,
  { files, temporaryFolder }: Pick<InstallPorts, "files" | "temporaryFolder">,
): Promise<ExtractedRelease> {
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
export async function readEntry(bundle: OpenBundle, path: string): Promise<Uint8Array> {
  const { offset, size } = bundle.locate(path);
  const bytes = await bundle.read(offset, size);
  const expected = bundle.inventory.files.find((file) => file.path === path)?.sha256;
  if (hexOf(digestOf(bytes)) === expected) return bytes;
  throw new ViolaError("BUNDLE_INVALID", `${bundle.file}: ${path} is damaged`, {
    subject: path,
    hint: "Copy the bundle again from where it was built.",
  });
}
