// Makes a bundle the only registry that nodes pull from while some work runs.
import { countOf } from "../../core/count-of.js";
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
  /**
   * Registries that provide images missing from the bundle. If absent, such requests are refused.
   */
  readonly upstream?: UpstreamRegistry;
}

/** A node that a registry mirror can be configured on. */
export type MirrorNode = Pick<NodeIdentity, "name"> & NodeNetwork & MirrorControl;

type OnManifest = NonNullable<ServeOptions["onManifest"]>;

export interface MirrorInput {
  readonly bundle: OpenBundle;
  readonly nodes: readonly MirrorNode[];
  /** Called for every manifest that is requested while the work runs. */
  readonly onManifest: OnManifest;
}

/**
 * Serves the bundle as the only mirror of all nodes while `work` runs. Throws `NODE_LOAD_FAILED` if
 * the mirror cannot be configured on a node. Restores the settings of the nodes before it returns
 * or throws.
 */
export async function withSoleMirror<T>(
  { signal, progress }: Run,
  { bundle, nodes, onManifest }: MirrorInput,
  work: () => Promise<T>,
  { serveBundle, upstream }: MirrorPorts,
): Promise<T> {
  progress({
    kind: "started",
    step: "mirrors",
    title: "Configuring the bundle as the only registry of the nodes",
  });
  const requests = listenFor(onManifest);
  const served = await serveBundle(bundle, {
    onManifest: requests.onManifest,
    ...(upstream !== undefined && { upstream }),
  });
  const mirrors: NodeMirror[] = [];
  try {
    await settleAll(
      "the mirror could not be configured on some nodes",
      nodes.map(async (node) => {
        mirrors.push(
          await node.mirrorAll(await findEndpoint(node, served, bundle.inventory, signal), signal),
        );
      }),
    );
    progress({ kind: "ended", step: "mirrors", summary: countOf(nodes.length, "node") });
    requests.begin();
    return await work();
  } finally {
    await Promise.all(mirrors.map((mirror) => mirror.lift()));
    await served.close();
  }
}

/** Ignores the requests of `findEndpoint`, which are made before the work begins. */
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
    `${node.name} cannot reach this machine at any of ${node.hostAddresses.join(", ")}`,
    {
      subject: node.name,
      hint: "Check that no firewall blocks connections from the nodes' network to this machine.",
    },
  );
}
