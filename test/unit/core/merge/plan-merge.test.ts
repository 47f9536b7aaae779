// A differential bundle and its bases merge to the bytes of a full build, for any division of images.
import { closeSync, ftruncateSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { openBundle } from "../../../../src/adapters/bundle-file/open-bundle.js";
import type { ArchivePlan } from "../../../../src/core/bundle/archive-plan.js";
import { planMerge } from "../../../../src/core/merge/plan-merge.js";
import { digestOf, hexOf } from "../../../../src/core/oci/digest.js";
import { openWithBases } from "../../../../src/workflows/open-with-bases.js";
import type { OpenBundle } from "../../../../src/workflows/ports.js";
import { randomFrom } from "../../../fuzz/mutate.js";
import { bundleOf, type BundleExtras, type NamedImage } from "../../../support/bundle-of.js";

const CASES = 12;
const folder = mkdtempSync(join(tmpdir(), "viola-merge-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const reader = { openBundle };

async function planOf(bundle: OpenBundle): Promise<ArchivePlan> {
  const { offset, size } = bundle.locate("bundle.json");
  return planMerge({ ...bundle, inventoryBytes: await bundle.read(offset, size) });
}

const fileOf = (path: string, bytes: Buffer): NonNullable<BundleExtras["files"]>[number] => ({
  path,
  bytes,
  sha256: hexOf(digestOf(bytes)),
});

/** Writes a merge as the writer does, without worker threads. */
async function merge(bundle: OpenBundle, name: string): Promise<string> {
  const plan = await planOf(bundle);
  const file = join(folder, name);
  const handle = openSync(file, "w");
  ftruncateSync(handle, plan.size);
  for (const { bytes, offset } of plan.pieces) writeSync(handle, bytes, 0, bytes.length, offset);
  for (const { sources, size, offset } of plan.blobs) {
    const [source] = sources;
    if (source?.kind !== "file") throw new Error("a merged blob comes from a file");
    const bytes = readFileSync(source.file).subarray(source.offset, source.offset + size);
    writeSync(handle, bytes, 0, size, offset);
  }
  writeSync(handle, plan.finished ?? Buffer.alloc(0), 0, null, 512);
  closeSync(handle);
  return file;
}

/** Images that share a layer in pairs, so that bundles have blobs of others. */
const POOL = Array.from({ length: 8 }, (_, at): NamedImage => ({
  reference: `quay.io/lab/image-${at}:1`,
  seed: `image ${at}`,
  mediaTypes: at % 2 === 0 ? "oci" : "docker",
  layers: [{ seed: `shared ${at >> 1}`, bytes: 900 }, 300 + at],
}));

describe("a merge", () => {
  it.each(Array.from({ length: CASES }, (_, seed) => seed))(
    "of random images in a chain of two differences is a full build, case %i",
    async (seed) => {
      const random = randomFrom(seed);
      const choose = (): readonly NamedImage[] => POOL.filter(() => random(2) === 0);
      const name = `case-${seed}`;
      const write = (images: readonly NamedImage[], extras: BundleExtras): Promise<OpenBundle> =>
        bundleOf(folder, name, images, extras);
      const values = fileOf("values/app.yaml", Buffer.from(`values of ${seed}`));
      // Large enough to be left out where the base has it.
      const large = (): BundleExtras["files"] =>
        random(3) === 0 ? [] : [fileOf("charts/app-1.0.0.tgz", Buffer.alloc(300_000, random(2)))];

      const base = await write(choose(), { file: `${name}.0`, files: large() ?? [] });
      await write(choose(), { file: `${name}.1`, version: "1.1.0", base, files: large() ?? [] });
      const first = await openWithBases(join(folder, `${name}.1`), [base.file], { reader });
      const images = choose();
      const second = { version: "1.2.0", files: [...(large() ?? []), values] };
      const difference = await write(images, { ...second, file: `${name}.2`, base: first });
      const whole = await write(images, { ...second, file: `${name}.whole` });

      const opened = await openWithBases(difference.file, [base.file, first.file], { reader });
      expect(
        [...difference.blobs.keys()].filter((digest) =>
          first.inventory.blobs.some((one) => one.digest === digest),
        ),
      ).toEqual([]);
      expect(difference.inventory.whole).toEqual({ digest: whole.digest, size: whole.size });
      expect([...opened.blobs.keys()]).toEqual([...whole.blobs.keys()]);
      const merged = await merge(opened, `${name}.merged`);
      expect(readFileSync(merged).equals(readFileSync(whole.file))).toBe(true);
      // What is merged can be the base of the next difference, as the difference itself.
      const firstMerged = await merge(first, `${name}.merged-1`);
      expect((await openWithBases(difference.file, [firstMerged], { reader })).missingBase).toBeUndefined();
    },
  );

  it("is refused before anything is written if its bytes would not be those of the build", async () => {
    const [one, two] = POOL;
    if (one === undefined || two === undefined) throw new Error("there are images");
    const base = await bundleOf(folder, "other", [one]);
    const made = await bundleOf(folder, "other", [one, two], { file: "other.diff", base });
    const opened = await openWithBases(made.file, [base.file], { reader });
    const altered = { ...opened, inventory: { ...opened.inventory, platforms: ["linux/arm64"] } };
    await expect(planOf(altered)).rejects.toMatchObject({ code: "BUNDLE_UNSUPPORTED", subject: made.file });
  });
});
