// Loads a bundle into the nodes of a cluster: verified, compared with what each node has, served, fetched by the nodes, asked again.
import pLimit from "p-limit";
import type { Inventory } from "../../core/bundle/inventory.js";
import {
  describeMissingPlatform,
  missingBlobs,
  missingNames,
  manifestsOf,
  surveyNode,
  wantedNames,
} from "../../core/load/missing-content.js";
import type { ContentStore, NodeIdentity, NodeTarget } from "../../core/load/node.js";
import { bundleId, namesToShare } from "../../core/load/unload-plan.js";
import type { ServeBundle, ServedBundle } from "../../core/bundle/bundle-server.js";
import { planPartialArchive, type ReadSegments } from "../../core/bundle/partial-archive.js";
import { formatPlatform } from "../../core/oci/platform.js";
import { oneOrMany, settleAll, ViolaError } from "../../errors.js";
import type { BundleReader, OpenBundle } from "../ports.js";
import type { Run } from "../progress.js";
import {
  planFetches,
  planNode,
  refuseFullDisks,
  type LoadNode,
  type NodePlan,
  type SurveyedNode,
} from "./node-plan.js";
import { LoadProgress } from "./progress.js";
import { allNames } from "../../core/bundle/names.js";
import { endpointOf } from "../../core/load/addresses.js";
import { counted } from "../../core/load/counted.js";
import { verifyWhileAsking } from "../verify/require-intact.js";

/** What loading needs from outside. */
export interface LoadPorts {
  readonly reader: Pick<BundleReader, "findDamagedBlobs">;
  readonly serveBundle: ServeBundle;
  readonly readSegments: ReadSegments;
  /** Processors of the machine that all nodes run on. */
  readonly cores: number;
}

export interface LoadOptions {
  readonly target: NodeTarget<LoadNode>;
  /** True to unpack images at once, so that the first start of a Pod is quick. */
  readonly unpack?: boolean;
}

/**
 * How content came to a node: not at all as all was there, fetched by the node, imported from a stream, or put where the node takes it from
 * when it starts.
 */
export type LoadRoute = "none" | "fetch" | "import" | "folder";

export interface NodeReport {
  readonly node: string;
  readonly platform: string;
  readonly route: LoadRoute;
  /** Names that were complete before. */
  readonly presentNames: number;
  /** Names that were loaded now, sorted. */
  readonly loadedNames: readonly string[];
  /** Bytes of manifests, configs and layers sent to the node. */
  readonly sentBytes: number;
  /** Names with a digest that an engine's store cannot resolve though it has their content. */
  readonly unresolved?: readonly string[];
}

/** Every name of the bundle resolves on each of these nodes with the bundle's digest, and its content is complete there; by the route `folder` when it has started. */
export interface LoadReport {
  readonly bundle: string;
  readonly names: number;
  readonly nodes: readonly NodeReport[];
}

/**
 * Loads every image of the bundle into every node of the target; nodes that have all are left alone. Nothing reaches a node before the
 * whole bundle has been verified and is known to have content for the platform of every node.
 * Throws what verifying or finding nodes throws, `IMAGE_PLATFORM_MISSING` for each node without content, and `NODE_LOAD_FAILED` for each
 * node (or image on it) that failed, when all others have finished. No server runs when it returns or throws.
 */
export async function loadBundle(
  run: Run,
  bundle: OpenBundle,
  options: LoadOptions,
  ports: LoadPorts,
): Promise<LoadReport> {
  const { inventory } = bundle;
  run.progress({ kind: "started", step: "survey", title: "Asking the nodes what they have" });
  // A target that is not there is reported before anything is hashed.
  const nodesOfTarget = await options.target.findNodes(run.signal);
  const surveyed = await verifyWhileAsking(
    run,
    bundle,
    () => surveyNodes(run, inventory, nodesOfTarget),
    ports,
  );
  const busy = await settleAll(
    "nodes could not be asked",
    surveyed
      .filter(({ missing }) => missing.length > 0)
      .map((one) => planNode(inventory, one, options, run.signal)),
  );
  refuseFullDisks(busy);
  const complete = surveyed.filter(({ missing }) => missing.length === 0);
  const [loaded] = await settleAll("the bundle was not loaded", [
    busy.length === 0 ? Promise.resolve([]) : serveAndLoad(run, { bundle, plans: busy }, options, ports),
    settleAll(
      "nodes could not be finished",
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
    "nodes could not be asked",
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
  if (unfit.length > 0) throw oneOrMany("the bundle does not fit the nodes", unfit);
  const complete = surveys.filter(({ survey }) => survey.missing.length === 0).length;
  progress({
    kind: "ended",
    step: "survey",
    summary: `${nodes.length} nodes, ${complete} of them complete already`,
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
      "nodes could not be loaded",
      plans.map((plan) =>
        limit(async () => {
          const report = await loadNode(run, plan, {
            bundle,
            served,
            concurrency: fetches.perNode,
            progress,
            readSegments,
          });
          await confirmNode(bundle.inventory, plan.node, run.signal);
          await finishNode(run, bundle.inventory, plan, options);
          finished.push(plan.node.name);
          return report;
        }),
      ),
    );
    progress.end(`${plans.length} nodes`);
    return loaded;
  } catch (error) {
    if (finished.length > 0)
      run.progress({ kind: "note", message: `complete all the same: ${finished.sort().join(", ")}` });
    throw error;
  } finally {
    await served.close();
  }
}

/**
 * Serves at the one address by which all nodes know this machine best, so that no other network sees it. Where that is no address of this
 * machine, as with an engine in a virtual machine, all addresses are served.
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

/** Labels the names that another bundle brought and this one needs too; unpacks on request. */
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
  progress({ kind: "ended", step, summary: `${digests.size} images unpacked` });
}

/** What the nodes of one load share. */
interface LoadSession {
  readonly bundle: OpenBundle;
  readonly served: ServedBundle;
  /** How many images a node fetches at once. */
  readonly concurrency: number;
  readonly progress: LoadProgress;
  readonly readSegments: ReadSegments;
}

/** Lets the node fetch what it lacks, or streams it into a node that does not reach this machine. */
async function loadNode(run: Run, plan: NodePlan, session: LoadSession): Promise<NodeReport> {
  const { signal } = run;
  const { node, missing, present } = plan;
  const { served, concurrency, progress, readSegments } = session;
  const { inventory, file } = session.bundle;
  const bundle = bundleId(inventory);
  const wanted = wantedNames(missing);
  const endpoints = node.hostAddresses.map((host) => endpointOf(host, served, node.name));
  const endpoint = await node.findReachable(endpoints, wanted[0]?.name ?? "", signal);
  if (endpoint !== undefined) {
    const before = served.sentBytes(node.name);
    await node.fetchImages(wanted, { endpoint, bundle, concurrency }, signal);
    return reportOf(plan, "fetch", served.sentBytes(node.name) - before);
  }

  run.progress({
    kind: "note",
    message: `${node.name} reaches this machine at none of ${node.hostAddresses.join(", ")}: its images are streamed into it instead, which is slower`,
  });
  let sent = 0;
  for (const platform of new Set(missing.map((one) => one.platform.platform))) {
    const group = missing.filter((one) => one.platform.platform === platform);
    const blobs = new Set([...manifestsOf(group), ...missingBlobs(group, present)]);
    // Everything that a name needs is named again in the archive: an import sets the record of every name it brings.
    const images = group.map(({ image, names }) => ({ ...image, names }));
    const archive = counted(readSegments(file, planPartialArchive(inventory, images, blobs)), (bytes) => {
      sent += bytes;
      progress.add(node.name, bytes);
    });
    await node.importImages(wantedNames(group), { archive, bundle }, signal);
  }
  return reportOf(plan, "import", sent);
}

/** Asks the node again: it is loaded when every name is complete there, not when a command has ended well. */
async function confirmNode(
  inventory: Inventory,
  node: Pick<NodeIdentity & ContentStore, "name" | "completeImages">,
  signal: AbortSignal,
): Promise<void> {
  const complete = await node.completeImages(allNames(inventory), signal);
  const failures = inventory.images
    .flatMap((image) => missingNames(image, complete))
    .map(
      (name) =>
        new ViolaError("NODE_LOAD_FAILED", `${node.name}: ${name} is not complete after loading`, {
          subject: name,
          hint: "Load again; when that does not help, look at the free disk space of the node.",
        }),
    );
  if (failures.length > 0) throw oneOrMany(`${node.name} is not complete`, failures);
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
