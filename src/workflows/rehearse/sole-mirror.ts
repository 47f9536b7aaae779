// Makes a bundle the only registry that nodes know, for as long as some work goes on.
import type { Inventory } from "../../core/bundle/inventory.js";
import type { ClusterNode, NodeMirror } from "../../core/load/node.js";
import type {
  UpstreamRegistry,
  ServeBundle,
  ServedBundle,
  ServeOptions,
} from "../../core/bundle/bundle-server.js";
import { settleAll, ViolaError } from "../../errors.js";
import type { OpenBundle } from "../ports.js";
import type { OnProgress } from "../progress.js";
import { endpointOf } from "../../core/load/addresses.js";

export interface MirrorPorts {
  readonly serveBundle: ServeBundle;
  /** Registries that give what the bundle lacks; absent where what is missing is to be refused. */
  readonly upstream?: UpstreamRegistry;
  readonly signal: AbortSignal;
}

type OnManifest = NonNullable<ServeOptions["onManifest"]>;

/**
 * Serves the bundle as the only mirror of all nodes while `work` goes on; what is asked for meanwhile is told. Throws `NODE_LOAD_FAILED` for a
 * node that cannot be given a mirror. Nodes are as they were when it returns or throws.
 */
export async function withSoleMirror<T>(
  bundle: OpenBundle,
  nodes: readonly ClusterNode[],
  { serveBundle, upstream, signal }: MirrorPorts,
  onManifest: OnManifest,
  work: () => Promise<T>,
  onProgress: OnProgress,
): Promise<T> {
  onProgress({ kind: "started", step: "mirrors", title: "Making the bundle the nodes' only registry" });
  const requests = listenFor(onManifest);
  const served = await serveBundle(bundle, () => undefined, {
    onManifest: requests.onManifest,
    ...(upstream !== undefined && { upstream }),
  });
  const mirrors: NodeMirror[] = [];
  try {
    await settleAll(
      "nodes could not be given a mirror",
      nodes.map(async (node) => {
        mirrors.push(
          await node.mirrorAll(await findEndpoint(node, served, bundle.inventory, signal), signal),
        );
      }),
    );
    onProgress({ kind: "ended", step: "mirrors", summary: `${nodes.length} nodes` });
    requests.begin();
    return await work();
  } finally {
    await Promise.all(mirrors.map((mirror) => mirror.lift()));
    await served.close();
  }
}

/** What is asked for while addresses are tried counts for nothing. */
function listenFor(onManifest: OnManifest): {
  readonly onManifest: OnManifest;
  readonly begin: () => void;
} {
  let hasBegun = false;
  return {
    onManifest: (request) => {
      if (hasBegun) onManifest(request);
    },
    begin: () => {
      hasBegun = true;
    },
  };
}

async function findEndpoint(
  node: ClusterNode,
  served: ServedBundle,
  { images }: Inventory,
  signal: AbortSignal,
): Promise<string> {
  const endpoints = node.hostAddresses.map((host) => endpointOf(host, served, node.name));
  const endpoint = await node.findReachable(endpoints, images[0]?.names[0] ?? "", signal);
  if (endpoint !== undefined) return endpoint;
  throw new ViolaError(
    "NODE_LOAD_FAILED",
    `${node.name} reaches this machine at none of ${node.hostAddresses.join(", ")}`,
    { subject: node.name, hint: "See that no firewall is between the nodes' network and this machine." },
  );
}
