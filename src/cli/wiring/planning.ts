// Creates the adapters of planning and building: Helm, registries, Docker and the bundle writer.
import { join, resolve } from "node:path";
import { homeFolder } from "../../adapters/files/user-folders.js";
import { writeBundle } from "../../adapters/bundle-file/write-bundle.js";
import { BlobCache } from "../../adapters/blobs/blob-cache.js";
import { BlobWorkers } from "../../adapters/blobs/blob-workers.js";
import { localFiles } from "../../adapters/files/local-files.js";
import { loadOperatorIndex } from "../../adapters/files/read-operators.js";
import { AutoSource } from "../../adapters/docker/auto-source.js";
import type { FindHelmOptions, Helm } from "../../adapters/helm/find-helm.js";
import type { HelmChartTool } from "../../adapters/helm/helm-chart-tool.js";
import type { DockerSource } from "../../adapters/docker/docker-source.js";
import { certificateFiles } from "../../adapters/http/certificate-files.js";
import type { RegistryClient } from "../../adapters/registry/client.js";
import { RegistrySource } from "../../adapters/registry/registry-source.js";
import { RegistryTags } from "../../adapters/registry/tag-registry.js";
import type { ChartText } from "../../core/charts/chart.js";
import type { ChartTool } from "../../core/charts/chart-tool.js";
import type { Platform } from "../../core/oci/descriptor.js";
import { formatPlatform, parsePlatform } from "../../core/oci/platform.js";
import type { BundleSpec } from "../../core/spec/bundle-spec.js";
import type { OutdatedPorts } from "../../workflows/audit/outdated.js";
import type { AuditBundlePorts } from "../../workflows/audit/audit-bundle.js";
import type { BundleWriter, ChartPorts, ImageSource, PlanPorts } from "../../workflows/ports.js";
import type { InspectPorts } from "../../workflows/find/inspect-operators.js";
import type { PlanOptions } from "../../workflows/build/plan.js";
import type { SpecFile } from "../input-file.js";
import { readVersion, type CommandRuntime, type SourceChoice } from "../runtime.js";
import { LOADER_PATH } from "../../core/bundle/paths.js";
import { parseRecord, type RehearsalRecord } from "../../core/rehearsal/record.js";

/** How many Helm processes run at once. Each uses one core. */
const HELM_CONCURRENCY = 2;

/**
 * Creates the adapters of finding images. Helm is looked up when the first chart is packaged, so a
 * spec without charts does not need it.
 */
export async function makeChartPorts(runtime: CommandRuntime): Promise<ChartPorts> {
  return {
    charts: chartTool(runtime),
    loadOperators: once(() => loadOperatorIndex(join(runtime.home, "manifests/operators"))),
    files: localFiles,
    temporaryFolder: await runtime.temporaryFolder(),
    chartConcurrency: HELM_CONCURRENCY,
  };
}

/**
 * Returns files of a packaged chart; see `AuditBundlePorts`. The reader of archives loads slowly, so
 * it is imported on first use.
 */
export async function readChartTexts(
  ...input: Parameters<AuditBundlePorts["readChartTexts"]>
): Promise<readonly ChartText[]> {
  const { readChartTexts: read } = await import("../../adapters/helm/chart-archive.js");
  return read(...input);
}

/** Creates the adapters of planning. */
export async function makePlanPorts(source: SourceChoice, runtime: CommandRuntime): Promise<PlanPorts> {
  const { concurrency } = await runtime.settings();
  return {
    ...(await makeChartPorts(runtime)),
    images: await imageSource(source, runtime),
    artifacts: {
      findArtifacts: async (image, signal) => {
        const { RegistryArtifacts } = await import("../../adapters/registry/registry-artifacts.js");
        return new RegistryArtifacts(await runtime.registry()).findArtifacts(image, signal);
      },
    },
    imageConcurrency: concurrency,
  };
}

/** Creates the adapters of looking for newer versions. */
export async function makeOutdatedPorts(runtime: CommandRuntime): Promise<OutdatedPorts> {
  const { concurrency } = await runtime.settings();
  const tool = once(() => findChartTool(runtime));
  return {
    tags: new RegistryTags(await runtime.registry()),
    charts: { listCharts: async (...input) => (await tool()).listCharts(...input) },
    concurrency,
  };
}

/** Creates the adapters of inspecting operators' images. */
export async function makeInspectPorts(source: SourceChoice, runtime: CommandRuntime): Promise<InspectPorts> {
  const { concurrency } = await runtime.settings();
  // The readers of archive formats load slowly, so they are imported only for inspecting.
  const [{ OperatorImages }, { ProgramMemoryFolder }] = await Promise.all([
    import("../../adapters/operator-image/operator-images.js"),
    import("../../adapters/operator-image/program-memory.js"),
  ]);
  const cache = await blobCache(runtime);
  runtime.onDispose(() => cache.trim());
  return {
    images: await imageSource(source, runtime),
    programs: new OperatorImages({
      registry: await runtime.registry(),
      cache,
      temporaryFolder: await runtime.temporaryFolder(),
    }),
    memory: new ProgramMemoryFolder(join(await programFolder(runtime), "inspected")),
    imageConcurrency: concurrency,
  };
}

/** Returns the cache of blobs, which has those of operators' images, and all others on request. */
export async function blobCache(runtime: CommandRuntime): Promise<BlobCache> {
  const { limitBytes } = (await runtime.settings()).cache;
  return new BlobCache(join(await programFolder(runtime), "blobs"), { limitBytes });
}

/**
 * Returns the platforms to inspect an operator's image for, those of the spec first. The programs
 * of all platforms start the same images.
 */
export function platformsToInspect(spec: BundleSpec): readonly Platform[] {
  return unique([
    ...spec.platforms,
    ...[process.arch, "amd64", "arm64"].map((arch) => parsePlatform(`linux/${arch}`)),
  ]);
}

/** Starts the threads that move blobs, which end with the command. */
export function startWorkers({ http }: RegistryClient, runtime: CommandRuntime): BlobWorkers {
  const workers = new BlobWorkers({ http });
  runtime.onDispose(() => workers.close());
  return workers;
}

/** Creates the writer of bundle files. Its threads start while the caller plans. */
export async function makeWriter(runtime: CommandRuntime): Promise<BundleWriter> {
  const registry = await runtime.registry();
  const { concurrency } = await runtime.settings();
  const workers = startWorkers(registry, runtime);
  return {
    writeBundle: (run, plan, options) => writeBundle(run, plan, options, { registry, workers, concurrency }),
  };
}

/** Returns the options of a plan. Platforms of the command line override those of the spec. */
export async function planOptions(
  { spec, digest }: SpecFile,
  { platforms, home }: { readonly platforms: readonly string[]; readonly home: string },
): Promise<PlanOptions> {
  const wanted = platforms.length > 0 ? platforms.map(parsePlatform) : spec.platforms;
  return {
    specDigest: digest,
    platforms: unique(wanted.length > 0 ? wanted : [parsePlatform(`linux/${process.arch}`)]),
    tool: `viola-airgap ${await readVersion(home)}`,
    loader: {
      path: LOADER_PATH,
      bytes: await localFiles.readFile(join(home, "manifests/bundle/load.sh")),
    },
  };
}

/**
 * Returns the chart tool, which is loaded when there is a chart. Asking helm for its version takes as
 * long as rendering a small chart. Results show that helm works, so it is only asked after a failure,
 * and when it rendered nothing.
 */
function chartTool(runtime: CommandRuntime): ChartTool {
  const find = once(() => findChartTool(runtime));
  const check = once(() => findHelmProgram(runtime));
  const checkedAfter = async <T>(
    work: (tool: HelmChartTool) => Promise<T>,
    isProof: (result: T) => boolean = () => true,
  ): Promise<T> => {
    const [done] = await Promise.allSettled([find().then(work)]);
    if (done.status === "rejected" || !isProof(done.value)) await check();
    if (done.status === "rejected") throw done.reason;
    return done.value;
  };
  return {
    packageChart: (...input) => checkedAfter((tool) => tool.packageChart(...input)),
    readPackage: async (...input) => (await find()).readPackage(...input),
    spellOutSource: (...input) => checkedAfter((tool) => tool.spellOutSource(...input)),
    renderChart: (...input) =>
      checkedAfter(
        (tool) => tool.renderChart(...input),
        (text) => text.startsWith("---"),
      ),
  };
}

async function findChartTool(runtime: CommandRuntime): Promise<HelmChartTool> {
  const [{ locateHelm }, { HelmChartTool }, options] = await Promise.all([
    import("../../adapters/helm/find-helm.js"),
    import("../../adapters/helm/helm-chart-tool.js"),
    helmOptions(runtime),
  ]);
  const [{ http }, folder] = await Promise.all([runtime.registry(), runtime.temporaryFolder()]);
  const { settings } = http;
  return new HelmChartTool({
    helm: await locateHelm(options),
    environment: environmentOf(runtime),
    settings: {
      insecure: [...settings.insecure],
      certificatesFor: certificateFiles(settings, folder),
      ...(settings.stallTimeoutMs !== undefined && { stallTimeoutMs: settings.stallTimeoutMs }),
    },
    onActivity: runtime.onActivity,
  });
}

/** Finds Helm by the settings, on PATH or in the development tree. Throws `HELM_MISSING`. */
export async function findHelmProgram(runtime: CommandRuntime): Promise<Helm> {
  const { findHelm } = await import("../../adapters/helm/find-helm.js");
  return findHelm(await helmOptions(runtime), runtime.signal);
}

async function helmOptions(runtime: CommandRuntime): Promise<FindHelmOptions> {
  const { helm: setting } = await runtime.settings();
  return {
    setting,
    path: runtime.env["PATH"],
    cacheFolder: await programFolder(runtime),
    onActivity: runtime.onActivity,
  };
}

/** Returns the folder for programs that are extracted from packages. */
export async function programFolder(runtime: CommandRuntime): Promise<string> {
  const { cache } = await runtime.settings();
  return join(cache.folder ?? runtime.env["XDG_CACHE_HOME"] ?? join(homeFolder(), ".cache"), "viola-airgap");
}

/** Returns the environment of child processes, which is that of the user. */
export function environmentOf({ env }: CommandRuntime): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

async function imageSource(choice: SourceChoice, runtime: CommandRuntime): Promise<ImageSource> {
  const docker = async (): Promise<DockerSource> => {
    const { DockerSource } = await import("../../adapters/docker/docker-source.js");
    return new DockerSource(await runtime.docker(), await runtime.temporaryFolder());
  };
  if (choice === "docker") return docker();
  const registry = new RegistrySource(await runtime.registry());
  return choice === "registry" ? registry : new AutoSource(registry, once(docker));
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}

function unique(platforms: readonly Platform[]): readonly Platform[] {
  return [...new Map(platforms.map((platform) => [formatPlatform(platform), platform])).values()];
}

export const REHEARSAL_FLAG = [
  "--rehearsal <file>",
  "record of a rehearsal (rehearse --out), used as evidence for the images that it requested",
] as const;

/** A record, and the bytes that it was parsed from. */
export interface RehearsalFile {
  readonly record: RehearsalRecord;
  readonly bytes: Uint8Array;
}

/** Reads the record file of the flag. Throws `FILE_UNUSABLE` or `RECORD_INVALID`. */
export async function readRehearsal(
  flag: string | undefined,
  cwd: string,
): Promise<RehearsalFile | undefined> {
  if (flag === undefined) return undefined;
  const file = resolve(cwd, flag);
  const bytes = await localFiles.readFile(file);
  return { record: parseRecord(Buffer.from(bytes).toString("utf8"), file), bytes };
}
