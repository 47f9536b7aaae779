// Artifacts of images: what a manifest says about its subject, and the list of referrers.
import { expect, it } from "vitest";
import type { InventoryArtifact } from "../../../../src/core/bundle/inventory.js";
import { readReferrer, referrersTag } from "../../../../src/core/images/image-artifact.js";
import { referrersIndex } from "../../../../src/core/load/referrers-index.js";
import { OCI_MANIFEST } from "../../../../src/core/oci/descriptor.js";
import { digestOf, hexOf } from "../../../../src/core/oci/digest.js";

const subject = digestOf("image");
const bytesOf = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));

it.each([
  [
    { artifactType: "a/b", annotations: { k: "v" } },
    { artifactType: "a/b", annotations: { k: "v" } },
  ],
  [{ config: { mediaType: "c/d" } }, { artifactType: "c/d" }],
  [{ artifactType: "", config: { mediaType: "c/d" }, annotations: null }, { artifactType: "c/d" }],
])("a manifest with %j refers to its subject", (fields, referrer) => {
  expect(readReferrer(bytesOf({ subject: { digest: subject }, ...fields }))).toEqual({
    subject,
    ...referrer,
  });
});

it.each([[{}], [{ subject: null }], [{ subject: "text" }], [[]]])("%j refers to nothing", (manifest) => {
  expect(readReferrer(bytesOf(manifest))).toBeUndefined();
});

const artifact = (name: string, fields: Partial<InventoryArtifact> = {}): InventoryArtifact => ({
  subject,
  tags: [],
  digest: digestOf(name),
  mediaType: OCI_MANIFEST,
  manifests: [{ mediaType: OCI_MANIFEST, digest: digestOf(name), size: name.length }],
  blobs: [],
  referrer: { artifactType: "a/b" },
  ...fields,
});
const entriesOf = (index: Buffer): readonly { readonly digest: string }[] =>
  (JSON.parse(index.toString()) as { manifests: readonly { digest: string }[] }).manifests;

it("the list of referrers has those of the subject, each once", () => {
  const tagged = Object.fromEntries(
    Object.entries(artifact("tag only")).filter(([field]) => field !== "referrer"),
  ) as unknown as InventoryArtifact;
  const other = artifact("other", { subject: digestOf("another image") });
  const index = referrersIndex(subject, [artifact("one"), artifact("one"), tagged, other]);

  expect(entriesOf(index)).toEqual([
    {
      mediaType: OCI_MANIFEST,
      digest: digestOf("one"),
      size: 3,
      artifactType: "a/b",
    },
  ]);
});

it("the list of referrers keeps what a registry has in it", () => {
  const earlier = bytesOf({
    manifests: [{ digest: digestOf("theirs"), platform: {} }, { digest: digestOf("one") }],
  });
  const index = referrersIndex(subject, [artifact("one")], earlier);

  expect(entriesOf(index).map(({ digest }) => digest)).toEqual([digestOf("theirs"), digestOf("one")]);
  expect(referrersIndex(subject, [artifact("one")], index).equals(index)).toBe(true);
});

it("the tag of the list is the digest of the subject", () => {
  expect(referrersTag(subject)).toBe(`sha256-${hexOf(subject)}`);
});
