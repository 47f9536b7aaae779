// Runs installBundle with fakes: a cluster, nodes, a registry and helm, as a test configures them.
import type { Inventory, InventoryImage } from "../../../src/core/bundle/inventory.js";
import type { Json } from "../../../src/core/json.js";
import type { Cluster, ReleaseInput, ReleaseState, ReleaseTool } from "../../../src/core/install/cluster.js";
import type { ImageRegistry } from "../../../src/core/install/image-registry.js";
import { NO_OPERATORS } from "../../../src/core/finding/operator-index.js";
import { digestOf, hexOf } from "../../../src/core/oci/digest.js";
import type { QueriedNode, InstallOptions } from "../../../src/workflows/install/types.js";
import { installBundle, type InstallReport } from "../../../src/workflows/install/install.js";
import { imageOf, inventoryOf } from "../core/load/inventory-of.js";
import { workflowRun } from "../../support/workflow-run.js";

/** The differences from a cluster without problems. */
export interface Scene {
  readonly images?: readonly InventoryImage[];
  readonly excluded?: Inventory["excluded"];
  /** Range of Kubernetes versions of the chart. */
  readonly kubeVersion?: string;
  /** The rendered output of the chart. */
  readonly objects?: readonly Json[];
  /** Node objects. */
  readonly nodes?: readonly Json[];
  readonly phase?: string;
  readonly alwaysPulls?: boolean;
  /** The release in helm. */
  readonly state?: ReleaseState;
  /** Further releases of the bundle, and their state in helm. */
  readonly others?: Readonly<Record<string, ReleaseState>>;
  /** The workloads of the namespace for each query. */
  readonly workloads?: () => Promise<readonly Json[]>;
  readonly patchesHooks?: boolean;
  /** The result of `helm upgrade --install`. */
  readonly helm?: (input: ReleaseInput) => Promise<void>;
}

export interface Outcome {
  readonly report?: InstallReport;
  readonly error?: unknown;
  readonly notes: readonly string[];
  /** The calls of helm, in order. */
  readonly done: readonly string[];
  readonly input?: ReleaseInput;
}

/** The default image of the chart. */
export const SERVER = "docker.io/a/server:1";
const CHART = Buffer.from("a chart");

/** Installs the bundle. */
export async function installWith(scene: Scene, options: Partial<InstallOptions> = {}): Promise<Outcome> {
  const notes: string[] = [];
  const done: string[] = [];
  let input: ReleaseInput | undefined;
  const cluster: Cluster = {
    context: "ctx",
    describe: () => Promise.resolve({ version: "v1.30.2", apiVersions: ["apps/v1"] }),
    nodes: () => Promise.resolve(scene.nodes ?? [nodeObject("n1", [SERVER])]),
    namespacePhase: () => Promise.resolve(scene.phase),
    alwaysPulls: () => Promise.resolve(scene.alwaysPulls ?? false),
    workloads: scene.workloads ?? (() => Promise.resolve([])),
    warnings: () => Promise.resolve([]),
  };
  const releases: ReleaseTool = {
    patchesHooks: scene.patchesHooks ?? true,
    releaseState: ({ name }) => Promise.resolve(scene.others?.[name] ?? scene.state),
    uninstall: ({ name }) => {
      done.push(`uninstall ${name}`);
      return Promise.resolve();
    },
    test: () => Promise.reject(new Error("no installation runs tests")),
    install: (given) => {
      done.push(`install ${given.release}`);
      input = given;
      return scene.helm?.(given) ?? Promise.resolve();
    },
  };
  const inventory = {
    ...inventoryOf(scene.images ?? [imageOf(SERVER)]),
    excluded: scene.excluded ?? [],
    releases: ["app", ...Object.keys(scene.others ?? {})].map((name) => ({
      ...releaseWith(scene.kubeVersion),
      name,
    })),
    files: [{ path: "charts/app.tgz", sha256: hexOf(digestOf(CHART)), size: CHART.length }],
  };
  const bundle = {
    file: "bundle.tar",
    size: 0,
    digest: digestOf("inventory"),
    inventory,
    blobs: new Map(),
    read: () => Promise.resolve(CHART),
    readPlace: () => Promise.resolve(CHART),
    locate: () => ({ file: "bundle.tar", offset: 0, size: CHART.length }),
  };
  const run = workflowRun({
    progress: (event) => {
      if (event.kind === "note") notes.push(event.message);
    },
  });
  const rendered = (scene.objects ?? [deployment(SERVER)]).map((object) => JSON.stringify(object));
  try {
    const report = await installBundle(
      run,
      bundle,
      {
        valuesFiles: [],
        set: [],
        allowedMissing: [],
        timeoutSeconds: 60,
        isPatching: true,
        isWaiting: false,
        ...options,
      },
      {
        charts: {
          renderChart: () =>
            Promise.resolve(
              rendered.map((text) => `---\n# Source: app/templates/x.yaml\n${text}\n`).join(""),
            ),
        },
        loadOperators: () => Promise.resolve(NO_OPERATORS),
        cluster,
        releases,
        files: { readFile: () => Promise.resolve(new Uint8Array()), writeFile: () => Promise.resolve() },
        temporaryFolder: "/nowhere",
      },
    );
    return { report, notes, done, ...(input && { input }) };
  } catch (error) {
    return { error, notes, done };
  }
}

function releaseWith(kubeVersion: string | undefined): Inventory["releases"][number] {
  return {
    name: "app",
    namespace: "apps",
    chart: { name: "app", version: "1.0.0", ...(kubeVersion !== undefined && { kubeVersion }) },
    file: "charts/app.tgz",
    sha256: "",
    values: [],
  };
}

/** A Deployment that starts the image; `container` adds fields. */
export function deployment(image: string, container: Json = {}): Json {
  const template = { spec: { containers: [{ name: "c", image, ...container }] } };
  return { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "app" }, spec: { template } };
}

/** A Node object that lists these images; `more` adds fields. */
export function nodeObject(name: string, images: readonly string[], more: Json = {}): Json {
  return {
    kind: "Node",
    metadata: { name, labels: { "kubernetes.io/hostname": name } },
    status: { images: images.map((image) => ({ names: [image] })) },
    ...more,
  };
}

/** A node that has these images, by name and digest. */
export function nodeWith(
  name: string,
  complete: ReadonlyMap<string, string>,
  hostNames?: readonly string[],
): QueriedNode {
  return {
    name,
    ...(hostNames && { hostNames }),
    completeImages: () => Promise.resolve(complete),
  };
}

/** The names of an image with its digest, as a node lists them. */
export function namesOf(...images: readonly InventoryImage[]): ReadonlyMap<string, string> {
  return new Map(images.flatMap(({ names, digest }) => names.map((name) => [name, digest] as const)));
}

/** A registry with this content: `REPOSITORY:TAG` or `REPOSITORY@DIGEST`, and the digest. */
export function registryWith(content: ReadonlyMap<string, string>): ImageRegistry {
  return {
    name: "registry://reg.lab:5000/pre",
    host: "reg.lab:5000",
    prefix: "pre",
    findManifest: (repository, reference) =>
      Promise.resolve(content.get(`${repository}${reference.includes(":") ? "@" : ":"}${reference}`)),
  };
}
