// Pushing to registries with limitations: refused indexes, failed mounts, a registry that becomes
// unreachable.
import { expect, test } from "vitest";
import type { Inventory } from "../../../../src/core/bundle/inventory.js";
import type { PushRegistry } from "../../../../src/core/load/push-registry.js";
import { DOCKER_MANIFEST, isIndexMediaType, OCI_INDEX } from "../../../../src/core/oci/descriptor.js";
import { digestOf, type Digest } from "../../../../src/core/oci/digest.js";
import { ViolaError } from "../../../../src/errors.js";
import type { OpenBundle } from "../../../../src/workflows/ports.js";
import { workflowRun } from "../../../support/workflow-run.js";
import { pushBundle, type PushReport } from "../../../../src/workflows/load/registry.js";
import { named } from "../../../support/image-use.js";
import { configText, inventoryOf } from "../../core/load/inventory-of.js";
import { placesOf } from "../../../support/places-of.js";

const bytes = (digest: Digest | undefined): Uint8Array => Buffer.from((digest && contents.get(digest)) ?? "");
const contents = new Map<Digest, string>();
const put = (text: string): { digest: Digest; size: number } => {
  const digest = digestOf(text);
  contents.set(digest, text);
  return { digest, size: text.length };
};

/** A bundle of one image of these platforms in each of the repositories, without arm. */
function bundleOf(platforms: readonly string[], repositories: readonly string[]): OpenBundle {
  const layer = { mediaType: "layer", ...put("layer"), uncompressedSize: null };
  const made = platforms.map((platform) => {
    const config = { mediaType: "config", ...put(configText(platform)) };
    return { platform, ...put(`manifest of ${platform}`), config, layers: [layer] };
  });
  const arm = put("manifest of arm");
  const index = put(`index of ${platforms.join()}`);
  const images: Inventory["images"] = repositories.map((repository) => ({
    reference: repository,
    normalized: named(`quay.io/${repository}:1`),
    required: true,
    confidence: "certain",
    evidence: [],
    names: [named(`quay.io/${repository}:1`), named(`quay.io/${repository}@${index.digest}`)],
    digest: index.digest,
    mediaType: OCI_INDEX,
    manifests: [
      { ...index, mediaType: OCI_INDEX },
      ...[...made, arm].map(({ digest, size }) => ({ digest, size, mediaType: DOCKER_MANIFEST })),
    ],
    rebuilt: false,
    platforms: made,
  }));
  const blobs = [...contents].map(([digest, text], offset) => ({ digest, size: text.length, offset }));
  return {
    file: "bundle",
    size: 0,
    digest: digestOf("inventory"),
    inventory: { ...inventoryOf(images), blobs },
    blobs: placesOf({ ...inventoryOf(images), blobs }),
    read: (offset) => Promise.resolve(bytes(blobs[offset]?.digest)),
    readPlace: ({ offset }) => Promise.resolve(bytes(blobs[offset]?.digest)),
    locate: () => ({ file: "bundle.tar", offset: 0, size: 0 }),
  };
}

interface FakeRegistry extends PushRegistry {
  readonly uploads: string[];
  readonly manifests: ReadonlyMap<string, string>;
}

function fakeRegistry(
  traits: { refuses?: (mediaType: string) => boolean; mounts?: boolean } = {},
): FakeRegistry {
  const blobs = new Set<string>();
  const manifests = new Map<string, string>();
  const uploads: string[] = [];
  return {
    origin: "http://registry:5000",
    uploads,
    manifests,
    hasBlob: (repository, digest) => Promise.resolve(blobs.has(`${repository}@${digest}`)),
    mountBlob: (repository, digest, from) => {
      const works = traits.mounts !== false && blobs.has(`${from}@${digest}`);
      if (works) blobs.add(`${repository}@${digest}`);
      return Promise.resolve(works);
    },
    uploadBlob: (repository, { digest }) => {
      uploads.push(`${repository} ${contents.get(digest) ?? ""}`);
      blobs.add(`${repository}@${digest}`);
      return Promise.resolve();
    },
    findManifest: (repository, reference) => Promise.resolve(manifests.get(`${repository} ${reference}`)),
    readManifest: () => Promise.resolve(undefined),
    hasReferrersApi: () => Promise.resolve(false),
    putManifest: (repository, reference, { mediaType, digest }) => {
      if (traits.refuses?.(mediaType) === true) return Promise.resolve({ kind: "refused", answer: "400 no" });
      manifests.set(`${repository} ${reference}`, digest).set(`${repository} ${digest}`, digest);
      return Promise.resolve({ kind: "stored" });
    },
  };
}

const push = (bundle: OpenBundle, registry: PushRegistry): Promise<PushReport> =>
  pushBundle(
    workflowRun(),
    bundle,
    { prefix: "p", forDockerd: false },
    {
      reader: { findDamagedBlobs: () => Promise.resolve([]) },
      registry,
      limit: (task) => task(),
    },
  );

test("when an index is refused, the tag gets the platform's manifest, and names with the digest are reported", async () => {
  const registry = fakeRegistry({ refuses: isIndexMediaType });
  const report = await push(bundleOf(["linux/amd64"], ["a/b"]), registry);
  expect(registry.manifests.get("p/quay.io/a/b 1")).toBe(digestOf("manifest of linux/amd64"));
  expect(report.unresolved.map(({ name }) => name)).toEqual([
    `quay.io/a/b@${digestOf("index of linux/amd64")}`,
  ]);
  expect(report.unresolved[0]?.reason).toContain("400 no");
});

test("when an index of several platforms is refused, the tag gets one that is in the bundle", async () => {
  const bundle = bundleOf(["linux/amd64", "linux/arm64"], ["a/b"]);
  const original = bundle.inventory.images[0]!.digest;
  const stored: string[] = [];
  const strict = fakeRegistry();
  const registry: PushRegistry = {
    ...strict,
    putManifest: (repository, reference, manifest, signal) => {
      if (manifest.digest === original) return Promise.resolve({ kind: "refused", answer: "400 no" });
      stored.push(Buffer.from(manifest.bytes).toString());
      return strict.putManifest(repository, reference, manifest, signal);
    },
  };
  const report = await push(bundle, registry);
  const made = JSON.parse(stored.at(-1) ?? "") as { manifests: readonly { platform: unknown }[] };
  expect(made.manifests.map(({ platform }) => platform)).toEqual([
    { os: "linux", architecture: "amd64" },
    { os: "linux", architecture: "arm64" },
  ]);
  expect(report.images[0]?.digest).toBe(digestOf(stored.at(-1) ?? ""));
  expect(report.unresolved).toHaveLength(1);
});

test("a blob that cannot be mounted is uploaded again", async () => {
  const registry = fakeRegistry({ mounts: false });
  const report = await push(bundleOf(["linux/amd64"], ["a/b", "c/d"]), registry);
  expect(registry.uploads.filter((upload) => upload.endsWith(" layer"))).toHaveLength(2);
  expect(report).toMatchObject({ mountedBlobs: 0, uploadedBlobs: 4 });
});

test("blobs that were removed after the survey are sent again when the manifest is rejected for them", async () => {
  const registry = fakeRegistry();
  const bundle = bundleOf(["linux/amd64"], ["a/b"]);
  await push(bundle, registry);
  const layer = digestOf("layer");
  const isGone = { value: false };
  const collected: PushRegistry = {
    ...registry,
    hasBlob: (repository, digest, signal) =>
      isGone.value && digest === layer
        ? Promise.resolve(false)
        : registry.hasBlob(repository, digest, signal),
    uploadBlob: (repository, blob, onSent, signal) => {
      if (blob.digest === layer) isGone.value = false;
      return registry.uploadBlob(repository, blob, onSent, signal);
    },
    findManifest: (repository, reference, signal) => {
      // The garbage collection of the registry runs between the survey and the manifests.
      if (sent.length === 0) isGone.value = true;
      return sent.length === 0
        ? Promise.resolve(undefined)
        : registry.findManifest(repository, reference, signal);
    },
    putManifest: (repository, reference, manifest, signal) => {
      sent.push(reference);
      return isGone.value
        ? Promise.resolve({ kind: "refused", answer: "400 MANIFEST_BLOB_UNKNOWN" })
        : registry.putManifest(repository, reference, manifest, signal);
    },
  };
  const sent: string[] = [];
  registry.uploads.length = 0;

  const report = await push(bundle, collected);

  expect(registry.uploads).toEqual(["p/quay.io/a/b layer"]);
  expect(report).toMatchObject({ unresolved: [], uploadedBlobs: 0 });
  expect(report.sentBytes).toBeGreaterThanOrEqual("layer".length);
});

test("a registry that becomes unreachable is reported once, and gets no more requests", async () => {
  let asked = 0;
  const registry: PushRegistry = {
    ...fakeRegistry(),
    uploadBlob: () => {
      asked++;
      return Promise.reject(new ViolaError("REGISTRY_UNAVAILABLE", "gone"));
    },
  };
  await expect(push(bundleOf(["linux/amd64"], ["a/b"]), registry)).rejects.toMatchObject({
    code: "REGISTRY_UNAVAILABLE",
  });
  expect(asked).toBeLessThanOrEqual(2);
});

test("a registry that loses content is detected", async () => {
  const registry: PushRegistry = { ...fakeRegistry(), findManifest: () => Promise.resolve(undefined) };
  await expect(push(bundleOf(["linux/amd64"], ["a/b"]), registry)).rejects.toMatchObject({
    code: "REGISTRY_ANSWER_INVALID",
  });
});
