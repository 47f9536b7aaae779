// What a rehearsal came to: asked for and there, asked for and missing (with who started it), there and never asked for.
import type { Inventory } from "../bundle/inventory.js";
import {
  checkRunning,
  type CheckedImage,
  type CheckReport,
  type MissingImage,
} from "../check/check-running.js";
import { containersOf, type RunningContainer } from "../check/running-images.js";
import { isRecord, textOf, valueAt, type Json } from "../json.js";
import { findReference, formatReference, nodeNames } from "../images/reference.js";
import type { PendingThing } from "../kubernetes/pod-states.js";
import type { Digest } from "../oci/digest.js";
import type { PulledName } from "./pull-requests.js";

/** An image of the bundle that was asked for or run. */
export interface RequestedImage extends Pick<CheckedImage, "normalized" | "usedBy"> {
  /** Of what its name points to in the bundle. */
  readonly digest: Digest;
}

/** An image that something wanted to run and that the bundle has not. */
export interface MissingInRehearsal extends Omit<MissingImage, "cause"> {
  /** One Pod that wanted it, and what made that Pod, nearest first: `DaemonSet monitoring/logs`, `GrafanaAgent monitoring/logs`. */
  readonly pod?: string;
  readonly owners: readonly string[];
  /** The custom resource that it was started for: the last of the owners that is none of Kubernetes' own kinds. */
  readonly resource?: { readonly group: string; readonly kind: string };
  /** The operator behind it, as the workload's label `app.kubernetes.io/managed-by` or else the API server says; absent for what Helm made. */
  readonly operator?: string;
  /** What registries said, where they were asked. */
  readonly refused?: string;
}

export interface Verdict {
  readonly asked: readonly RequestedImage[];
  readonly missing: readonly MissingInRehearsal[];
  readonly unused: CheckReport["unused"];
  /** Asked for and not in the bundle, for Pods that are not the bundle's. */
  readonly ofOthers: readonly string[];
  /** What did not come up for other reasons than a missing image. */
  readonly pending: readonly PendingThing[];
}

/** What was seen. */
export interface Observed {
  readonly asked: readonly PulledName[];
  /** Pods of all namespaces, also those that are gone by now. */
  readonly pods: readonly Json[];
  /** Objects that make Pods in the bundle's namespaces, with their makers. */
  readonly workloads: readonly Json[];
  readonly pending: readonly PendingThing[];
  /** By name: why no registry gave what the bundle has not. */
  readonly refused: ReadonlyMap<string, string>;
}

/** Judges what was seen. What a Pod of the bundle ran counts as asked for: a node that has an image already asks nobody. */
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
  return reference === undefined ? [] : nodeNames(reference);
}

/** Follows one Pod that wanted the image up to what made it. */
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

/** Who started it, in one line. */
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
  return chain === "" ? `Pod ${pod ?? "that nobody saw"}` : `${chain}${by}`;
}

/** Group and kind of a custom resource: Kubernetes' own groups have no dot, or end in `.k8s.io`. */
function customKind(owner: Json): MissingInRehearsal["resource"] {
  const [group = "", version] = text(owner, "apiVersion").split("/");
  const isBuiltIn = version === undefined || !group.includes(".") || group.endsWith(".k8s.io");
  return isBuiltIn ? undefined : { group, kind: text(owner, "kind") };
}

function ownerOf(object: Json): Json | undefined {
  const owners = list(object, "metadata.ownerReferences");
  return owners.find(({ controller }) => controller === true) ?? owners[0];
}

/** Programs that make objects for others: Helm for charts, the controllers of Kubernetes for what they look after. */
const NO_OPERATORS = new Set(["helm", "Helm", "kube-controller-manager"]);

function operatorOf(object: Json): string | undefined {
  const labels = valueAt(object, "metadata.labels");
  const label = isRecord(labels) ? textOf(labels["app.kubernetes.io/managed-by"]) : undefined;
  return [label, makerOf(object)].find((name) => name !== undefined && !NO_OPERATORS.has(name));
}

/** Returns the operators, as the API server knows them, that wrote one of the objects. */
export function operatorMakers(objects: readonly Json[]): ReadonlySet<string> {
  return new Set(
    objects.flatMap((object) => makerOf(object) ?? []).filter((name) => !NO_OPERATORS.has(name)),
  );
}

/** Returns the program that first wrote the object, its status aside; undefined where nobody asked for `metadata.managedFields`. */
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
