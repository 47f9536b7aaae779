// Extracts and checks small entries of a bundle: charts and values of a release, rehearsal records.
import type { InventoryRelease } from "../../core/bundle/inventory.js";
import { requireValues } from "../../core/bundle/bundled-values.js";
import { digestOf, hexOf } from "../../core/oci/digest.js";
import { ViolaError } from "../../errors.js";
import type { OpenBundle } from "../ports.js";
import type { InstallPorts, InstallOptions, ExtractedRelease } from "./types.js";

/**
 * Writes charts and values of the releases to the temporary folder, under names that are not taken
 * from the bundle. Adds the user's values files to each release. Throws `BUNDLE_INVALID`, and
 * `USAGE` if the bundle was built without values and the user passes none.
 */
export async function extractReleases(
  bundle: OpenBundle,
  releases: readonly InventoryRelease[],
  { valuesFiles }: Pick<InstallOptions, "valuesFiles">,
  { files, temporaryFolder }: Pick<InstallPorts, "files" | "temporaryFolder">,
): Promise<readonly ExtractedRelease[]> {
  requireValues(releases, valuesFiles);
  const extract = async (path: string, name: string): Promise<string> => {
    const target = `${temporaryFolder}/${name}`;
    await files.writeFile(target, await readEntry(bundle, path));
    return target;
  };
  return Promise.all(
    releases.map(async (release, index) => {
      const chartFile = await extract(release.file, `release-${index}.tgz`);
      const bundleValues = await Promise.all(
        release.values.map((path, number) => extract(path, `release-${index}.${number}.yaml`)),
      );
      return { release, chartFile, valuesFiles: [...bundleValues, ...valuesFiles] };
    }),
  );
}

/** Returns the bytes of a small entry after checking its digest. Throws `BUNDLE_INVALID` and `BASE_MISSING`. */
export async function readEntry(bundle: OpenBundle, path: string): Promise<Uint8Array> {
  const place = bundle.locate(path);
  const bytes = await bundle.readPlace(place);
  const expected = bundle.inventory.files.find((file) => file.path === path)?.sha256;
  if (hexOf(digestOf(bytes)) === expected) return bytes;
  throw new ViolaError("BUNDLE_INVALID", `${place.file}: ${path} is damaged`, {
    subject: path,
    hint: "Copy the bundle again from where it was built.",
  });
}
