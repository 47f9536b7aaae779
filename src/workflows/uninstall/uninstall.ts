// Uninstalls the releases of a bundle, the last one first, and lists what stays in the cluster.
import type { InventoryRelease } from "../../core/bundle/inventory.js";
import type { ClusterRemains, ReleaseRemover, RemovalOptions } from "../../core/install/cluster.js";
import { textOf, valueAt, type Json } from "../../core/json.js";
import { ViolaError } from "../../errors.js";
import { chooseReleases } from "../install/install.js";
import { readEntry } from "../install/extract-releases.js";
import type { Files, OpenBundle } from "../ports.js";
import type { Run } from "../progress.js";

/** The adapters that uninstalling works with. */
export interface UninstallPorts {
  readonly releases: ReleaseRemover;
  readonly cluster: ClusterRemains;
  readonly files: Pick<Files, "writeFile">;
  /** An existing folder that is removed when the command ends. */
  readonly temporaryFolder: string;
}

export interface UninstallOptions extends RemovalOptions {
  /** The only release to uninstall; undefined for all. */
  readonly release?: string | undefined;
}

export interface UninstalledRelease {
  readonly name: string;
  readonly namespace: string;
  /** `absent`: the cluster has no such release. */
  readonly outcome: "uninstalled" | "absent" | "failed" | "not-started";
  /** The error of Helm, if it failed. */
  readonly message?: string;
}

/** What stays after the releases are gone. */
export interface Remains {
  /** Objects that Helm kept because of their resource policy, as it names them. */
  readonly kept: readonly string[];
  /** Definitions from the charts' `crds/` folders, which Helm never deletes. */
  readonly definitions: readonly string[];
  /** Persistent volume claims in the namespaces, as `NAMESPACE/NAME`. */
  readonly claims: readonly string[];
  /** Persistent volumes that are bound to the namespaces. */
  readonly volumes: readonly string[];
  /** Namespaces of the releases, which Helm never deletes. */
  readonly namespaces: readonly string[];
}

export interface UninstallReport {
  readonly bundle: string;
  readonly context: string;
  readonly outcome: "uninstalled" | "failed";
  /** In the order of uninstalling. */
  readonly releases: readonly UninstalledRelease[];
  readonly remains: Remains;
}

/**
 * Uninstalls the releases with Helm and stops at the first that fails, because it may need those
 * that were installed before it. A release that does not exist is skipped, so the command can be
 * repeated. Throws `USAGE` for an unknown release, and the errors of asking the cluster.
 */
export async function uninstallBundle(
  run: Run,
  bundle: OpenBundle,
  options: UninstallOptions,
  ports: UninstallPorts,
): Promise<UninstallReport> {
  const { inventory } = bundle;
  const chosen = chooseReleases(inventory, options.release).toReversed();
  // An unreachable cluster is reported before anything is tried.
  await ports.cluster.namespacePhase(chosen[0]?.namespace ?? "default", run.signal);
  const kept: string[] = [];
  const reports: UninstalledRelease[] = [];
  for (const release of chosen) {
    const { name, namespace } = release;
    const hasFailed = reports.some(({ outcome }) => outcome === "failed");
    reports.push({
      name,
      namespace,
      ...(hasFailed
        ? { outcome: "not-started" as const }
        : await uninstall(run, release, { options, kept }, ports)),
    });
  }
  return {
    bundle: `${inventory.name} ${inventory.version}`,
    context: ports.cluster.context,
    outcome: reports.some(({ outcome }) => outcome === "failed") ? "failed" : "uninstalled",
    releases: reports,
    remains: { kept, ...(await findRemains(run, bundle, chosen, ports)) },
  };
}

async function uninstall(
  { signal, progress }: Run,
  { name, namespace }: InventoryRelease,
  { options, kept }: { readonly options: RemovalOptions; readonly kept: string[] },
  { releases }: UninstallPorts,
): Promise<Pick<UninstalledRelease, "outcome" | "message">> {
  const step = `uninstall:${namespace}/${name}`;
  progress({ kind: "started", step, title: `Uninstalling ${name}` });
  try {
    if (!(await releases.isInstalled({ name, namespace }, signal))) {
      progress({ kind: "ended", step, summary: "not installed" });
      return { outcome: "absent" };
    }
    kept.push(...(await releases.remove({ name, namespace }, options, signal)));
  } catch (error) {
    if (!(error instanceof ViolaError) || error.code !== "UNINSTALL_FAILED") throw error;
    return { outcome: "failed", message: error.message };
  }
  progress({ kind: "ended", step, summary: options.isWaiting ? "deleted" : "deletion requested" });
  return { outcome: "uninstalled" };
}

/**
 * Asks the cluster what is left. The releases are gone already, so a question that the cluster does
 * not answer is only a note.
 */
async function findRemains(
  run: Run,
  bundle: OpenBundle,
  releases: readonly InventoryRelease[],
  ports: UninstallPorts,
): Promise<Omit<Remains, "kept">> {
  const { signal } = run;
  const { cluster } = ports;
  const ask = <T>(question: () => Promise<readonly T[]>): Promise<readonly T[]> =>
    question().catch((error: unknown) => {
      if (!(error instanceof ViolaError)) throw error;
      run.progress({ kind: "note", message: `what stays is not known completely: ${error.message}` });
      return [];
    });
  const namespaces = [...new Set(releases.map(({ namespace }) => namespace))];
  const charts = releases.filter(
    ({ file }, index) => releases.findIndex((other) => other.file === file) === index,
  );
  const [definitions, claims, volumes, staying] = await Promise.all([
    Promise.all(charts.map((release) => ask(() => findDefinitions(run, bundle, release, ports)))),
    Promise.all(namespaces.map((namespace) => ask(() => cluster.claims(namespace, signal)))),
    ask(() => cluster.volumes(signal)),
    Promise.all(
      namespaces.map(async (namespace) =>
        ask(async () => ((await cluster.namespacePhase(namespace, signal)) === "Active" ? [namespace] : [])),
      ),
    ),
  ]);
  return {
    definitions: [...new Set(definitions.flat())].sort(),
    claims: claims.flat().map(claimName).sort(),
    volumes: volumes
      .filter((volume) => namespaces.includes(textOf(valueAt(volume, "spec.claimRef.namespace")) ?? ""))
      .map((volume) => textOf(valueAt(volume, "metadata.name")) ?? "")
      .sort(),
    namespaces: staying.flat(),
  };
}

async function findDefinitions(
  { signal }: Run,
  bundle: OpenBundle,
  { file }: InventoryRelease,
  { releases, cluster, files, temporaryFolder }: UninstallPorts,
): Promise<readonly string[]> {
  const index = bundle.inventory.files.findIndex(({ path }) => path === file);
  const chart = `${temporaryFolder}/chart-${index}.tgz`;
  await files.writeFile(chart, await readEntry(bundle, file));
  const found = await cluster.findExisting(await releases.definitionsOf(chart, signal), signal);
  return found.map((name) => name.replace(/^[^/]*\//, ""));
}

function claimName(claim: Json): string {
  return ["namespace", "name"].map((field) => textOf(valueAt(claim, `metadata.${field}`)) ?? "").join("/");
}
