// What `load --to registry://…` does: pushes the bundle, and writes the settings that make nodes pull from there.
import { homedir } from "node:os";
import { resolve, dirname, join } from "node:path";
import pLimit from "p-limit";
import type { Settings } from "../adapters/files/user-settings.js";
import { mirrorSettings, type MirrorPlace } from "../core/load/mirror-settings.js";
import type { PushRegistry } from "../core/load/push-registry.js";
import { parseReference } from "../core/images/reference.js";
import { systemErrorCode, ViolaError } from "../errors.js";
import type { OpenBundle } from "../workflows/ports.js";
import { pushBundle, type PushReport } from "../workflows/load/registry.js";
import type { CommandRuntime } from "./runtime.js";
import { formatPush } from "./reporters/push.js";
import { mkdir, writeFile } from "node:fs/promises";
import type { SmallFile } from "../core/bundle/layout-files.js";

/** A registry to push to. */
export interface RegistryTarget {
  /** `HOST[:PORT]` */
  readonly host: string;
  /** Stands before every repository, without slashes around it; may be empty. */
  readonly prefix: string;
}

/** What came of it: `isComplete` is false when a name cannot be pulled from the registry. */
export interface PushResult {
  readonly text: string;
  readonly document: object;
  readonly isComplete: boolean;
}

const REGISTRY_TARGET = /^registry:\/\/([^/@?#]+)((?:\/[^/?#]+)*)\/?$/;
const PATH_PART = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;

/** Reads `registry://HOST[:PORT][/PREFIX]`. Throws `USAGE`. */
export function parseRegistryTarget(text: string): RegistryTarget {
  const [, host, path = ""] = REGISTRY_TARGET.exec(text) ?? [];
  const parts = path.split("/").filter((part) => part !== "");
  if (
    host === undefined ||
    !URL.canParse(`https://${host}`) ||
    !parts.every((part) => PATH_PART.test(part))
  ) {
    throw new ViolaError("USAGE", `"${text}" is no registry to push to`, {
      subject: text,
      hint: "Write registry://HOST[:PORT][/PREFIX]; a prefix is lower case, and credentials come from docker login or podman login.",
    });
  }
  return { host, prefix: parts.join("/") };
}

/** Options of `load` that concern registries. */
export interface PushFlags {
  /** Folder that settings for nodes are written to. */
  readonly settings?: string;
  readonly dockerMirror?: boolean;
}

/** Enters the registry with the credentials that docker or podman keep. `file` is the bundle that blobs come from. */
export async function connectRegistry(
  { host }: RegistryTarget,
  file: string,
  runtime: CommandRuntime,
): Promise<PushRegistry> {
  const [settings, { connectPushRegistry }] = await Promise.all([
    runtime.settings(),
    import("../adapters/registry/push-client.js"),
  ]);
  const registry = await connectPushRegistry(
    host,
    file,
    { settings, env: runtime.env, home: homedir() },
    runtime.signal,
  );
  runtime.onDispose(() => registry.close());
  return registry;
}

/** Pushes the bundle, and writes settings for nodes where that is asked for. Throws what pushing throws. */
export async function pushToRegistry(
  bundle: OpenBundle,
  target: RegistryTarget,
  flags: PushFlags,
  runtime: CommandRuntime,
): Promise<PushResult> {
  const [settings, registry] = await Promise.all([
    runtime.settings(),
    connectRegistry(target, bundle.file, runtime),
  ]);
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
  const folder = flags.settings === undefined ? undefined : resolve(runtime.cwd, flags.settings);
  if (folder !== undefined) await writeNodeSettings(folder, files);
  const needsLogin = await wantsLogin(target.host, report, settings, runtime);
  return {
    text: formatPush(report, { folder, needsLogin }),
    document: {
      ...report,
      needsLogin,
      settings: settingsDocument(files),
      ...(folder !== undefined && { settingsFolder: folder }),
    },
    isComplete: report.unresolved.length === 0,
  };
}

/** Finds out whether the registry wants a login from those who pull, too: asks for an image as somebody who has none. */
async function wantsLogin(
  host: string,
  { images: [image] }: PushReport,
  settings: Settings,
  runtime: CommandRuntime,
): Promise<boolean> {
  if (image === undefined) return false;
  const { RegistryClient } = await import("../adapters/registry/client.js");
  const env = Object.fromEntries(Object.entries(runtime.env).filter(([name]) => /_proxy$/i.test(name)));
  const home = await runtime.temporaryFolder();
  const client = new RegistryClient({ settings: { ...settings, mirrors: new Map() }, env, home });
  runtime.onDispose(() => client.close());
  const repository = { registry: host, repository: image.repository.slice(host.length + 1) };
  return client.fetchManifest(repository, image.digest, image.repository, runtime.signal).then(
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

/** Writes the files into the folder, which need not exist; what is there under these names is replaced. Throws `FILE_UNUSABLE`. */
export async function writeNodeSettings(folder: string, files: readonly SmallFile[]): Promise<void> {
  try {
    for (const { path, bytes } of files) {
      const file = join(folder, path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, bytes);
    }
  } catch (cause) {
    const code = systemErrorCode(cause);
    throw new ViolaError(
      "FILE_UNUSABLE",
      `${folder}: the settings for the nodes cannot be written (${code})`,
      {
        subject: folder,
        cause,
      },
    );
  }
}

/** The files as a command's JSON has them. */
export function settingsDocument(files: readonly SmallFile[]): readonly { path: string; text: string }[] {
  return files.map(({ path, bytes }) => ({ path, text: Buffer.from(bytes).toString("utf8") }));
}
