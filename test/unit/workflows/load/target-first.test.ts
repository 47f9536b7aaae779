// A wrong or unreachable target is reported before the bundle is hashed, which takes minutes.
import { expect, it } from "vitest";
import type { ImageFolder } from "../../../../src/core/load/image-folder.js";
import type { ImageStore } from "../../../../src/core/load/image-store.js";
import type { PushRegistry } from "../../../../src/core/load/push-registry.js";
import { digestOf } from "../../../../src/core/oci/digest.js";
import { ViolaError } from "../../../../src/errors.js";
import { loadStore } from "../../../../src/workflows/load/engine.js";
import { loadFolder } from "../../../../src/workflows/load/k3s-folder.js";
import type { LoadNode } from "../../../../src/workflows/load/node-plan.js";
import { loadBundle } from "../../../../src/workflows/load/nodes.js";
import { pushBundle } from "../../../../src/workflows/load/registry.js";
import type { OpenBundle } from "../../../../src/workflows/ports.js";
import { workflowRun } from "../../../support/workflow-run.js";
import { configText, imageOf, inventoryOf } from "../../core/load/inventory-of.js";
import { placesOf } from "../../../support/places-of.js";
import type { PlacedBlob } from "../../../../src/core/bundle/blob-places.js";

const inventory = inventoryOf([imageOf("docker.io/a/b:1", { layers: ["layer"] })]);
const bundle: OpenBundle = {
  file: "bundle.tar",
  size: 0,
  digest: digestOf("inventory"),
  inventory,
  blobs: placesOf(inventory),
  read: () => Promise.resolve(Buffer.from(configText())),
  readPlace: () => Promise.resolve(Buffer.from(configText())),
  locate: () => ({ file: "bundle.tar", offset: 0, size: 0 }),
};
const failure = new ViolaError("NODE_LOAD_FAILED", "nobody is there", { subject: "target" });
const refuse = (): Promise<never> => Promise.reject(failure);
const arm = { os: "linux", architecture: "arm64" };

/** Hashes until it is interrupted, and records whether it was started. */
function endlessReader(): {
  readonly begun: () => number;
  readonly reader: {
    findDamagedBlobs: (
      _bundle: OpenBundle,
      _onHashed: unknown,
      signal: AbortSignal,
    ) => Promise<readonly PlacedBlob[]>;
  };
} {
  let begun = 0;
  return {
    begun: () => begun,
    reader: {
      findDamagedBlobs: (_bundle, _onHashed, signal) => {
        begun++;
        return new Promise((_, reject) => {
          const stop = (): void => {
            reject(signal.reason as Error);
          };
          if (signal.aborted) stop();
          signal.addEventListener("abort", stop);
        });
      },
    },
  };
}

const neverUsed = {
  serveBundle: refuse,
  readSegments: () => {
    throw new Error("nothing is to be sent");
  },
  cores: 1,
};

it("reports nodes that cannot be found", async () => {
  const { reader, begun } = endlessReader();
  const target = { name: "kind", findNodes: refuse };
  const loading = loadBundle(workflowRun(), bundle, { target, unpack: false }, { reader, ...neverUsed });
  await expect(loading).rejects.toBe(failure);
  expect(begun()).toBe(0);
});

it("stops hashing when a node that was found fails, or has another platform", async () => {
  for (const [platform, completeImages, code] of [
    [{ os: "linux", architecture: "amd64" }, refuse, "NODE_LOAD_FAILED"],
    [arm, () => Promise.resolve(new Map<string, string>()), "IMAGE_PLATFORM_MISSING"],
  ] as const) {
    const { reader } = endlessReader();
    const node = { name: "n1", platform, completeImages } as unknown as LoadNode;
    const target = { name: "kind", findNodes: () => Promise.resolve([node]) };
    const loading = loadBundle(workflowRun(), bundle, { target, unpack: false }, { reader, ...neverUsed });
    await expect(loading).rejects.toMatchObject({ code });
  }
});

it("ends with an interruption while both go on", async () => {
  const { reader } = endlessReader();
  const interruption = new AbortController();
  const node = {
    name: "n1",
    platform: arm,
    completeImages: () =>
      new Promise<never>((_, reject) => {
        interruption.signal.addEventListener("abort", () => {
          reject(interruption.signal.reason as Error);
        });
      }),
  } as unknown as LoadNode;
  const target = { name: "kind", findNodes: () => Promise.resolve([node]) };
  const run = workflowRun({ signal: interruption.signal });
  const loading = loadBundle(run, bundle, { target, unpack: false }, { reader, ...neverUsed });
  setImmediate(() => {
    interruption.abort();
  });
  await expect(loading).rejects.toMatchObject({ name: "AbortError" });
});

it("reports an engine that does not respond, cannot list its images, or has another platform", async () => {
  const amd = (): Promise<typeof arm> => Promise.resolve({ os: "linux", architecture: "amd64" });
  for (const [store, code] of [
    [{ platform: refuse }, "NODE_LOAD_FAILED"],
    [{ platform: amd, listImages: refuse }, "NODE_LOAD_FAILED"],
    [
      { platform: () => Promise.resolve(arm), listImages: () => Promise.resolve([]) },
      "IMAGE_PLATFORM_MISSING",
    ],
  ] as const) {
    const { reader, begun } = endlessReader();
    const loading = loadStore(
      workflowRun(),
      bundle,
      { name: "docker", keepsDigests: false, ...store } as unknown as ImageStore,
      { reader },
    );
    await expect(loading).rejects.toMatchObject({ code });
    expect(begun()).toBe(0);
  }
});

it("reports a folder of another platform, without rights, or on a full disk", async () => {
  const platform = { os: "linux", architecture: "amd64" };
  const holds = (): Promise<boolean> => Promise.resolve(false);
  for (const [folder, code] of [
    [{ platform: arm }, "IMAGE_PLATFORM_MISSING"],
    [{ platform, holds: refuse }, "NODE_LOAD_FAILED"],
    [{ platform, holds, freeBytes: refuse }, "NODE_LOAD_FAILED"],
    [{ platform, holds, freeBytes: () => Promise.resolve(0) }, "NODE_LOAD_FAILED"],
  ] as const) {
    const { reader, begun } = endlessReader();
    const target = { name: "k3s", path: "/images", ...folder } as unknown as ImageFolder;
    const loading = loadFolder(workflowRun(), bundle, target, { reader, ...neverUsed });
    await expect(loading).rejects.toMatchObject({ code });
    expect(begun()).toBe(0);
  }
});

it("stops hashing when the registry does not respond", async () => {
  const { reader } = endlessReader();
  const registry = { origin: "http://127.0.0.1:9", hasBlob: refuse } as unknown as PushRegistry;
  const ports = { reader, registry, limit: <T>(task: () => Promise<T>) => task() };
  await expect(pushBundle(workflowRun(), bundle, { prefix: "", forDockerd: false }, ports)).rejects.toBe(
    failure,
  );
});
