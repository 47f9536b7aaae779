// Computes from Pods and their workloads what is ready and what is not, with a reason that the user
// can act on.
import { countOf } from "../count-of.js";
import { isRecord, textOf, valueAt, type Json } from "../json.js";

/** A Pod that is not ready, or a workload that does not have all of its Pods. */
export interface PendingThing {
  readonly kind: string;
  readonly name: string;
  readonly namespace: string;
  /** The node that the Pod is scheduled to. */
  readonly node?: string;
  /** Kind of the owner. */
  readonly owner?: string;
  readonly why: string;
  /** The image that cannot be pulled, as written in the Pod spec, when that is the cause. */
  readonly image?: string;
}

/** The state of the Pods of a namespace. */
export interface PodStates {
  /** Number of Pods that should run. Pods that succeeded are not counted. */
  readonly pods: number;
  /** Number of those Pods that are Running and Ready. */
  readonly ready: number;
  readonly pending: readonly PendingThing[];
  /** Images of all containers, as written in the Pod specs. */
  readonly images: ReadonlySet<string>;
  /** Changes whenever a Pod is created, is deleted, or becomes ready or unready. */
  readonly fingerprint: string;
}

/**
 * Waiting reasons of the kubelet that are caused by an image:
 * https://github.com/kubernetes/kubernetes/blob/v1.30.2/pkg/kubelet/images/types.go
 */
const IMAGE_REASONS = new Set([
  "ErrImagePull",
  "ImagePullBackOff",
  "ErrImageNeverPull",
  "InvalidImageName",
  "ImageInspectError",
  "RegistryUnavailable",
]);

/** Warnings of the kubelet that do not prevent a container from running. */
const HARMLESS = new Set(["MissingClusterDNS", "DNSConfigForming"]);

/**
 * Computes the state of the objects of a namespace. `warnings` are its events of type Warning,
 * oldest first; callers that do not use the reasons may omit them. Pods that are being deleted and
 * Pods of completed Jobs are ignored.
 */
export function judgePods(objects: readonly Json[], warnings: readonly Json[] = []): PodStates {
  const jobs = new Set(
    objects
      .filter((object) => object["kind"] === "Job" && isComplete(object))
      .map((job) => field(job, "metadata.uid")),
  );
  const pods = objects.filter(
    (object) =>
      object["kind"] === "Pod" &&
      valueAt(object, "metadata.deletionTimestamp") === undefined &&
      field(object, "status.phase") !== "Succeeded" &&
      !list(object, "metadata.ownerReferences").some((owner) => jobs.has(field(owner, "uid"))),
  );
  const unready = pods.filter((pod) => !isReady(pod));
  const short = objects.flatMap((object) => {
    const missing = missingPods(object);
    return missing === undefined
      ? []
      : [thing(object, { why: describeShortage(missing, lastWarning(object, objects, warnings)) })];
  });
  const pending = unready.map((pod) => thing(pod, explainPod(pod, warnings)));
  return {
    pods: pods.length,
    ready: pods.length - unready.length,
    pending: [...pending, ...short],
    images: new Set(pods.flatMap((pod) => containersOf(pod).flatMap(({ image }) => textOf(image) ?? []))),
    fingerprint: pods
      .map((pod) => `${field(pod, "metadata.uid")}${isReady(pod) ? "+" : "-"}`)
      .sort()
      .join(),
  };
}

function isReady(pod: Json): boolean {
  return field(pod, "status.phase") === "Running" && condition(pod, "Ready")?.["status"] === "True";
}

function isComplete(job: Json): boolean {
  return condition(job, "Complete")?.["status"] === "True";
}

/**
 * Describes how many Pods a workload still has to create or update; undefined when none, and for
 * other kinds.
 */
function missingPods(object: Json): string | undefined {
  const count = (path: string, absent = 0): number => Number(valueAt(object, path) ?? absent);
  const isSeen = count("status.observedGeneration") >= count("metadata.generation");
  const updated = (wanted: number, current: number): string | undefined =>
    isSeen && current >= wanted
      ? undefined
      : `${Math.min(current, wanted)} of ${countOf(wanted, "Pod is", "Pods are")} up to date`;
  switch (object["kind"]) {
    case "Deployment":
      return updated(count("spec.replicas", 1), count("status.updatedReplicas"));
    case "StatefulSet":
      // A StatefulSet creates its Pods one after another; `updatedReplicas` counts Pods of the
      // newest revision.
      return updated(
        count("spec.replicas", 1),
        Math.min(count("status.replicas"), count("status.updatedReplicas")),
      );
    case "DaemonSet":
      return updated(count("status.desiredNumberScheduled"), count("status.updatedNumberScheduled"));
    case "Job": {
      const failed = condition(object, "Failed");
      if (failed?.["status"] === "True") return `the Job failed: ${textOf(failed["message"]) ?? ""}`;
      return isComplete(object) || valueAt(object, "spec.suspend") === true
        ? undefined
        : "the Job has not finished";
    }
    default:
      return undefined;
  }
}

function describeShortage(missing: string, warning: string | undefined): string {
  return warning === undefined ? missing : `${missing}: ${warning}`;
}

type Reason = Pick<PendingThing, "why" | "image">;

/** Returns the first cause found for a Pod that is not ready. */
function explainPod(pod: Json, warnings: readonly Json[]): Reason {
  const scheduled = condition(pod, "PodScheduled");
  if (scheduled?.["status"] === "False")
    return { why: `it cannot be scheduled: ${textOf(scheduled["message"]) ?? "no reason given"}` };
  if (field(pod, "status.phase") === "Failed") {
    const said = [field(pod, "status.reason"), field(pod, "status.message")].filter((part) => part !== "");
    return { why: `it failed: ${said.join(": ") || describeEnd(pod)}` };
  }
  const statuses = [...list(pod, "status.initContainerStatuses"), ...list(pod, "status.containerStatuses")];
  for (const status of statuses) {
    const reason = explainContainer(pod, status);
    if (reason !== undefined) return reason;
  }
  const warning = warningsOf(pod, warnings).at(-1);
  const unready = list(pod, "status.containerStatuses").filter(({ ready }) => ready !== true);
  const which = unready.map((status) => field(status, "name")).join(", ");
  const state =
    field(pod, "status.phase") === "Running"
      ? `it is running but not ready (${which})`
      : "its containers are being created";
  return { why: warning === undefined ? state : `${state}: ${warning}` };
}

function explainContainer(pod: Json, status: Json): Reason | undefined {
  const name = field(status, "name");
  const waiting = valueAt(status, "state.waiting");
  const reason = field(waiting, "reason");
  const message = field(waiting, "message");
  if (IMAGE_REASONS.has(reason)) {
    // The status has the name that the runtime resolved. The spec has the name from the chart,
    // which must be loaded.
    const written = containersOf(pod).find((container) => container["name"] === status["name"]);
    const image = textOf(written?.["image"]) ?? field(status, "image");
    return { why: `image ${image} is not on node ${field(pod, "spec.nodeName")} (${reason})`, image };
  }
  if (reason === "CrashLoopBackOff" || valueAt(status, "state.terminated") !== undefined) {
    const last = valueAt(status, "lastState.terminated") ?? valueAt(status, "state.terminated");
    if (valueAt(last, "exitCode") === 0 && reason !== "CrashLoopBackOff") return undefined;
    const said = field(last, "message").trim().split("\n").at(-1) ?? "";
    const namespace = field(pod, "metadata.namespace");
    const see = `kubectl logs -n ${namespace} ${field(pod, "metadata.name")} -c ${name} --previous`;
    const code = `exit code ${field(last, "exitCode")}${said === "" ? "" : `, ${said}`}`;
    return { why: `container ${name} keeps terminating: ${code}; see: ${see}` };
  }
  if (reason !== "" && reason !== "ContainerCreating" && reason !== "PodInitializing") {
    return { why: `container ${name}: ${reason}${message === "" ? "" : `: ${message}`}` };
  }
  return undefined;
}

function describeEnd(pod: Json): string {
  const ended = list(pod, "status.containerStatuses").find(
    (status) => valueAt(status, "state.terminated") !== undefined,
  );
  return `container ${field(ended, "name")} terminated with exit code ${field(ended, "state.terminated.exitCode")}`;
}

/**
 * Returns the last warning about an object or about the objects it owns, such as the ReplicaSet of
 * a Deployment.
 */
function lastWarning(object: Json, objects: readonly Json[], warnings: readonly Json[]): string | undefined {
  const uid = field(object, "metadata.uid");
  const owned = objects.filter((other) =>
    list(other, "metadata.ownerReferences").some((owner) => owner["uid"] === uid),
  );
  return [object, ...owned.filter(({ kind }) => kind !== "Pod")]
    .flatMap((one) => warningsOf(one, warnings))
    .at(-1);
}

function warningsOf(object: Json, warnings: readonly Json[]): readonly string[] {
  const uid = field(object, "metadata.uid");
  return warnings
    .filter((event) => field(event, "involvedObject.uid") === uid && !HARMLESS.has(field(event, "reason")))
    .map(
      (event) => `${field(event, "reason")}: ${field(event, "message").replaceAll(/(?<!\s)\s*\n\s*/g, " ")}`,
    );
}

function containersOf(pod: Json): readonly Json[] {
  return [...list(pod, "spec.initContainers"), ...list(pod, "spec.containers")];
}

function condition(object: Json, type: string): Json | undefined {
  return list(object, "status.conditions").find((one) => one["type"] === type);
}

function thing(object: Json, reason: Reason): PendingThing {
  const node = field(object, "spec.nodeName");
  const owner = field(list(object, "metadata.ownerReferences")[0], "kind");
  return {
    kind: field(object, "kind"),
    name: field(object, "metadata.name"),
    namespace: field(object, "metadata.namespace"),
    ...(node !== "" && { node }),
    ...(owner !== "" && { owner }),
    ...reason,
  };
}

function field(object: unknown, path: string): string {
  return textOf(valueAt(object, path)) ?? "";
}

function list(object: unknown, path: string): readonly Json[] {
  const value = valueAt(object, path);
  return Array.isArray(value) ? value.filter(isRecord) : [];
}
