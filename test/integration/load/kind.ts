// Loads bundles into the nodes of a test cluster, with the adapters of cli/wiring/loading.ts.
import { availableParallelism, homedir } from "node:os";
import { openBundle } from "../../../src/adapters/bundle-file/open-bundle.js";
import { unpackBlob } from "../../../src/adapters/blobs/unpack-blob.js";
import { readSegments } from "../../../src/adapters/files/read-segments.js";
import { serveBundle } from "../../../src/adapters/bundle-registry/server.js";
import { findDockerEndpoint } from "../../../src/adapters/docker/endpoint.js";
import { DockerEngine } from "../../../src/adapters/docker/engine.js";
import { findKindNodes } from "../../../src/adapters/nodes/kind.js";
import type { NodeTarget } from "../../../src/core/load/node.js";
import type { PlacedBlob } from "../../../src/core/bundle/blob-places.js";
import { digestOf } from "../../../src/core/oci/digest.js";
import type { BundleReader, OpenBundle } from "../../../src/workflows/ports.js";
import type { LoadPorts } from "../../../src/workflows/load/nodes.js";

/** Creates a client of the engine of the tests. */
export async function dockerEngine(): Promise<DockerEngine> {
  return new DockerEngine(
    await findDockerEndpoint({ variables: process.env, homeDirectory: homedir(), os: process.platform }),
  );
}

/** Checks blobs in this thread, because worker threads cannot run TypeScript sources. */
export const reader: BundleReader = {
  openBundle,
  findDamagedBlobs: async (bundle: OpenBundle) => {
    const damaged: PlacedBlob[] = [];
    for (const blob of bundle.blobs.values())
      if (digestOf(await bundle.readPlace(blob)) !== blob.digest) damaged.push(blob);
    return damaged;
  },
  findWrongLayers: async (layers) => {
    const outcomes = await Promise.all(
      layers.map(({ file, diffId, size, offset }) =>
        unpackBlob({ kind: "unpack", file, from: offset, size, digest: diffId }, () => undefined),
      ),
    );
    return layers.flatMap((layer, at) => {
      const outcome = outcomes[at];
      if (outcome?.kind === "wrong") return [{ layer, actual: outcome.actual }];
      return outcome?.kind === "done" ? [] : [{ layer }];
    });
  },
};

/** Creates the real adapters. */
export function loadPorts(): LoadPorts {
  return { reader, serveBundle, readSegments, cores: availableParallelism() };
}

/** The nodes of a Kind-like cluster. */
export function kindTarget(cluster: string): NodeTarget {
  return {
    name: `kind:${cluster}`,
    findNodes: async (signal) => findKindNodes(await dockerEngine(), cluster, signal),
  };
}
