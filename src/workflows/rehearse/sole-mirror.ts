// Makes a bundle the only registry that nodes know, for as long as some work goes on.
import type { Inventory } from "../../core/bundle/inventory.js";
import type { MirrorControl, NodeIdentity, NodeMirror, NodeNetwork } from "../../core/load/node.js";
import type {
  UpstreamRegistry,
  ServeBundle,
  ServedBundle,
  ServeOptions,
} from "../../core/bundle/bundle-server.js";
import { settleAll, ViolaError } from "../../errors.js";
import type { OpenBundle } from "../ports.js";
import type { Run } from "../progress.js";
import { endpointOf } from "../../core/load/addresses.js";

export interface MirrorPorts {
  readonly serveBundle: ServeBundle;
  /** Registries that give what the bundle lacks; absent where what is missing is to be refused. */
  readonly upstream?: UpstreamRegistry;
}

/** A node that can be given a mirror. */
export type MirrorNode = Pick<NodeIdentity, "name"> & NodeNetwork & MirrorControl;

type OnManifest = NonNullable<ServeOptions["onManifest"]>;

export interface MirrorInput {
  readonly bundle: OpenBundle;
  readonly nodes: readonly MirrorNode[];
  /** Is called for every manifest that is requested while the work goes on. */
  readonly onManifest: OnManifest;
}

/**
 * Serves the bundle as the only mirror of all nodes while `work` goes on. Throws `NODE_LOAD_FAILED` for a
 * node that cannot be given a mirror. The nodes' settings are restored before it returns or throws.
 */
export async function withSoleMirror<T>(
  { signal, progress }: Run,
  { bundle, nodes, onManifest }: MirrorInput,
  work: () => Promise<T>,
  { serveBundle, upstream }: MirrorPorts,
): Promise<T> {
  progress({ kind: "started", step: "mirrors", title: "Making the bundle the nodes' only registry" });
  const requests = listenFor(onManifest);
  const served = await serveBundle(bundle, {
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
    progress({ kind: "ended", step: "mirrors", summary: `${nodes.length} nodes` });
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
  node: MirrorNode,
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
