// Loads a bundle into the nodes of a cluster: verify the bundle, survey the nodes, serve the bundle
// for the nodes to fetch, then survey them again.
import pLimit from "p-limit";
import { countOf } from "../../core/count-of.js";
import type { Inventory } from "../../core/bundle/inventory.js";
import {
  describeMissingPlatform,
  missingBlobs,
  missingNames,
  manifestsOf,
  surveyNode,
  wantedNames,
} from "../../core/load/missing-content.js";
import type { MissingContent } from "../../core/load/missing-content.js";
import type { NodeTarget } from "../../core/load/node.js";
import { namesToShare } from "../../core/load/unload-plan.js";
import type { ServeBundle, ServedBundle } from "../../core/bundle/bundle-server.js";
import { planPartialArchive, type ReadSegments } from "../../core/bundle/partial-archive.js";
import { formatPlatform } from "../../core/oci/platform.js";
import { oneOrMany, settleAll, ViolaError } from "../../errors.js";
import type { BundleReader, OpenBundle } from "../ports.js";
import type { Run } from "../progress.js";
import {
  planFetches,
  planNode,
  refuseAbsentContent,
  refuseFullDisks,
  type LoadNode,
  type NodePlan,
  type SurveyedNode,
} from "./node-plan.js";
import { LoadProgress } from "./progress.js";
import { allNames, bundleId } from "../../core/bundle/names.js";
import { endpointOf } from "../../core/load/addresses.js";
import { counted } from "../../core/load/counted.js";
import { verifyDuringQuery } from "../verify/require-intact.js";

/** The adapters that loading works with. */
export interface LoadPorts {
  readonly reader: Pick<BundleReader, "findDamagedBlobs">;
  readonly serveBundle: ServeBundle;
  readonly readSegments: ReadSegments;
  /** Processor cores of the machine that all nodes run on. */
  readonly cores: number;
}

export interface LoadOptions {
  readonly target: NodeTarget<LoadNode>;
  /** True to unpack images while loading, so that the first start of a Pod is fast. */
  readonly unpack?: boolean;
}

/**
 * How content reached a node: `none` if nothing was missing, `fetch` if the node fetched it,
 * `import` if it was streamed, `folder` if it was written to a folder that the node imports at
 * startup.
 */
export type LoadRoute = "none" | "fetch" | "import" | "folder";

export interface NodeReport {
  readonly node: string;
  readonly platform: string;
  readonly route: LoadRoute;
  /** Number of names that were complete before. */
  readonly presentNames: number;
  /** Names that this run loaded, sorted. */
  readonly loadedNames: readonly string[];
  /** Bytes of manifests, configs and layers sent to the node. */
  readonly sentBytes: number;
  /** Names with a digest that the engine's store has the content of but cannot resolve. */
  readonly unresolved?: readonly string[];
}

/**
 * Every name of the bundle resolves to the bundle's digest on each of these nodes, and its content
 * is complete. By the route `folder`, this holds after the node has started.
 */
export interface LoadReport {
  readonly bundle: string;
  readonly names: number;
  readonly nodes: readonly NodeReport[];
}

/**
 * Loads every image of the bundle into every node of the target. Nodes that have every image are
 * not changed. Nothing is sent to a node before the whole bundle is verified and found to have
 * content for the platform of every node.
 *
 * Throws the errors of verifying and of finding nodes, `IMAGE_PLATFORM_MISSING` for each node without
 * content, and `BASE_MISSING` for content that neither a node nor a given file has. Throws
 * `NODE_LOAD_FAILED` for each node, or image on a node, that failed, after all other nodes have
 * finished. The server is closed when the function returns or throws.
 */
export async function loadBundle(
  run: Run,
  bundle: OpenBundle,
  options: LoadOptions,
  ports: LoadPorts,
): Promise<LoadReport> {
  const { inventory } = bundle;
  run.progress({ kind: "started", step: "survey", title: "Querying the content of the nodes" });
  // Report a target that does not exist before hashing the bundle.
  const nodesOfTarget = await options.target.findNodes(run.signal);
  const surveyed = await verifyDuringQuery(
    run,
    bundle,
    () => surveyNodes(run, inventory, nodesOfTarget),
    ports,
  );
  const busy = await settleAll(
    "some nodes could not be queried",
    surveyed
      .filter(({ missing }) => missing.length > 0)
      .map((one) => planNode(bundle, one, options, run.signal)),
  );
  refuseAbsentContent(bundle, busy);
  refuseFullDisks(busy);
  const complete = surveyed.filter(({ missing }) => missing.length === 0);
  const [loaded] = await settleAll("the bundle was not loaded", [
    busy.length === 0 ? Promise.resolve([]) : serveAndLoad(run, { bundle, plans: busy }, options, ports),
    settleAll(
      "loading could not be completed on some nodes",
      complete.map((one) => finishNode(run, inventory, one, options)),
    ),
  ]);
  const nodes = surveyed.map(
    (one) => loaded.find(({ node }) => node === one.node.name) ?? reportOf(one, "none", 0),
  );
  return { bundle: `${inventory.name} ${inventory.version}`, names: allNames(inventory).length, nodes };
}

async function surveyNodes(
  { signal, progress }: Run,
  inventory: Inventory,
  nodes: readonly LoadNode[],
): Promise<readonly SurveyedNode[]> {
  const names = allNames(inventory);
  const surveys = await settleAll(
    "some nodes could not be queried",
    nodes.map(async (node) => {
      const complete = await node.completeImages(names, signal);
      return { node, survey: surveyNode(inventory, node.platform, complete) };
    }),
  );
  const unfit = surveys
    .filter(({ survey }) => survey.withoutPlatform.length > 0)
    .map(
      ({ node, survey }) =>
        new ViolaError(
          "IMAGE_PLATFORM_MISSING",
          describeMissingPlatform(node.name, node.platform, survey.withoutPlatform, inventory),
          { subject: node.name, hint: `Build the bundle with --platform ${formatPlatform(node.platform)}.` },
        ),
    );
  if (unfit.length > 0) throw oneOrMany("the bundle does not have the platforms of the nodes", unfit);
  const complete = surveys.filter(({ survey }) => survey.missing.length === 0).length;
  progress({
    kind: "ended",
    step: "survey",
    summary: `${countOf(nodes.length, "node")}, ${complete} already complete`,
  });
  return surveys.map(({ node, survey: { missing } }) => ({
    node,
    missing,
    presentNames: names.length - wantedNames(missing).length,
  }));
}

async function serveAndLoad(
  run: Run,
  { bundle, plans }: { readonly bundle: OpenBundle; readonly plans: readonly NodePlan[] },
  options: LoadOptions,
  ports: LoadPorts,
): Promise<readonly NodeReport[]> {
  const expected = new Map(plans.map(({ node, bytes }) => [node.name, bytes]));
  const progress = new LoadProgress(expected, run.progress);
  const onSent = (client: string, bytes: number): void => {
    progress.add(client, bytes);
  };
  const served = await serveNearby(
    plans.map(({ node }) => node),
    (listen) => ports.serveBundle(bundle, { ...listen, onSent }),
  );
  const { readSegments } = ports;
  const fetches = planFetches(plans.length, ports.cores);
  const limit = pLimit(fetches.nodes);
  const finished: string[] = [];
  try {
    const loaded = await settleAll(
      "some nodes could not be loaded",
      plans.map((plan) =>
        limit(async () => {
          const report = await loadNode(run, plan, {
            bundle,
            served,
            concurrency: fetches.perNode,
            progress,
            readSegments,
          });
          await finishNode(run, bundle.inventory, plan, options);
          finished.push(plan.node.name);
          return report;
        }),
      ),
    );
    progress.end(countOf(plans.length, "node"));
    return loaded;
  } catch (error) {
    if (finished.length > 0)
      run.progress({ kind: "note", message: `loaded despite the errors: ${finished.sort().join(", ")}` });
    throw error;
  } finally {
    await served.close();
  }
}

/**
 * Listens on the address that all nodes prefer for this machine, so that other networks cannot
 * reach the server. If the nodes differ, or the address does not belong to this machine, as with an
 * engine in a virtual machine, the server listens on all addresses.
 */
async function serveNearby(
  nodes: readonly LoadNode[],
  serve: (listen: { readonly address?: string }) => Promise<ServedBundle>,
): Promise<ServedBundle> {
  const [address, ...others] = new Set(nodes.map(({ hostAddresses: [first] }) => first));
  if (address === undefined || others.length > 0) return serve({});
  return serve({ address }).catch((cause: unknown) => {
    if (!(cause instanceof ViolaError)) throw cause;
    return serve({});
  });
}

/** Labels the names that another bundle loaded and this bundle also needs. Unpacks if requested. */
async function finishNode(
  { signal, progress }: Run,
  inventory: Inventory,
  { node, presentNames }: SurveyedNode,
  { unpack }: LoadOptions,
): Promise<void> {
  if (presentNames > 0) {
    const shared = namesToShare(inventory, await node.listImages(signal));
    await node.addBundleLabel(shared, bundleId(inventory), signal);
  }
  if (unpack !== true) return;
  const step = `unpack:${node.name}`;
  progress({ kind: "started", step, title: `Unpacking on ${node.name}` });
  const digests = new Set(inventory.images.map(({ digest }) => digest));
  await node.unpackImages([...digests], signal);
  progress({ kind: "ended", step, summary: `${countOf(digests.size, "image")} unpacked` });
}

/** What the nodes share during one load. */
interface LoadSession {
  readonly bundle: OpenBundle;
  readonly served: ServedBundle;
  /** How many images a node fetches at once. */
  readonly concurrency: number;
  readonly progress: LoadProgress;
  readonly readSegments: ReadSegments;
}

/**
 * Makes the node fetch the missing content, or streams it to a node that cannot reach this machine.
 */
async function loadNode(run: Run, plan: NodePlan, session: LoadSession): Promise<NodeReport> {
  const { signal } = run;
  const { node, missing } = plan;
  const { served, concurrency } = session;
  const { inventory, blobs } = session.bundle;
  const endpoints = node.hostAddresses.map((host) => endpointOf(host, served, node.name));
  // The node asks for the manifest itself, so it must be at hand.
  const [probed = missing[0]] = missing.filter(({ image }) => blobs.has(image.digest));
  const probeName = probed === undefined ? "" : (wantedNames([probed])[0]?.name ?? "");
  const endpoint = await node.findReachable(endpoints, probeName, signal);
  if (endpoint !== undefined) {
    const before = served.sentBytes(node.name);
    const options = { endpoint, bundle: bundleId(inventory), concurrency };
    await sendUntilComplete(run, plan, inventory, async (lacking) => {
      await node.fetchImages(wantedNames(lacking), options, signal);
      return undefined;
    });
    return reportOf(plan, "fetch", served.sentBytes(node.name) - before);
  }

  run.progress({
    kind: "note",
    message: `${node.name} cannot reach this machine at any of ${node.hostAddresses.join(", ")}: the images are streamed to the node instead, which is slower`,
  });
  let sent = 0;
  const onBytes = (bytes: number): void => {
    sent += bytes;
    session.progress.add(node.name, bytes);
  };
  // A fetch protects what the node has, an import only what the archive has.
  const content = [...manifestsOf(missing), ...missingBlobs(missing, new Set())];
  const held = await node.holdBlobs(content, signal);
  try {
    await sendUntilComplete(run, plan, inventory, (lacking) =>
      streamImages(run, { node, missing: lacking }, session, onBytes),
    );
  } finally {
    await held.release();
  }
  return reportOf(plan, "import", sent);
}

/**
 * Streams the images without the configs and layers that the node has. Returns the node's message
 * when content that the node had is gone.
 */
async function streamImages(
  { signal }: Run,
  { node, missing }: Pick<SurveyedNode, "node" | "missing">,
  { bundle: { inventory, blobs: places }, readSegments }: LoadSession,
  onBytes: (bytes: number) => void,
): Promise<string | undefined> {
  const present = await node.presentBlobs(signal);
  for (const platform of new Set(missing.map((one) => one.platform.platform))) {
    const group = missing.filter((one) => one.platform.platform === platform);
    const blobs = new Set([...manifestsOf(group), ...missingBlobs(group, present)]);
    // An import overwrites the record of every name in the archive, so the archive lists all
    // content of each name.
    const images = group.map(({ image, names }) => ({ ...image, names }));
    const archive = counted(readSegments(planPartialArchive(places, images, blobs)), onBytes);
    const options = { archive, bundle: bundleId(inventory) };
    const { missingContent } = await node.importImages(wantedNames(group), options, signal);
    if (missingContent !== undefined) return missingContent;
  }
  return undefined;
}

/** Content that was removed from a node while it was loaded is sent once more. */
const SEND_TRIES = 2;

/**
 * Sends the missing content, then queries the node: the exit code of a command does not prove that
 * every name is complete. Sends what is missing then. `send` returns why content is missing, if it
 * is known.
 */
async function sendUntilComplete(
  { signal }: Run,
  { node, missing }: SurveyedNode,
  inventory: Inventory,
  send: (missing: readonly MissingContent[]) => Promise<string | undefined>,
): Promise<void> {
  let lacking = missing;
  for (let tries = 1; ; tries++) {
    const why = await send(lacking);
    const complete = await node.completeImages(allNames(inventory), signal);
    const names = inventory.images.flatMap((image) => missingNames(image, complete));
    if (names.length === 0) return;
    lacking = surveyNode(inventory, node.platform, complete).missing;
    if (tries < SEND_TRIES && lacking.length > 0) continue;
    const failures = names.map(
      (name) =>
        new ViolaError(
          "NODE_LOAD_FAILED",
          `${node.name}: ${name} is not complete after loading${why === undefined ? "" : `: ${why}`}`,
          { subject: name, hint: "Load again. If that fails too, check the free disk space of the node." },
        ),
    );
    throw oneOrMany(`${node.name} is not complete`, failures);
  }
}

function reportOf(
  { node, missing, presentNames }: SurveyedNode,
  route: LoadRoute,
  sentBytes: number,
): NodeReport {
  return {
    node: node.name,
    platform: formatPlatform(node.platform),
    route,
    presentNames,
    loadedNames: wantedNames(missing)
      .map(({ name }) => name)
      .sort(),
    sentBytes,
  };
}
