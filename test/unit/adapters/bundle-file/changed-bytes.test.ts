// Every byte of a bundle counts: whichever is changed, opening or verifying the bundle finds it.
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { openBundle } from "../../../../src/adapters/bundle-file/open-bundle.js";
import { digestOf, hexOf } from "../../../../src/core/oci/digest.js";
import { createKeyPair, parsePrivateKey, parsePublicKeys } from "../../../../src/core/signing/keys.js";
import type { RequiredKeys } from "../../../../src/core/signing/signature.js";
import { ViolaError } from "../../../../src/errors.js";
import type { BundleReader } from "../../../../src/workflows/ports.js";
import { verifyBundle } from "../../../../src/workflows/verify/verify.js";
import { randomFrom } from "../../../fuzz/mutate.js";
import { bundleOf } from "../../../support/bundle-of.js";

const BLOCK = 512;
const RANDOM_POSITIONS = 100;
const folder = mkdtempSync(join(tmpdir(), "viola-bytes-"));
const run = { signal: new AbortController().signal, progress: () => undefined };

afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** Hashes in this process: worker threads would take longer than everything else here. */
const findDamagedBlobs: BundleReader["findDamagedBlobs"] = async (bundle) => {
  const blobs = [...bundle.blobs.values()];
  const contents = await Promise.all(blobs.map((blob) => bundle.readPlace(blob)));
  return blobs.filter(({ digest }, index) => digestOf(contents[index] ?? "") !== digest);
};

async function isFound(file: string, required: RequiredKeys | undefined): Promise<boolean> {
  try {
    const bundle = await openBundle(file, required);
    const { problems } = await verifyBundle(run, bundle, { reader: { findDamagedBlobs } });
    return problems.length > 0;
  } catch (error) {
    if (error instanceof ViolaError && /^(?:BUNDLE|SIGNATURE)_/.test(error.code)) return true;
    throw error;
  }
}

const { privatePem, publicPem } = createKeyPair();

it.each([
  ["without a signature", false],
  ["with one", true],
])("finds a change of any byte of a bundle %s, in headers, padding and the end, too", async (_, isSigned) => {
  const required = isSigned ? { keys: parsePublicKeys(publicPem, "key"), source: "--key" } : undefined;
  const file = (path: string, text: string) => {
    const bytes = Buffer.from(text);
    return { path, bytes, sha256: hexOf(digestOf(bytes)) };
  };
  const chart = file("charts/app-1.0.0.tgz", "chart");
  const bundle = await bundleOf(
    folder,
    "small",
    [{ reference: "docker.io/a/b:1", seed: "small", mediaTypes: "oci", layers: [700, 900] }],
    {
      releases: [
        {
          name: "app",
          namespace: "apps",
          chart: { name: "app", version: "1.0.0" },
          file: chart.path,
          sha256: chart.sha256,
          values: [],
        },
      ],
      files: [file("README.txt", "read me"), file("bin/tool", "tool"), chart],
      ...(isSigned && { signKey: parsePrivateKey(privatePem, "key") }),
    },
  );
  const intact = readFileSync(bundle.file);
  expect(await isFound(bundle.file, required)).toBe(false);

  const random = randomFrom(1);
  const positions = new Set<number>();
  // Three bytes of every block: the first, the last, which is padding in most, and any other.
  for (let block = 0; block < intact.length; block += BLOCK) {
    for (const at of [0, random(BLOCK), BLOCK - 1]) positions.add(block + at);
  }
  for (let count = 0; count < RANDOM_POSITIONS; count++) positions.add(random(intact.length));

  const handle = openSync(bundle.file, "r+");
  const missed: number[] = [];
  for (const at of positions) {
    const byte = intact[at] ?? 0;
    writeSync(handle, Buffer.from([byte ^ (1 << random(8))]), 0, 1, at);
    if (!(await isFound(bundle.file, required))) missed.push(at);
    writeSync(handle, Buffer.from([byte]), 0, 1, at);
  }
  closeSync(handle);
  expect(missed).toEqual([]);
  expect(positions.size).toBeGreaterThan(250);
});
