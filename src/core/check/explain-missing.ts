// Explains why a running image is most likely not in a bundle, and what would add it.
import type { Inventory } from "../bundle/inventory.js";
import { findReference, formatReference, formatRepository, parseReference } from "../images/reference.js";
import type { RunningContainer, RunningObject } from "./running-images.js";

/** The most likely cause, and the message for the user. */
export interface MissingCause {
  /**
   * - `excluded`: the spec excludes the image.
   * - `digest`: the bundle has the tag but not the digest.
   * - `values`: the chart is installed with other values than the bundle was built with.
   * - `registry`: the bundle has the same image from another registry.
   * - `injected`: the container is not part of the chart's workload.
   * - `operator`: an operator created the workload.
   * - `unknown`: the workload is not related to the bundle.
   */
  readonly rule: "excluded" | "digest" | "values" | "registry" | "injected" | "operator" | "unknown";
  readonly message: string;
}

const INCLUDE = "add it to images.include of the spec";

/**
 * Explains why the bundle does not have the image `normalized`, which the containers in `group`
 * run.
 */
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

/**
 * Returns the workload that a chart or an operator creates: the Deployment of a ReplicaSet, the
 * CronJob of a Job.
 */
export function workloadOf({ kind, name, owner }: RunningObject): {
  readonly kind: string;
  readonly name: string;
} {
  if (owner === undefined || kind !== "Pod") return { kind, name };
  if (owner.kind === "ReplicaSet") return { kind: "Deployment", name: owner.name.replace(/-[a-z0-9]+$/, "") };
  // The CronJob controller names a Job after the minute for which it was scheduled.
  const cronJob = owner.kind === "Job" ? /^(.+)-\d{8}$/.exec(owner.name)?.[1] : undefined;
  return cronJob === undefined ? owner : { kind: "CronJob", name: cronJob };
}

function explainExclusion({ excluded }: Inventory, normalized: string): MissingCause | undefined {
  const exclusion = excluded.find(({ reference }) => {
    const parsed = findReference(reference);
    return parsed !== undefined && formatReference(parsed) === normalized;
  });
  if (exclusion === undefined) return undefined;
  const message = `the spec excludes it (${exclusion.reason}); remove it from images.exclude`;
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
    const message = `the bundle has its tag ${wanted.tag ?? ""} but not this digest; build with the cluster's values, which pin the digest`;
    return { rule: "digest", message };
  }
  const versions = others.map(({ tag, digest }) => tag ?? digest ?? "").join(" and ");
  const message = `the values differ: the bundle has version ${versions}; build with the cluster's values`;
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
  const message = `the bundle has it as ${twin.normalized}: the cluster's values name another registry; build with the cluster's values`;
  return { rule: "registry", message };
}

/** True when one path ends with the other. Mirrors add a prefix, and some omit `library/`. */
function isTail(one: string, other: string): boolean {
  const [long, short] = one.length > other.length ? [one, other] : [other, one];
  const name = short.replace(/^library\//, "");
  return long === name || long.endsWith(`/${name}`);
}

function explainOwner(inventory: Inventory, group: readonly RunningContainer[]): MissingCause {
  const object = group.find((one) => one.in !== undefined)?.in;
  if (object === undefined) {
    const message = `no chart of the bundle names it: an operator may start it (add a rule to manifests/operators, or ${INCLUDE}), or it belongs to another application in the cluster`;
    return { rule: "unknown", message };
  }
  const workload = workloadOf(object);
  const known = findWorkload(inventory, workload, object.namespace);
  const what = `${workload.kind} ${object.namespace}/${workload.name}`;
  if (known !== undefined) {
    const message = `the charts render ${what} without this container: the values differ, or a webhook injects it; build with the cluster's values, or ${INCLUDE}`;
    return { rule: "injected", message };
  }
  const release = inventory.releases.find(({ name }) => name === object.instance)?.name;
  if (object.managedBy === "Helm" && release !== undefined) {
    const message = `the values differ: release ${release} has ${what} in the cluster but not in the bundle; build with the cluster's values`;
    return { rule: "values", message };
  }
  if (object.owner !== undefined && object.managedBy !== "Helm") {
    const by = object.managedBy === undefined ? "an operator" : `an operator (${object.managedBy})`;
    const suspects = inventory.warnings
      .filter(({ code }) => code === "unknown-operator" || code === "operator-images-later")
      .flatMap((warning) => warning.object ?? []);
    const warned = suspects.length === 0 ? "" : `; the bundle has a warning about ${suspects.join(", ")}`;
    const message = `no chart renders ${what}: ${by} started it${warned}; add a rule to manifests/operators, or ${INCLUDE}`;
    return { rule: "operator", message };
  }
  const message = `${what} does not belong to a release of the bundle; if it should, add its chart to the spec, or ${INCLUDE}`;
  return { rule: "unknown", message };
}

function findWorkload(
  { images }: Inventory,
  { kind, name }: { readonly kind: string; readonly name: string },
  namespace: string,
): string | undefined {
  // Charts may omit the namespace. The evidence then contains only the name.
  const names = new Set([`${kind} ${namespace}/${name}`, `${kind} ${name}`]);
  return images.flatMap(({ evidence }) => evidence).find(({ object }) => names.has(object))?.object;
}
