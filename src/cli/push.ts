// `load --to registry://…`: pushes the bundle and writes settings that make nodes pull from the
// registry.
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
  /** Path prefix of every repository, without leading or trailing slash; may be empty. */
  readonly prefix: string;
}

/** The result: `isComplete` is false if a name cannot be pulled from the registry. */
export interface PushResult {
  readonly text: string;
  readonly document: object;
  readonly isComplete: boolean;
}

const REGISTRY_TARGET = /^registry:\/\/([^/@?#]+)((?:\/[^/?#]+)*)\/?$/;
const PATH_PART = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;

/** Parses `registry://HOST[:PORT][/PREFIX]`. Throws `USAGE`. */
export function parseRegistryTarget(text: string): RegistryTarget {
  const [, host, path = ""] = REGISTRY_TARGET.exec(text) ?? [];
  const parts = path.split("/").filter((part) => part !== "");
  if (
    host === undefined ||
    !URL.canParse(`https://${host}`) ||
    !parts.every((part) => PATH_PART.test(part))
  ) {
    throw new ViolaError("USAGE", `"${text}" is not a registry target`, {
      subject: text,
      hint: "Use registry://HOST[:PORT][/PREFIX]. A prefix must be lower case. Credentials are those of docker login or podman login.",
    });
  }
  return { host, prefix: parts.join("/") };
}

/** Options of `load` for registry targets. */
export interface PushFlags {
  /** Folder to write the settings for nodes to. */
  readonly settings?: string;
  readonly dockerMirror?: boolean;
}

/**
 * Connects to the registry with the credentials of docker or podman, and checks that it grants
 * access. `file` is the bundle that blobs are read from.
 */
export async function connectRegistry(
  { host }: RegistryTarget,
  file: string,
  runtime: CommandRuntime,
): Promise<PushRegistry> {
  const registry = await runtime.registry();
  return registry.push(host, file, runtime.signal);
}

/** Pushes the bundle, and writes settings for nodes if requested. Throws the errors of pushing. */
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

/** Checks whether pulling requires a login, by requesting an image without credentials. */
async function wantsLogin(
  host: string,
  { images: [image] }: PushReport,
  settings: Settings,
  runtime: CommandRuntime,
): Promise<boolean> {
  if (image === undefined) return false;
  const { RegistryClient } = await import("../adapters/registry/client.js");
  const client = new RegistryClient({
    settings: { ...settings, mirrors: new Map() },
    env: runtime.env,
    home: homedir(),
    isAnonymous: true,
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

/**
 * Writes the files to the folder, creating it if needed and replacing existing files. Throws
 * `FILE_UNUSABLE`.
 */
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
      `${folder}: the settings for the nodes could not be written (${code})`,
      {
        subject: folder,
        cause,
      },
    );
  }
}

/** Returns the files as they appear in the JSON output of a command. */
export function settingsDocument(files: readonly SmallFile[]): readonly { path: string; text: string }[] {
  return files.map(({ path, bytes }) => ({ path, text: Buffer.from(bytes).toString("utf8") }));
}
