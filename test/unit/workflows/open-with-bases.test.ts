// Bundles with bases: which files are accepted, how a blob is looked up, and what is refused by name.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openBundle } from "../../../src/adapters/bundle-file/open-bundle.js";
import { contentToRun, refuseAbsent } from "../../../src/core/load/absent-content.js";
import type { ViolaError } from "../../../src/errors.js";
import { ManyErrors } from "../../../src/errors.js";
import { openWithBases, requireBases } from "../../../src/workflows/open-with-bases.js";
import type { OpenBundle } from "../../../src/workflows/ports.js";
import { bundleOf, type NamedImage } from "../../support/bundle-of.js";

const folder = mkdtempSync(join(tmpdir(), "viola-bases-"));
const reader = { openBundle };
const image = (name: string, layers: readonly number[]): NamedImage => ({
  reference: `quay.io/lab/${name}:1`,
  seed: name,
  mediaTypes: "oci",
  layers: [...layers],
});
let base: OpenBundle, other: OpenBundle, first: OpenBundle, second: OpenBundle;
beforeAll(async () => {
  const [a, b, c] = [image("a", [700]), image("b", [800]), image("c", [900])];
  base = await bundleOf(folder, "app", [a]);
  other = await bundleOf(folder, "app", [b], { file: "other" });
  first = await bundleOf(folder, "app", [a, b], { file: "first", version: "1.1.0", base });
  const opened = await openWithBases(first.file, [base.file], { reader });
  second = await bundleOf(folder, "app", [a, b, c], { file: "second", version: "1.2.0", base: opened });
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const open = (file: OpenBundle, ...bases: readonly OpenBundle[]): Promise<OpenBundle> =>
  openWithBases(
    file.file,
    bases.map((one) => one.file),
    { reader },
  );
const failure = (opening: Promise<unknown>): Promise<unknown> => opening.catch((cause: unknown) => cause);

describe("a bundle with its bases", () => {
  it("has all blobs, each in the nearest file, in any order of the bases", async () => {
    for (const bases of [
      [base, first],
      [first, base],
    ]) {
      const bundle = await open(second, ...bases);
      expect([...bundle.blobs.keys()]).toEqual(bundle.inventory.blobs.map(({ digest }) => digest));
      expect(new Set([...bundle.blobs.values()].map(({ file }) => file))).toEqual(
        new Set([second, first, base].map(({ file }) => file)),
      );
      expect(bundle.missingBase).toBeUndefined();
      expect(() => {
        requireBases(bundle, "this");
      }).not.toThrow();
    }
  });

  it("lacks blobs when a base is missing, which is refused by name where all are needed", async () => {
    const alone = await open(second);
    expect(alone.missingBase).toEqual({
      name: "app",
      version: "1.1.0",
      digest: first.inventory.whole?.digest,
    });
    const partly = await open(second, first);
    expect(partly.missingBase).toEqual({ name: "app", version: "1.0.0", digest: base.digest });
    expect(partly.blobs.size).toBeGreaterThan(alone.blobs.size);
    const refused = await failure(
      Promise.resolve().then(() => {
        requireBases(partly, "this");
      }),
    );
    expect(refused).toMatchObject({ code: "BASE_MISSING", subject: second.file });
    expect((refused as ViolaError).message).toContain(`app 1.0.0 (${base.digest})`);
  });

  it("refuses wrong bases by name, all at once: what is wanted and what each of them is", async () => {
    const wrong = await failure(open(second, other, second));
    expect(wrong).toBeInstanceOf(ManyErrors);
    expect((wrong as ManyErrors).cause).toHaveLength(2);
    const one = await failure(open(second, other));
    expect(one).toMatchObject({ code: "BASE_WRONG", subject: other.file });
    const { message } = one as ViolaError;
    expect(message).toContain(`app 1.0.0 (${other.digest})`);
    expect(message).toContain(`app 1.1.0 (${first.inventory.whole?.digest})`);
  });

  it("refuses a chain with a gap, a base of a whole bundle, and a difference as its own base", async () => {
    for (const [file, given] of [
      [second, base],
      [base, first],
      [first, first],
    ] as const) {
      expect(await failure(open(file, given))).toMatchObject({ code: "BASE_WRONG", subject: given.file });
    }
  });
});

describe("a differential bundle alone", () => {
  it("is refused for content that neither it nor the target has, by image and base", async () => {
    const alone = await open(first);
    const needed = (where: string, isThere: (digest: string) => boolean) =>
      alone.inventory.images.map((one) => ({
        where,
        image: one,
        digests: one.platforms
          .flatMap((platform) => contentToRun(one, platform))
          .filter((digest) => !isThere(digest)),
      }));
    const content = new Set(base.inventory.blobs.map(({ digest }) => digest as string));

    expect(() => {
      refuseAbsent(
        alone,
        needed("n1", (digest) => content.has(digest)),
      );
    }).not.toThrow();
    const refused = await failure(
      Promise.resolve().then(() => {
        refuseAbsent(alone, [...needed("n1", () => false), ...needed("n2", () => false)]);
      }),
    );
    expect(refused).toMatchObject({ code: "BASE_MISSING", subject: "quay.io/lab/a:1" });
    const { message } = refused as ViolaError;
    for (const part of ["n1, n2", `app 1.0.0 (${base.digest})`]) expect(message).toContain(part);
  });
});
