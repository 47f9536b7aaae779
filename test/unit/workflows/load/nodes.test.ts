// Loading with partial failures, with fake nodes, for faults that cannot be caused on real ones.
import { describe, expect, test } from "vitest";
import type {
  FetchOptions,
  FreeSpace,
  HeldBlobs,
  ImportOptions,
  NodeImage,
  WantedName,
} from "../../../../src/core/load/node.js";
import { formatPlatform } from "../../../../src/core/oci/platform.js";
import { ViolaError, type ManyErrors } from "../../../../src/errors.js";
import type { OpenBundle } from "../../../../src/workflows/ports.js";
import { loadBundle, type LoadPorts, type LoadReport } from "../../../../src/workflows/load/nodes.js";
import { planFetches, type LoadNode } from "../../../../src/workflows/load/node-plan.js";
import { configText, imageOf, inventoryOf } from "../../core/load/inventory-of.js";
import { workflowRun } from "../../../support/workflow-run.js";
import { digestOf } from "../../../../src/core/oci/digest.js";
import { placesOf } from "../../../support/places-of.js";
import type { PlacedBlob } from "../../../../src/core/bundle/blob-places.js";

const NAMES = ["docker.io/a/b:1", "quay.io/c/d:2"];
const inventory = inventoryOf(NAMES.map((name) => imageOf(name, { layers: [`layer of ${name}`] })));

/** A node without faults, except those of a test. */
class FakeNode implements LoadNode {
  readonly platform;
  readonly hostAddresses = ["192.0.2.1", "fd00::1"];
  readonly known = new Map<string, string>();
  readonly touched: string[] = [];
  reachable = true;
  space: FreeSpace | undefined;
  failure: ViolaError | undefined;
  forgets: string | undefined;
  /** Digests of the blobs in its content store. */
  blobs = new Set<string>();
  held: ReadonlySet<string> = new Set();
  /** Called before an import, when the archive has been planned. */
  beforeImport: () => void = () => undefined;

  readonly name: string;
  readonly bundled: typeof inventory;

  constructor(name: string, architecture = "amd64", bundled = inventory) {
    this.name = name;
    this.platform = { os: "linux", architecture };
    this.bundled = bundled;
  }
  completeImages(): Promise<ReadonlyMap<string, string>> {
    return Promise.resolve(new Map(this.known));
  }
  presentBlobs(): Promise<ReadonlySet<string>> {
    return Promise.resolve(this.blobs);
  }
  holdBlobs(digests: readonly string[]): Promise<HeldBlobs> {
    this.held = new Set(digests);
    return Promise.resolve({
      release: () => {
        this.held = new Set();
        return Promise.resolve();
      },
    });
  }
  freeSpace(): Promise<FreeSpace | undefined> {
    return Promise.resolve(this.space);
  }
  findReachable(endpoints: readonly string[]): Promise<string | undefined> {
    return Promise.resolve(this.reachable ? endpoints.at(-1) : undefined);
  }
  fetchImages(wanted: readonly WantedName[], { endpoint }: FetchOptions): Promise<void> {
    return this.#take(wanted, `fetch ${endpoint}`);
  }
  listImages(): Promise<readonly NodeImage[]> {
    return Promise.resolve([...this.known].map(([name, digest]) => ({ name, digest, bundles: [] })));
  }
  unpackImages(): Promise<void> {
    this.touched.push("unpack");
    return Promise.resolve();
  }
  addBundleLabel(): Promise<void> {
    return Promise.resolve();
  }
  async importImages(
    wanted: readonly WantedName[],
    { archive }: ImportOptions,
  ): Promise<{ readonly missingContent?: string }> {
    this.beforeImport();
    const chunks: Uint8Array[] = [];
    for await (const chunk of archive) chunks.push(chunk);
    const bytes = Buffer.concat(chunks);
    expect(bytes.length % 512).toBe(0);
    const images = this.bundled.images.filter(({ names }) =>
      wanted.some(({ name }) => names.some((one) => one === name)),
    );
    const needed = images.flatMap(({ platforms }) =>
      platforms.flatMap(({ config, layers }) => [config, ...layers].map(({ digest }) => digest)),
    );
    const gone = needed.find((digest) => !this.blobs.has(digest) && !bytes.includes(`${digest.slice(7)}\0`));
    if (gone !== undefined) {
      this.touched.push("import in vain");
      return { missingContent: `content digest ${gone}: not found` };
    }
    await this.#take(wanted, "import");
    return {};
  }
  #take(wanted: readonly WantedName[], how: string): Promise<void> {
    this.touched.push(how);
    if (this.failure) return Promise.reject(this.failure);
    for (const { name, platform } of wanted) {
      const image = this.bundled.images.find(({ names }) => names.some((one) => one === name));
      expect(platform).toBe(formatPlatform(this.platform));
      if (image && name !== this.forgets) this.known.set(name, image.digest);
    }
    return Promise.resolve();
  }
}

interface Outcome {
  readonly report?: LoadReport;
  readonly error?: unknown;
  readonly notes: readonly string[];
  readonly serversLeft: number;
}

async function load(
  nodes: readonly FakeNode[],
  options: {
    damaged?: readonly PlacedBlob[];
    inventory?: OpenBundle["inventory"];
    unpack?: boolean;
    cores?: number;
  } = {},
): Promise<Outcome> {
  let serversLeft = 0;
  const notes: string[] = [];
  const bundle: OpenBundle = {
    file: "bundle.tar",
    size: 0,
    digest: digestOf("inventory"),
    inventory: options.inventory ?? inventory,
    blobs: placesOf(options.inventory ?? inventory),
    read: () => Promise.resolve(Buffer.from(configText())),
    readPlace: () => Promise.resolve(Buffer.from(configText())),
    locate: () => ({ file: "bundle.tar", offset: 0, size: 0 }),
  };
  const ports: LoadPorts = {
    reader: { findDamagedBlobs: () => Promise.resolve(options.damaged ?? []) },
    serveBundle: () => {
      serversLeft++;
      return Promise.resolve({
        port: 4242,
        pathFor: (client) => `/key/${client}`,
        sentBytes: () => 0,
        close: () => {
          serversLeft--;
          return Promise.resolve();
        },
      });
    },
    readSegments: async function* (segments) {
      await Promise.resolve();
      for (const segment of segments)
        yield segment instanceof Uint8Array ? segment : Buffer.alloc(segment.size);
    },
    cores: options.cores ?? 2,
  };
  const target = { name: "kind", findNodes: () => Promise.resolve(nodes) };
  const run = workflowRun({
    progress: (event) => {
      if (event.kind === "note") notes.push(event.message);
    },
  });
  const { unpack = false } = options;
  try {
    return { report: await loadBundle(run, bundle, { target, unpack }, ports), notes, serversLeft };
  } catch (error) {
    return { error, notes, serversLeft };
  }
}

test("a node gets the address that it can reach, IPv6 in brackets", async () => {
  const node = new FakeNode("n1");
  const { report, serversLeft } = await load([node]);
  expect(node.touched).toEqual(["fetch http://[fd00::1]:4242/key/n1"]);
  expect(report?.nodes).toMatchObject([{ node: "n1", route: "fetch", presentNames: 0, loadedNames: NAMES }]);
  expect(serversLeft).toBe(0);
});

test("complete nodes are not changed, and nothing is served for them", async () => {
  const node = new FakeNode("n1");
  for (const image of inventory.images) node.known.set(image.normalized, image.digest);
  const { report } = await load([node]);
  expect(node.touched).toEqual([]);
  expect(report?.nodes).toMatchObject([{ route: "none", presentNames: 2, loadedNames: [] }]);
});

test("a node that reaches no address gets an import, which is reported", async () => {
  const node = new FakeNode("n1");
  node.reachable = false;
  const { report, notes } = await load([node]);
  expect(report?.nodes).toMatchObject([{ route: "import", loadedNames: NAMES }]);
  expect(report?.nodes[0]?.sentBytes).toBeGreaterThan(0);
  expect(notes).toHaveLength(1);
  expect(notes[0]).toContain("n1");
});

describe("a node that is streamed to", () => {
  const [image] = inventory.images;
  const layer = image!.platforms[0]!.layers[0]!;

  test("keeps what it counts as present until it knows the images", async () => {
    const node = new FakeNode("n1");
    node.reachable = false;
    node.blobs.add(layer.digest);
    const held: boolean[] = [];
    node.beforeImport = () => {
      held.push(node.held.has(layer.digest));
    };
    const { report } = await load([node]);
    expect(held).toEqual([true]);
    expect(node.held.size).toBe(0);
    expect(node.touched).toEqual(["import"]);
    expect(report?.nodes).toMatchObject([{ route: "import", loadedNames: NAMES }]);
  });

  test("is sent what was removed from it meanwhile", async () => {
    const node = new FakeNode("n1");
    node.reachable = false;
    node.blobs.add(layer.digest);
    node.beforeImport = () => node.blobs.delete(layer.digest);
    const { report } = await load([node]);
    expect(node.touched).toEqual(["import in vain", "import"]);
    expect(report?.nodes).toMatchObject([{ route: "import", loadedNames: NAMES }]);
  });

  test("is named with its message when the content is gone each time", async () => {
    const node = new FakeNode("n1");
    node.reachable = false;
    node.beforeImport = () => {
      node.blobs.clear();
    };
    Object.defineProperty(node, "presentBlobs", {
      value: () => Promise.resolve(new Set([layer.digest])),
    });
    const { error } = await load([node]);
    const errors = (error as ManyErrors).errors;
    expect(errors.map(({ code, subject }) => [code, subject])).toEqual(
      NAMES.map((name) => ["NODE_LOAD_FAILED", name]),
    );
    expect(errors[0]?.message).toContain(layer.digest);
    expect(node.held.size).toBe(0);
  });
});

test("a damaged layer stops the load before any node is changed", async () => {
  const node = new FakeNode("n1");
  const { error } = await load([node], { damaged: [...placesOf(inventory).values()].slice(-1) });
  expect(error).toMatchObject({ code: "BUNDLE_INVALID" });
  expect((error as ViolaError).message).toContain("quay.io/c/d:2");
  expect(node.touched).toEqual([]);
});

test("all nodes with a platform that the bundle lacks are reported before any node is changed", async () => {
  const nodes = [new FakeNode("n1"), new FakeNode("n2", "arm64"), new FakeNode("n3", "s390x")];
  const { error } = await load(nodes);
  expect((error as ManyErrors).errors.map(({ code, subject }) => [code, subject])).toEqual([
    ["IMAGE_PLATFORM_MISSING", "n2"],
    ["IMAGE_PLATFORM_MISSING", "n3"],
  ]);
  expect(nodes.flatMap((node) => node.touched)).toEqual([]);
});

test("a failed node does not stop the others", async () => {
  const nodes = [new FakeNode("n1"), new FakeNode("n2"), new FakeNode("n3")];
  const failure = new ViolaError("NODE_LOAD_FAILED", "n1: disk full", { subject: "n1" });
  nodes[0]!.failure = failure;
  const { error, serversLeft } = await load(nodes);
  expect(error).toBe(failure);
  expect(nodes.slice(1).map((node) => node.known.size)).toEqual([2, 2]);
  expect(serversLeft).toBe(0);
});

test("the others are completed, and reported as complete, when a node fails", async () => {
  const nodes = [new FakeNode("n1"), new FakeNode("n2"), new FakeNode("n3")];
  nodes[0]!.failure = new ViolaError("NODE_LOAD_FAILED", "n1: disk full", { subject: "n1" });
  for (const image of inventory.images) nodes[2]!.known.set(image.normalized, image.digest);

  const { notes } = await load(nodes, { unpack: true });

  expect(nodes.map((node) => node.touched.includes("unpack"))).toEqual([false, true, true]);
  expect(notes).toHaveLength(1);
  expect(notes[0]).toContain("n2");
  expect(notes[0]).not.toContain("n1");
});

test("nodes of several platforms each get their own content", async () => {
  const both = inventoryOf([
    imageOf("docker.io/a/b:1", { layers: ["one"], platforms: ["linux/amd64", "linux/arm64"] }),
  ]);
  const nodes = [new FakeNode("n1", "amd64", both), new FakeNode("n2", "arm64", both)];

  const { report } = await load(nodes, { inventory: both });

  // Each fake node requires its own platform.
  expect(report?.nodes).toMatchObject([
    { node: "n1", platform: "linux/amd64", loadedNames: ["docker.io/a/b:1"] },
    { node: "n2", platform: "linux/arm64", loadedNames: ["docker.io/a/b:1"] },
  ]);
  expect(nodes.map((node) => node.known.size)).toEqual([1, 1]);
});

describe("free space", () => {
  const needed = inventory.blobs.reduce((sum, { size }) => sum + size, 0);

  test("a node whose disk is too full is reported before anything is sent", async () => {
    const nodes = [new FakeNode("n1"), new FakeNode("n2")];
    nodes[0]!.space = { disk: "1", bytes: needed };
    nodes[1]!.space = { disk: "2", bytes: needed - 1 };

    const { error } = await load(nodes);

    expect(error).toMatchObject({ code: "NODE_LOAD_FAILED", subject: "n2" });
    expect(nodes.flatMap((node) => node.touched)).toEqual([]);
  });

  test("nodes that share a disk need space for all of them", async () => {
    const nodes = [new FakeNode("n1"), new FakeNode("n2")];
    for (const node of nodes) node.space = { disk: "1", bytes: 2 * needed - 1 };
    const { error } = await load(nodes);
    expect((error as ManyErrors).errors.map(({ subject }) => subject)).toEqual(["n1", "n2"]);

    for (const node of nodes) node.space = { disk: "1", bytes: 2 * needed };
    expect((await load(nodes)).report?.nodes).toHaveLength(2);
  });

  test("unpacked images also need space", async () => {
    const node = new FakeNode("n1");
    node.space = { disk: "1", bytes: needed };
    const { error } = await load([node], { unpack: true });
    expect(error).toMatchObject({ code: "NODE_LOAD_FAILED", subject: "n1" });
    expect((await load([node])).report?.nodes).toHaveLength(1);
  });

  test("a complete node needs no space", async () => {
    const node = new FakeNode("n1");
    node.space = { disk: "1", bytes: 0 };
    for (const image of inventory.images) node.known.set(image.normalized, image.digest);
    expect((await load([node])).report?.nodes).toMatchObject([{ route: "none" }]);
  });
});

describe("simultaneous fetches", () => {
  test.each([1, 2, 3, 4, 5, 7, 16, 100])("stay within the limit for %i nodes", (count) => {
    for (const [cores, bound] of [
      [1, 4],
      [2, 8],
      [3, 12],
      [64, 16],
    ] as const) {
      const { perNode, nodes } = planFetches(count, cores);
      expect(perNode * nodes).toBeLessThanOrEqual(bound);
      expect(Math.min(perNode, nodes)).toBeGreaterThan(0);
    }
  });

  test("are shared by a few nodes, with at most four for each", () => {
    expect(planFetches(1, 64)).toEqual({ perNode: 4, nodes: 1 });
    expect(planFetches(3, 2)).toEqual({ perNode: 2, nodes: 3 });
  });

  test("nodes above the limit wait", async () => {
    let running = 0;
    let most = 0;
    class CountingNode extends FakeNode {
      override async fetchImages(wanted: readonly WantedName[], options: FetchOptions): Promise<void> {
        most = Math.max(most, ++running);
        await new Promise(setImmediate);
        running--;
        await super.fetchImages(wanted, options);
      }
    }
    const nodes = Array.from({ length: 9 }, (_, index) => new CountingNode(`n${index}`));

    const { report } = await load(nodes, { cores: 2 });

    expect(report?.nodes.map(({ route }) => route)).toEqual(nodes.map(() => "fetch"));
    expect(most).toBe(4);
  });
});

test("a name that is incomplete after a successful command is an error", async () => {
  const node = new FakeNode("n1");
  node.forgets = "quay.io/c/d:2";
  const { error } = await load([node]);
  expect(error).toMatchObject({ code: "NODE_LOAD_FAILED", subject: "quay.io/c/d:2" });
});
