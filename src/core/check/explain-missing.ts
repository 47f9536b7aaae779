// Why a running image is not in a bundle, most likely, and which rule would have found it.
import type { Inventory } from "../bundle/inventory.js";
import { findReference, formatReference, formatRepository, parseReference } from "../images/reference.js";
import type { RunningContainer, RunningObject } from "./running-images.js";

/** A guess, with the words to show. */
export interface MissingCause {
  /**
   * `excluded`: the spec leaves it out. `digest`: the bundle has the tag, not the digest. `values`: the chart is installed with other
   * values than the bundle was built with. `registry`: the same image from another registry. `injected`: a container that the chart's
   * workload does not have. `operator`: something that an operator made. `unknown`: nothing of the bundle.
   */
  readonly rule: "excluded" | "digest" | "values" | "registry" | "injected" | "operator" | "unknown";
  readonly message: string;
}

const INCLUDE = "add it to images.include of the spec";

/** Explains the image `normalized`, which runs in `group` and of which the bundle has no name. */
export function explainMissing(
  inventory: Inventory,
  normalized: string,
  group: readonly RunningContainer[],
): MissingCause {
  return (
    explainExclusion(inventory, normalized) ??
    explainRepository(inventory, normalized) ??
    explainRegistry(inventory, normalized) ??
    explainOwner(inventory, group)
  );
}

/** Returns the workload as a chart or an operator writes it: the Deployment of a ReplicaSet, the CronJob of a Job of a moment. */
export function workloadOf({ kind, name, owner }: RunningObject): {
  readonly kind: string;
  readonly name: string;
} {
  if (owner === undefined || kind !== "Pod") return { kind, name };
  if (owner.kind === "ReplicaSet") return { kind: "Deployment", name: owner.name.replace(/-[a-z0-9]+$/, "") };
  // The controller names a Job of a CronJob after the minute that it was due at.
  const cronJob = owner.kind === "Job" ? /^(.+)-\d{8}$/.exec(owner.name)?.[1] : undefined;
  return cronJob === undefined ? owner : { kind: "CronJob", name: cronJob };
}

function explainExclusion({ excluded }: Inventory, normalized: string): MissingCause | undefined {
  const exclusion = excluded.find(({ reference }) => {
    const parsed = findReference(reference);
    return parsed !== undefined && formatReference(parsed) === normalized;
  });
  if (exclusion === undefined) return undefined;
  const message = `the spec leaves it out (${exclusion.reason}): take it out of images.exclude`;
  return { rule: "excluded", message };
}

function explainRepository({ images }: Inventory, normalized: string): MissingCause | undefined {
  const wanted = parseReference(normalized);
  const others = images
    .map((image) => parseReference(image.normalized))
    .filter((reference) => formatRepository(reference) === formatRepository(wanted));
  if (others.length === 0) return undefined;
  if (
    wanted.digest !== undefined &&
    others.some(({ tag, digest }) => tag === wanted.tag && digest === undefined)
  ) {
    const message = `the bundle has tag ${wanted.tag ?? ""} of it, but not by this digest: build with the values that the cluster has, which pin it`;
    return { rule: "digest", message };
  }
  const versions = others.map(({ tag, digest }) => tag ?? digest ?? "").join(" and ");
  const message = `values differ: the bundle has it in ${versions}; build with the values that the cluster has`;
  return { rule: "values", message };
}

function explainRegistry({ images }: Inventory, normalized: string): MissingCause | undefined {
  const wanted = parseReference(normalized);
  const twin = images.find((image) => {
    const reference = parseReference(image.normalized);
    return (
      reference.tag === wanted.tag &&
      reference.digest === wanted.digest &&
      isTail(wanted.repository, reference.repository)
    );
  });
  if (twin === undefined) return undefined;
  const message = `the bundle has it as ${twin.normalized}: the cluster's values name another registry; build with them`;
  return { rule: "registry", message };
}

/** True when one path ends with the other: mirrors put a prefix before it, and `library/` comes and goes. */
function isTail(one: string, other: string): boolean {
  const [long, short] = one.length > other.length ? [one, other] : [other, one];
  const name = short.replace(/^library\//, "");
  return long === name || long.endsWith(`/${name}`);
}

function explainOwner(inventory: Inventory, group: readonly RunningContainer[]): MissingCause {
  const object = group.find((one) => one.in !== undefined)?.in;
  if (object === undefined) {
    const message = `no chart of the bundle names it: an operator may start it (then add a rule to manifests/operators, or ${INCLUDE}), or it belongs to something else in the cluster`;
    return { rule: "unknown", message };
  }
  const workload = workloadOf(object);
  const known = findWorkload(inventory, workload, object.namespace);
  const what = `${workload.kind} ${object.namespace}/${workload.name}`;
  if (known !== undefined) {
    const message = `the charts make ${what} without this container: the values differ, or a webhook injects it; build with the cluster's values, or ${INCLUDE}`;
    return { rule: "injected", message };
  }
  const release = inventory.releases.find(({ name }) => name === object.instance)?.name;
  if (object.managedBy === "Helm" && release !== undefined) {
    const message = `values differ: release ${release} makes ${what} in the cluster, and not in the bundle; build with the values that the cluster has`;
    return { rule: "values", message };
  }
  if (object.owner !== undefined && object.managedBy !== "Helm") {
    const by = object.managedBy === undefined ? "an operator" : `an operator (${object.managedBy})`;
    const suspects = inventory.warnings
      .filter(({ code }) => code === "unknown-operator" || code === "operator-images-later")
      .flatMap((warning) => warning.object ?? []);
    const warned = suspects.length === 0 ? "" : `; the bundle warns of ${suspects.join(", ")}`;
    const message = `no chart makes ${what}: started by ${by}${warned}; add a rule to manifests/operators, or ${INCLUDE}`;
    return { rule: "operator", message };
  }
  const message = `${what} belongs to no release of the bundle; if it should, add its chart to the spec, or ${INCLUDE}`;
  return { rule: "unknown", message };
}

function findWorkload(
  { images }: Inventory,
  { kind, name }: { readonly kind: string; readonly name: string },
  namespace: string,
): string | undefined {
  // Charts may leave the namespace out; evidence then has the name alone.
  const names = new Set([`${kind} ${namespace}/${name}`, `${kind} ${name}`]);
  return images.flatMap(({ evidence }) => evidence).find(({ object }) => names.has(object))?.object;
}
