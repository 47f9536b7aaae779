// Creates the adapters of loading, and loads a bundle into one target.
import { availableParallelism } from "node:os";
import type { OpenBundle } from "../../workflows/ports.js";
import { loadStore } from "../../workflows/load/engine.js";
import { loadFolder } from "../../workflows/load/k3s-folder.js";
import { loadBundle, type LoadPorts, type LoadReport } from "../../workflows/load/nodes.js";
import type { CommandRuntime } from "../runtime.js";
import {
  findK3sFolder,
  findStore,
  findTargetNodes,
  isStore,
  type NodesTarget,
  type StoreKind,
} from "../target.js";

export interface LoadChoices {
  /** True to unpack images on nodes at once. */
  readonly unpack: boolean;
  /** False if images may be left in the image folder of a k3s that does not run. */
  readonly mustRun: boolean;
}

/** Loads the bundle into an engine's store, into the image folder of a stopped k3s, or into nodes. */
export async function loadInto(
  bundle: OpenBundle,
  target: NodesTarget | StoreKind,
  { unpack, mustRun }: LoadChoices,
  runtime: CommandRuntime,
): Promise<LoadReport> {
  const { run } = runtime;
  const ports = await makeLoadPorts(runtime);
  if (isStore(target)) return loadStore(run, bundle, await findStore(target, runtime), ports);
  if (target.kind === "k3s" && !mustRun) {
    const { folder, isRunning } = await findK3sFolder(runtime);
    if (!isRunning) return loadFolder(run, bundle, folder, ports);
  }
  return loadBundle(run, bundle, { target: await findTargetNodes(target, runtime), unpack }, ports);
}

async function makeLoadPorts(runtime: CommandRuntime): Promise<LoadPorts> {
  const [{ serveBundle }, { readSegments }] = await Promise.all([
    import("../../adapters/bundle-registry/server.js"),
    import("../../adapters/files/read-segments.js"),
  ]);
  return { reader: runtime.reader, serveBundle, readSegments, cores: availableParallelism() };
}
