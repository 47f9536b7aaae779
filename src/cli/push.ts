// What `load --to registry://…` does: pushes the bundle, and writes the settings that make nodes pull from there.
import { homedir } from "node:os";
import { resolve } from "node:path";
import pLimit from "p-limit";
import type { Settings } from "../adapters/settings.js";
import { mirrorSettings, type MirrorPlace } from "../core/cluster/mirror-settings.js";
import type { PushRegistry } from "../core/cluster/push-registry.js";
import { parseReference } from "../core/images/reference.js";
import { ViolaError } from "../errors.js";
import type { OpenBundle } from "../workflows/context.js";
import { pushBundle, type PushReport } from "../workflows/push.js";
import type { CommandContext } from "./context.js";
import { settingsDocument, writeNodeSettings } from "./node-settings.js";
import { formatBytes } from "./units.js";

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
export async function enterRegistry(
  { host }: RegistryTarget,
  file: string,
  context: CommandContext,
): Promise<PushRegistry> {
  const [settings, { connectPushRegistry }] = await Promise.all([
    context.settings(),
    import("../adapters/registry/push-client.js"),
  ]);
  const registry = await connectPushRegistry(
    host,
    file,
    { settings, env: context.env, home: homedir() },
    context.signal,
  );
  context.onDispose(() => registry.close());
  return registry;
}

/** Pushes the bundle, and writes settings for nodes where that is asked for. Throws what pushing throws. */
export async function pushToRegistry(
  bundle: OpenBundle,
  target: RegistryTarget,
  flags: PushFlags,
  context: CommandContext,
): Promise<PushResult> {
  const [settings, registry] = await Promise.all([
    context.settings(),
    enterRegistry(target, bundle.file, context),
  ]);
  const forDockerd = flags.dockerMirror === true;
  const limit = pLimit(settings.concurrency);
  const { reader, signal } = context;
  const report = await pushBundle(
    bundle,
    { prefix: target.prefix, forDockerd },
    { reader, registry, limit, signal },
    context.progress.onProgress,
  );
  const registries = [
    ...new Set(
      bundle.inventory.images.flatMap(({ names }) => names.map((name) => parseReference(name).registry)),
    ),
  ];
  const files = mirrorSettings(registries.sort(), placeOf(registry.origin, target, forDockerd, settings));
  const folder = flags.settings === undefined ? undefined : resolve(context.cwd, flags.settings);
  if (folder !== undefined) await writeNodeSettings(folder, files);
  const needsLogin = await wantsLogin(target.host, report, settings, context);
  return {
    text: formatPush(report, folder, needsLogin),
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
  context: CommandContext,
): Promise<boolean> {
  if (image === undefined) return false;
  const { RegistryClient } = await import("../adapters/registry/client.js");
  const env = Object.fromEntries(Object.entries(context.env).filter(([name]) => /_proxy$/i.test(name)));
  const home = await context.temporaryFolder();
  const client = new RegistryClient({ settings: { ...settings, mirrors: new Map() }, env, home });
  context.onDispose(() => client.close());
  const repository = { registry: host, repository: image.repository.slice(host.length + 1) };
  return client.fetchManifest(repository, image.digest, image.repository, context.signal).then(
    () => false,
    (cause: unknown) => cause instanceof ViolaError && cause.code === "REGISTRY_AUTH",
  );
}

function placeOf(
  origin: string,
  { host, prefix }: RegistryTarget,
  answersDockerd: boolean,
  settings: Settings,
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

function formatPush(report: PushReport, folder: string | undefined, needsLogin: boolean): string {
  const lines = [
    `${report.bundle} is in ${report.registry}: ${report.images.length} images, ${report.names} names`,
    `  ${formatBytes(report.sentBytes)} sent; blobs: ${report.uploadedBlobs} sent, ${report.mountedBlobs} mounted from another repository, ${report.presentBlobs} there before`,
    ...report.images.slice(0, 1).map(({ repository, tags: [tag], digest }) => {
      return `  for example ${repository}${tag === undefined ? `@${digest}` : `:${tag}`}`;
    }),
  ];
  if (report.unresolved.length > 0) {
    lines.push("names that cannot be pulled from there:");
    for (const { name, reason } of report.unresolved) lines.push(`  ✗ ${name}: ${reason}`);
    lines.push(
      "  what to do: let the registry take such an index (docker-registry 3: validation.manifests.indexes.platforms: none), build the bundle",
      "  with every platform that the images have, pin tags instead of digests, or load the nodes directly.",
    );
  }
  if (needsLogin) {
    lines.push(
      "it wants a login for pulling, too: give the nodes one (imagePullSecrets, or auth in registries.yaml of k3s)",
    );
  }
  lines.push(
    folder === undefined
      ? "--settings FOLDER writes the settings with which nodes pull from there: containerd, k3s, podman, docker"
      : `settings with which nodes pull from there are in ${folder}; README.txt says where each goes`,
  );
  return lines.join("\n");
}
