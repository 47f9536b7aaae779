// Computes the result of a rehearsal: images that were requested, images that are missing, and
// images that were never requested.
import type { Inventory } from "../bundle/inventory.js";
import {
  checkRunning,
  type CheckedImage,
  type CheckReport,
  type MissingImage,
} from "../check/check-running.js";
import { containersOf, type RunningContainer } from "../check/running-images.js";
import { isRecord, textOf, valueAt, type Json } from "../json.js";
import { findReference, formatReference, kubeletName } from "../images/reference.js";
import type { PendingThing } from "../kubernetes/pod-states.js";
import type { Digest } from "../oci/digest.js";
import type { PulledName } from "./pull-requests.js";

/** An image of the bundle that was requested or run. */
export interface RequestedImage extends Pick<CheckedImage, "normalized" | "usedBy"> {
  /** The digest that its name resolves to in the bundle. */
  readonly digest: Digest;
}

/** An image that was requested but is not in the bundle. */
export interface MissingInRehearsal extends Omit<MissingImage, "cause"> {
  /**
   * A Pod that uses the image, and its owners, nearest first: `DaemonSet monitoring/logs`,
   * `GrafanaAgent monitoring/logs`.
   */
  readonly pod?: string;
  readonly owners: readonly string[];
  /** The custom resource that it was started for: the last owner that is not of a built-in kind. */
  readonly resource?: { readonly group: string; readonly kind: string };
  /**
   * The operator that created the workload, from the label `app.kubernetes.io/managed-by` or else
   * from managedFields; absent for objects of Helm.
   */
  readonly operator?: string;
  /** The error of the upstream registry, if one was contacted. */
  readonly refused?: string;
}

export interface Verdict {
  readonly asked: readonly RequestedImage[];
  readonly missing: readonly MissingInRehearsal[];
  readonly unused: CheckReport["unused"];
  /** Images that are not in the bundle and were requested for Pods of other applications. */
  readonly ofOthers: readonly string[];
  /** Pods and workloads that did not become ready for a reason other than a missing image. */
  readonly pending: readonly PendingThing[];
}

/** The observations made during a rehearsal. */
export interface Observed {
  readonly asked: readonly PulledName[];
  /** Pods of all namespaces, including those that have since been deleted. */
  readonly pods: readonly Json[];
  /** Workloads in the bundle's namespaces, with managedFields. */
  readonly workloads: readonly Json[];
  readonly pending: readonly PendingThing[];
  /** By name: why an image that is not in the bundle could not be pulled from a registry. */
  readonly refused: ReadonlyMap<string, string>;
}

/**
 * Computes the result. Images of the bundle's Pods count as requested, because a node does not
 * request an image that it already has.
 */
export function judgeRehearsal(inventory: Inventory, observed: Observed): Verdict {
  const namespaces = new Set(inventory.releases.map(({ namespace }) => namespace));
  const containers = observed.pods.flatMap((pod) => [...containersOf(pod)]);
  const isOfBundle = ({ in: object }: RunningContainer): boolean => namespaces.has(object?.namespace ?? "");
  const ofBundle = containers.filter(isOfBundle);
  const namesOfBundle = new Set(ofBundle.flatMap(namesOf));
  const namesOfOthers = new Set(containers.filter((one) => !isOfBundle(one)).flatMap(namesOf));
  const ofOthers: string[] = [];
  const nameless: RunningContainer[] = [];
  for (const { name, isInBundle } of observed.asked) {
    if (namesOfBundle.has(name)) continue;
    if (namesOfOthers.has(name)) {
      if (!isInBundle) ofOthers.push(name);
    } else nameless.push({ image: name });
  }
  const { present, missing, unused } = checkRunning(inventory, [...ofBundle, ...nameless]);
  const digests = new Map<string, Digest>(
    inventory.images.flatMap(({ names, digest }) => names.map((name) => [name, digest] as const)),
  );
  const missingNames = new Set<string>(missing.map(({ normalized }) => normalized));
  return {
    asked: present.flatMap(({ normalized, usedBy }) => {
      const digest = digests.get(namesOf({ image: normalized }).at(-1) ?? normalized);
      return digest === undefined ? [] : [{ normalized, digest, usedBy }];
    }),
    missing: missing.map((one) => ({ ...withoutCause(one), ...followUp(one, observed, namespaces) })),
    unused,
    ofOthers,
    pending: observed.pending.filter(({ image }) => {
      const reference = image === undefined ? undefined : findReference(image);
      return reference === undefined || !missingNames.has(formatReference(reference));
    }),
  };
}

function withoutCause({ reference, normalized, usedBy }: MissingImage): Omit<MissingImage, "cause"> {
  return { reference, normalized, usedBy };
}

function namesOf({ image }: RunningContainer): readonly string[] {
  const reference = findReference(image);
  return reference === undefined ? [] : [kubeletName(reference)];
}

/** Follows the owner references of a Pod that uses the image. */
function followUp(
  { normalized }: MissingImage,
  { pods, workloads, refused }: Observed,
  namespaces: ReadonlySet<string>,
): Pick<MissingInRehearsal, "pod" | "owners" | "resource" | "operator" | "refused"> {
  const names = new Set(namesOf({ image: normalized }));
  const why = [...names].flatMap((name) => refused.get(name) ?? [])[0];
  const known = { ...(why !== undefined && { refused: why }) };
  const pod = pods.find(
    (one) =>
      namespaces.has(text(one, "metadata.namespace")) &&
      [...containersOf(one)].some((container) => namesOf(container).some((name) => names.has(name))),
  );
  if (pod === undefined) return { owners: [], ...known };
  const owners: string[] = [];
  const namespace = text(pod, "metadata.namespace");
  let operator: string | undefined;
  let resource: MissingInRehearsal["resource"];
  for (let object: Json | undefined = pod; object !== undefined;) {
    const owner = ownerOf(object);
    if (owner === undefined) break;
    owners.push(`${text(owner, "kind")} ${namespace}/${text(owner, "name")}`);
    resource = customKind(owner) ?? resource;
    const uid = text(owner, "uid");
    object = workloads.find((one) => text(one, "metadata.uid") === uid);
    if (object !== undefined) operator = operatorOf(object) ?? operator;
  }
  return {
    pod: `${namespace}/${text(pod, "metadata.name")}`,
    owners,
    ...(resource !== undefined && { resource }),
    ...(operator !== undefined && { operator }),
    ...known,
  };
}

/** Describes in one line what started the image. */
export function originOf({
  pod,
  owners,
  operator,
  usedBy,
}: Pick<MissingInRehearsal, "owners" | "usedBy"> & {
  readonly pod?: string | undefined;
  readonly operator?: string | undefined;
}): string {
  const by = operator === undefined ? "" : ` (by operator ${operator})`;
  const chain = owners.length > 0 ? owners.join(" of ") : usedBy.join(", ");
  return chain === "" ? (pod === undefined ? "an unknown Pod" : `Pod ${pod}`) : `${chain}${by}`;
}

/** Returns group and kind of a custom resource. Built-in groups have no dot or end in `.k8s.io`. */
function customKind(owner: Json): MissingInRehearsal["resource"] {
  const [group = "", version] = text(owner, "apiVersion").split("/");
  const isBuiltIn = version === undefined || !group.includes(".") || group.endsWith(".k8s.io");
  return isBuiltIn ? undefined : { group, kind: text(owner, "kind") };
}

function ownerOf(object: Json): Json | undefined {
  const owners = list(object, "metadata.ownerReferences");
  return owners.find(({ controller }) => controller === true) ?? owners[0];
}

/** Managers that are not operators: Helm and the built-in controllers of Kubernetes. */
const NO_OPERATORS = new Set(["helm", "Helm", "kube-controller-manager"]);

function operatorOf(object: Json): string | undefined {
  const labels = valueAt(object, "metadata.labels");
  const label = isRecord(labels) ? textOf(labels["app.kubernetes.io/managed-by"]) : undefined;
  return [label, makerOf(object)].find((name) => name !== undefined && !NO_OPERATORS.has(name));
}

/**
 * Returns the operators that wrote at least one of the objects, by their names in managedFields.
 */
export function operatorMakers(objects: readonly Json[]): ReadonlySet<string> {
  return new Set(
    objects.flatMap((object) => makerOf(object) ?? []).filter((name) => !NO_OPERATORS.has(name)),
  );
}

/**
 * Returns the manager that first wrote the object, not counting its status; undefined when the
 * object has no managedFields.
 */
export function makerOf(object: Json): string | undefined {
  const [first] = list(object, "metadata.managedFields")
    .filter(({ subresource }) => subresource === undefined || subresource === "")
    .toSorted((one, other) => text(one, "time").localeCompare(text(other, "time")));
  return textOf(first?.["manager"]);
}

function list(object: Json, path: string): readonly Json[] {
  const value = valueAt(object, path);
  return Array.isArray(value) ? value.filter(isRecord) : [];
}

function text(object: Json, path: string): string {
  return textOf(valueAt(object, path)) ?? "";
}
