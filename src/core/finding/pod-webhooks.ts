// Finds webhooks that change Pods, because they can add containers with other images.
import type { RenderedObject } from "../charts/rendered-object.js";
import type { FindingWarning } from "../images/image-use.js";
import { groupBy } from "../group-by.js";
import { isRecord, maps, textOf, valueAt, type Json } from "../json.js";
import { containers } from "../kubernetes/containers.js";
import { programWarning, type OperatorUse } from "./operators.js";
import { createsPods } from "./pod-rights.js";
import { unknownContainers } from "./unknown-operators.js";

/**
 * Returns a warning for each program of a MutatingWebhookConfiguration that is called for new Pods
 * or for objects with Pod templates, and that is not in the knowledge base.
 * https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/
 */
export function* findPodWebhooks(
  objects: readonly RenderedObject[],
  known: ReadonlyMap<RenderedObject, readonly OperatorUse[]>,
): Iterable<FindingWarning> {
  const seen = new Set<string>();
  const configurations = objects.filter(({ kind }) => kind === "MutatingWebhookConfiguration");
  const serversOf = configurations.length === 0 ? () => [] : findServers(objects);
  for (const object of configurations) {
    for (const webhook of listOf(object.body["webhooks"]).filter(isRecord)) {
      if (!listOf(webhook["rules"]).some(changesPods)) continue;
      const servers = serversOf(webhook);
      if (servers.some((server) => (known.get(server) ?? []).length > 0)) continue;
      const [server] = servers;
      const images = server === undefined ? [] : unknownContainers(server, []).flatMap(imageOf);
      const key = images.length > 0 ? images.join() : `${object.name}/${textOf(webhook["name"]) ?? ""}`;
      if (seen.has(key)) continue;
      seen.add(key);
      yield warningFor(object, webhook, server, [...new Set(images)]);
    }
  }
}

function warningFor(
  object: RenderedObject,
  webhook: Json,
  server: RenderedObject | undefined,
  images: readonly string[],
): FindingWarning {
  const program = images[0] === undefined ? "" : ` (${images[0]})`;
  const servedBy = server === undefined ? "" : `, served by ${server.kind} ${server.name}${program}`;
  const message =
    `${object.kind} ${object.name} changes Pods (webhook ${textOf(webhook["name"]) ?? ""}${servedBy}): it can add containers, ` +
    "and nothing is known about their images";
  return programWarning(object, images, { code: "pod-webhook", message });
}

function changesPods(rule: unknown): boolean {
  if (!isRecord(rule)) return false;
  const operations = listOf(rule["operations"]);
  // `*` matches all resources, `*/*` also their subresources, and `pods/*` the subresources of
  // Pods, which include ephemeral containers.
  const resources = listOf(rule["resources"]).flatMap((resource) => {
    const text = textOf(resource) ?? "";
    return text === "*/*"
      ? ["*"]
      : text === "pods/*" || text === "pods/ephemeralcontainers"
        ? ["pods"]
        : [text];
  });
  return (
    operations.some((operation) => ["CREATE", "UPDATE", "*"].includes(textOf(operation) ?? "")) &&
    createsPods({ ...rule, resources, verbs: ["create"] })
  );
}

/**
 * Returns a function that finds the workloads whose Pods the service of a webhook selects. The
 * labels of all Pods are read once.
 */
function findServers(objects: readonly RenderedObject[]): (webhook: Json) => readonly RenderedObject[] {
  const services = groupBy(
    objects.filter(({ kind }) => kind === "Service"),
    ({ name }) => name,
  );
  const workloads = groupBy(
    objects.flatMap((object) => podLabels(object).map((labels) => ({ object, labels }))),
    ({ object }) => object.release,
  );
  return (webhook) => {
    const name = textOf(valueAt(webhook, "clientConfig.service.name")) ?? "";
    const servers = (services.get(name) ?? []).flatMap((service) => {
      const selector = valueAt(service.body, "spec.selector");
      if (!isRecord(selector) || Object.keys(selector).length === 0) return [];
      const ofRelease = workloads.get(service.release) ?? [];
      return ofRelease.filter(({ labels }) => isSelected(labels, selector)).map(({ object }) => object);
    });
    return [...new Set(servers)];
  };
}

/** Returns the labels of every Pod template of a workload. */
function podLabels({ kind, body }: RenderedObject): readonly Json[] {
  if (kind === "Service" || kind === "CustomResourceDefinition") return [];
  const found: Json[] = [];
  for (const { map } of maps(body)) {
    const labels = valueAt(map, "metadata.labels");
    if (isRecord(labels) && [...containers(map["spec"])].length > 0) found.push(labels);
  }
  return found;
}

function isSelected(labels: Json, selector: Json): boolean {
  return Object.entries(selector).every(([name, value]) => labels[name] === value);
}

function imageOf({ container }: { readonly container: Json }): readonly string[] {
  const image = textOf(container["image"]);
  return image === undefined ? [] : [image];
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
