// Parses what a cluster runs from kubectl output: JSON of Pods or workloads, or a plain list of
// image references.
import { ViolaError } from "../../errors.js";
import { isRecord, textOf, valueAt, type Json } from "../json.js";
import { findExcess, parseUnchecked, type JsonLimits } from "../parse-json.js";
import { findReference } from "../images/reference.js";
import { containers } from "../kubernetes/containers.js";

/** A container of a Pod or of a Pod template. */
export interface RunningContainer {
  /** The reference as written in the cluster. */
  readonly image: string;
  /** The `imageID` that the container runtime reports, if any: `quay.io/x/y@sha256:…`. */
  readonly imageId?: string;
  /** Undefined when the input is a plain list. */
  readonly in?: RunningObject;
}

/** A Pod, or a workload that creates Pods. */
export interface RunningObject {
  readonly kind: string;
  readonly name: string;
  readonly namespace: string;
  /** The controlling owner reference: a ReplicaSet rather than its Deployment. */
  readonly owner?: { readonly kind: string; readonly name: string };
  /** The labels `app.kubernetes.io/managed-by` and `app.kubernetes.io/instance`. */
  readonly managedBy?: string;
  readonly instance?: string;
  /** True for a static Pod, whose manifest the kubelet reads from a file on the node. */
  readonly isStatic: boolean;
}

const EXPECTED_INPUT =
  "Pass the output of `kubectl get pods -A -o json`, or a list of image references as jsonpath prints it.";

/**
 * Deeper objects would exceed the stack of the recursive functions that search them. 3,000 Pods with
 * all their fields have about 30 MB; of more, pass a list of references.
 */
const LIMITS: JsonLimits = { length: 32 * 1024 * 1024, depth: 1_000, values: 1_000_000 };

/**
 * Parses the output of `kubectl get … -o json` (a list or one object), or references separated by
 * white space or commas, with or without the counts of `uniq -c`. `source` is the name used in
 * messages.
 * Throws `FILE_UNUSABLE` when the text is empty or in neither format.
 */
export function parseRunningImages(text: string, source: string): readonly RunningContainer[] {
  const content = text.replace(/^\uFEFF/, "").trim();
  if (content === "") throw unusable(source, "is empty");
  return /^[[{]/.test(content) ? parseObjects(content, source) : parseList(content, source);
}

function parseObjects(text: string, source: string): readonly RunningContainer[] {
  const excess = findExcess(text, LIMITS);
  if (excess !== undefined) throw unusable(source, `cannot be read: ${excess}`);
  const value = parseUnchecked(text, (what, cause) => unusable(source, `is ${what}`, cause), LIMITS);
  const objects = [...listed(value)];
  if (objects.length === 0) throw unusable(source, "does not contain a Kubernetes object");
  const running = objects.flatMap((object) => [...containersOf(object)]);
  if (running.length === 0) {
    const kinds = [...new Set(objects.map(({ kind }) => textOf(kind) ?? "?"))].join(", ");
    throw unusable(source, `does not contain a container, only ${kinds}`);
  }
  return running;
}

/** Yields the objects of a list and of lists nested in it, or the object itself. */
function* listed(value: unknown): Iterable<Json> {
  if (Array.isArray(value)) for (const item of value) yield* listed(item);
  else if (isRecord(value) && Array.isArray(value["items"])) yield* listed(value["items"]);
  else if (isRecord(value) && textOf(value["kind"]) !== undefined) yield value;
}

/** Yields the containers of a Pod or of a workload's Pod template. */
export function* containersOf(object: Json): Iterable<RunningContainer> {
  const imageIds = new Map<string, string>();
  for (const list of ["initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses"]) {
    const statuses = valueAt(object, `status.${list}`);
    for (const status of Array.isArray(statuses) ? statuses : []) {
      const [name, imageId] = [textOf(valueAt(status, "name")), textOf(valueAt(status, "imageID"))];
      if (name !== undefined && imageId !== undefined) imageIds.set(name, imageId);
    }
  }
  const place = objectOf(object);
  for (const { container } of containers(object["spec"])) {
    const image = textOf(container["image"]);
    const imageId = imageIds.get(textOf(container["name"]) ?? "");
    if (image !== undefined) yield { image, ...(imageId !== undefined && { imageId }), in: place };
  }
}

function objectOf(object: Json): RunningObject {
  const owners = valueAt(object, "metadata.ownerReferences");
  const list: readonly unknown[] = Array.isArray(owners) ? owners : [];
  const owner = list.find((one) => valueAt(one, "controller") === true) ?? list[0];
  const [ownerKind, ownerName] = [textOf(valueAt(owner, "kind")), textOf(valueAt(owner, "name"))];
  const labels = valueAt(object, "metadata.labels");
  const label = (name: string): string | undefined =>
    isRecord(labels) ? textOf(labels[`app.kubernetes.io/${name}`]) : undefined;
  const [managedBy, instance] = [label("managed-by"), label("instance")];
  const annotations = valueAt(object, "metadata.annotations");
  return {
    kind: textOf(object["kind"]) ?? "",
    name: textOf(valueAt(object, "metadata.name")) ?? "",
    namespace: textOf(valueAt(object, "metadata.namespace")) ?? "default",
    ...(ownerKind !== undefined &&
      ownerName !== undefined && { owner: { kind: ownerKind, name: ownerName } }),
    ...(managedBy !== undefined && { managedBy }),
    ...(instance !== undefined && { instance }),
    // https://kubernetes.io/docs/reference/labels-annotations-taints/#kubernetes-io-config-mirror
    isStatic: ownerKind === "Node" || (isRecord(annotations) && "kubernetes.io/config.mirror" in annotations),
  };
}

function parseList(text: string, source: string): readonly RunningContainer[] {
  const running: RunningContainer[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    // The Kubernetes documentation pipes the list through `sort | uniq -c`, which prefixes each
    // line with a count.
    for (const item of line.replace(/^\s*\d+\s+(?=\S)/, "").split(/[\s,]+/)) {
      if (item === "") continue;
      if (findReference(item) === undefined) {
        throw unusable(
          source,
          `is neither JSON nor a list of image references: line ${index + 1} has "${item.slice(0, 80)}"`,
        );
      }
      running.push({ image: item });
    }
  }
  // Every lower-case word is a valid Docker Hub reference. A list of such words only is most likely
  // prose.
  if (!running.some(({ image }) => /[/:@]/.test(image))) {
    throw unusable(source, "is neither JSON nor a list of image references: no entry has a path or a tag");
  }
  return running;
}

function unusable(source: string, what: string, cause?: unknown): ViolaError {
  return new ViolaError("FILE_UNUSABLE", `${source} ${what}`, {
    subject: source,
    hint: EXPECTED_INPUT,
    cause,
  });
}
