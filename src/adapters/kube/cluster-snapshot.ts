// Takes a snapshot of a cluster before a rehearsal, and removes what Helm left behind after it.
import { textOf, valueAt, type Json } from "../../core/json.js";
import { makerOf } from "../../core/rehearsal/verdict.js";
import { ViolaError } from "../../errors.js";
import { parseItems } from "./parse-answer.js";
import type { ClusterChanges, ClusterSnapshot, ObjectName } from "../../core/rehearsal/cluster-snapshot.js";

/** Runs kubectl with the arguments and returns its output. */
type RunKubectl = (args: readonly string[], stdin?: string) => Promise<string>;

const TIMEOUT = "--timeout=90s";
const DEFINITION = "CustomResourceDefinition";

/** See `RehearsalCluster`. */
export async function takeSnapshot(run: RunKubectl, namespaces: readonly string[]): Promise<ClusterSnapshot> {
  const names = async (...args: readonly string[]): Promise<ReadonlySet<string>> =>
    new Set((await run(["get", ...args, "--output=name"])).split("\n").filter((name) => name !== ""));
  const [there, definitions, volumes, services] = await Promise.all([
    names("namespaces"),
    names("customresourcedefinitions"),
    volumesIn(run, "Available"),
    findServices(run),
  ]);
  return {
    namespaces: await Promise.all(
      [...new Set(namespaces)].map(async (name) => {
        const wasThere = there.has(`namespace/${name}`);
        const claims = wasThere
          ? await names("persistentvolumeclaims", `--namespace=${name}`)
          : new Set<string>();
        return { name, wasThere, claims };
      }),
    ),
    definitions: new Set([...definitions].map((name) => name.slice(name.indexOf("/") + 1))),
    freeVolumes: new Set(volumes),
    services: new Set(services.map(({ path }) => path)),
  };
}

/** See `RehearsalCluster`. */
export async function restoreSnapshot(
  run: RunKubectl,
  snapshot: ClusterSnapshot,
  { objects, makers }: ClusterChanges,
): Promise<readonly string[]> {
  const stayed: string[] = [];
  const attempt = async (what: string, work: () => Promise<unknown>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof ViolaError)) throw error;
      stayed.push(`${what}: ${error.message}`);
    }
  };
  const remove = (named: readonly ObjectName[]): Promise<unknown> =>
    run(["delete", "--ignore-not-found", TIMEOUT, "--filename=-"], JSON.stringify(listOf(named)));

  const ofHooks = objects.filter(({ kind }) => kind !== DEFINITION);
  if (ofHooks.length > 0) await attempt("hook objects", () => remove(ofHooks));
  for (const { name, wasThere, claims } of snapshot.namespaces) {
    await attempt(`namespace ${name}`, async () => {
      if (!wasThere) await run(["delete", "--ignore-not-found", TIMEOUT, "--", "namespace", name]);
      else await removeClaims(run, name, claims);
    });
  }
  const definitions = objects.filter(
    ({ kind, name }) => kind === DEFINITION && !snapshot.definitions.has(name),
  );
  if (definitions.length > 0) await attempt("custom resource definitions", () => remove(definitions));
  await attempt("services", async () => {
    for (const { path, maker, name, namespace } of await findServices(run)) {
      if (snapshot.services.has(path) || !makers.has(maker)) continue;
      await run(["delete", `--namespace=${namespace}`, "--ignore-not-found", TIMEOUT, "--", "service", name]);
    }
  });
  await attempt("volumes", async () => {
    for (const name of await volumesIn(run, "Released")) {
      if (!snapshot.freeVolumes.has(name)) continue;
      await run([
        "patch",
        "--type=merge",
        '--patch={"spec":{"claimRef":null}}',
        "--",
        "persistentvolume",
        name,
      ]);
    }
  });
  return stayed;
}

async function removeClaims(run: RunKubectl, namespace: string, before: ReadonlySet<string>): Promise<void> {
  const where = `--namespace=${namespace}`;
  const names = (await run(["get", "persistentvolumeclaims", where, "--output=name"])).split("\n");
  const added = names.filter((name) => name !== "" && !before.has(name));
  if (added.length > 0) await run(["delete", where, "--ignore-not-found", TIMEOUT, "--", ...added]);
}

async function volumesIn(run: RunKubectl, phase: string): Promise<readonly string[]> {
  return (await listObjects(run, "persistentvolumes"))
    .filter((volume) => textOf(valueAt(volume, "status.phase")) === phase)
    .flatMap((volume) => textOf(valueAt(volume, "metadata.name")) ?? []);
}

interface FoundService {
  /** `NAMESPACE/NAME` */
  readonly path: string;
  readonly namespace: string;
  readonly name: string;
  readonly maker: string;
}

/**
 * Returns the services of all namespaces, because operators also create services outside their own
 * namespace. For example, prometheus-operator creates one for kubelets.
 */
async function findServices(run: RunKubectl): Promise<readonly FoundService[]> {
  const services = await listObjects(run, "services", "--all-namespaces", "--show-managed-fields");
  return services.map((service) => {
    const [namespace = "", name = ""] = ["namespace", "name"].map(
      (field) => textOf(valueAt(service, `metadata.${field}`)) ?? "",
    );
    return { path: `${namespace}/${name}`, namespace, name, maker: makerOf(service) ?? "" };
  });
}

async function listObjects(run: RunKubectl, ...args: readonly string[]): Promise<readonly Json[]> {
  return parseItems(await run(["get", ...args, "--output=json"]));
}

function listOf(objects: readonly ObjectName[]): Json {
  return {
    apiVersion: "v1",
    kind: "List",
    items: objects.map(({ apiVersion, kind, name, namespace }) => ({
      apiVersion,
      kind,
      // kubectl ignores the namespace of a cluster-scoped object.
      metadata: { name, ...(kind !== DEFINITION && { namespace }) },
    })),
  };
}
