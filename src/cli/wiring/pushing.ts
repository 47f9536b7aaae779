// `load --to registry://…`: pushes the bundle and writes settings that make nodes pull from the
// registry.
import pLimit from "p-limit";
import { homeFolder } from "../../adapters/files/user-folders.js";
import { writeFolder } from "../../adapters/files/local-files.js";
import type { Settings } from "../../adapters/files/user-settings.js";
import { mirrorSettings, type MirrorPlace } from "../../core/load/mirror-settings.js";
import type { PushRegistry } from "../../core/load/push-registry.js";
import { parseReference } from "../../core/images/reference.js";
import { ViolaError } from "../../errors.js";
import type { OpenBundle } from "../../workflows/ports.js";
import { pushBundle, type PushReport } from "../../workflows/load/registry.js";
import { checkSettingsFolder } from "../output.js";
import type { CommandRuntime } from "../runtime.js";
import type { PushOutcome } from "../reporters/push.js";
import type { RegistryTarget } from "../target.js";

/** Options of `load` for registry targets. */
export interface PushFlags {
  /** Folder to write the settings for nodes to. */
  readonly settings?: string;
  readonly dockerMirror?: boolean;
}

/**
 * Connects to the registry with the credentials of docker or podman, and checks that it grants
 * access.
 */
export async function connectRegistry(
  { host }: RegistryTarget,
  runtime: CommandRuntime,
): Promise<PushRegistry> {
  const registry = await runtime.registry();
  return registry.push(host, runtime.signal);
}

/** Pushes the bundle, and writes settings for nodes if requested. Throws the errors of pushing. */
export async function pushToRegistry(
  bundle: OpenBundle,
  target: RegistryTarget,
  flags: PushFlags,
  runtime: CommandRuntime,
): Promise<PushOutcome> {
  const [settings, registry] = await Promise.all([runtime.settings(), connectRegistry(target, runtime)]);
  const forDockerd = flags.dockerMirror === true;
  const limit = pLimit(settings.concurrency);
  const { run, reader } = runtime;
  const layout = { prefix: target.prefix, forDockerd };
  const report = await pushBundle(run, bundle, layout, { reader, registry, limit });
  const registries = [
    ...new Set(
      bundle.inventory.images.flatMap(({ names }) => names.map((name) => parseReference(name).registry)),
    ),
  ];
  const files = mirrorSettings(
    registries.sort(),
    placeOf(registry.origin, target, { answersDockerd: forDockerd, settings }),
  );
  const folder = await checkSettingsFolder(flags.settings, runtime);
  if (folder !== undefined) await writeFolder(folder, files);
  const needsLogin = await wantsLogin(target.host, report, settings, runtime);
  return { report, needsLogin, settings: files, folder };
}

/** Checks whether pulling requires a login, by requesting an image without credentials. */
async function wantsLogin(
  host: string,
  { images: [image] }: PushReport,
  settings: Settings,
  runtime: CommandRuntime,
): Promise<boolean> {
  if (image === undefined) return false;
  const { RegistryClient } = await import("../../adapters/registry/client.js");
  const client = new RegistryClient({
    settings: { ...settings, mirrors: new Map() },
    env: runtime.env,
    home: homeFolder(),
    isAnonymous: true,
    onActivity: runtime.onActivity,
  });
  runtime.onDispose(() => client.close());
  const repository = { registry: host, repository: image.repository.slice(host.length + 1) };
  return client.pull.fetchManifest(repository, image.digest, image.repository, runtime.signal).then(
    () => false,
    (cause: unknown) => cause instanceof ViolaError && cause.code === "REGISTRY_AUTH",
  );
}

function placeOf(
  origin: string,
  { host, prefix }: RegistryTarget,
  { answersDockerd, settings }: { readonly answersDockerd: boolean; readonly settings: Settings },
): MirrorPlace {
  const isTls = origin.startsWith("https:");
  const skipVerify = isTls && settings.insecure.has(host);
  const ca = settings.ca.map(({ pem }) => (pem.endsWith("\n") ? pem : `${pem}\n`)).join("");
  return {
    origin,
    prefix,
    skipVerify,
    answersDockerd,
    ...(isTls && !skipVerify && ca !== "" && { ca }),
  };
}
