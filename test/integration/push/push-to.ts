// Pushes a bundle with the adapters of cli/load.ts.
import pLimit from "p-limit";
import { RegistryClient } from "../../../src/adapters/registry/client.js";
import { defaultSettings, type Settings } from "../../../src/adapters/files/user-settings.js";
import type { OpenBundle } from "../../../src/workflows/ports.js";
import type { ProgressEvent } from "../../../src/workflows/progress.js";
import { pushBundle, type PushReport } from "../../../src/workflows/load/registry.js";
import { reader } from "../load/kind.js";

export interface PushSetup {
  readonly prefix?: string;
  readonly forDockerd?: boolean;
  readonly settings?: Partial<Settings>;
  readonly env?: Record<string, string>;
  readonly signal?: AbortSignal;
  readonly onProgress?: (event: ProgressEvent) => void;
}

export async function pushTo(host: string, bundle: OpenBundle, setup: PushSetup = {}): Promise<PushReport> {
  const {
    prefix = "",
    forDockerd = false,
    env = {},
    signal = new AbortController().signal,
    onProgress = () => undefined,
  } = setup;
  const settings = { ...defaultSettings(), ...setup.settings };
  const client = new RegistryClient({ settings, env, home: "/nowhere", firstDelayMs: 1 });
  try {
    const registry = await client.push(host, signal);
    const run = { signal, progress: onProgress };
    return await pushBundle(run, bundle, { prefix, forDockerd }, { reader, registry, limit: pLimit(4) });
  } finally {
    await client.close();
  }
}
