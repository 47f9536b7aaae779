// The tripwire: a workload whose service account may create Pods, and of which the knowledge base says nothing.
import type { RenderedObject } from "../charts/rendered-object.js";
import type { FindingWarning } from "./image-use.js";
import type { OperatorUse } from "./operators.js";
import { containers, isRecord, maps, textOf, type Json } from "./walk.js";

/** Resources whose creation starts containers. */
const POD_MAKERS = [
  "pods",
  "deployments",
  "daemonsets",
  "statefulsets",
  "replicasets",
  "jobs",
  "cronjobs",
  "*",
];

/** Roles that every cluster has and that let create Pods. https://kubernetes.io/docs/reference/access-authn-authz/rbac/#user-facing-roles */
const BUILT_IN_ROLES = ["cluster-admin", "admin", "edit"];

/** Returns a warning for each workload that could start images by itself and is not in the knowledge base. */
export function findUnknownOperators(
  objects: readonly RenderedObject[],
  known: readonly OperatorUse[],
): readonly FindingWarning[] {
  const rights = podCreators(objects);
  const warnings: FindingWarning[] = [];
  for (const object of objects) {
    if (object.hooks.length > 0 || known.some((use) => use.object === object)) continue;
    const account = serviceAccountOf(object);
    const right = account === undefined ? undefined : rights.get(account);
    if (account === undefined || right === undefined) continue;
    const images = [...containers(object.body)].flatMap(({ container }) => textOf(container["image"]) ?? []);
    const image = images[0] === undefined ? "" : ` (${images[0]})`;
    warnings.push({
      code: "unknown-operator",
      message:
        `${object.kind} ${object.name}${image} may create Pods by itself, and nothing is known about the images that it starts: ` +
        `${right} for its service account ${account}`,
      chart: object.chart,
      template: object.template,
      object: `${object.kind} ${object.name}`,
      images: [...new Set(images)],
      incomplete: true,
    });
  }
  return warnings;
}

/**
 * Returns the service accounts that some role lets create Pods, each with that right in words. Namespaces are left aside: charts write
 * them out on one side only, and a warning too many is better than one too few.
 */
function podCreators(objects: readonly RenderedObject[]): ReadonlyMap<string, string> {
  const rights = new Map<string, string>();
  for (const name of BUILT_IN_ROLES) rights.set(`ClusterRole/${name}`, `ClusterRole ${name} allows it`);
  for (const { kind, name, body } of objects) {
    if (kind !== "ClusterRole" && kind !== "Role") continue;
    const rules: readonly unknown[] = Array.isArray(body["rules"]) ? body["rules"] : [];
    const right = rules.map(podRight).find((one) => one !== undefined);
    if (right !== undefined) rights.set(`${kind}/${name}`, `${kind} ${name} allows ${right}`);
  }
  const accounts = new Map<string, string>();
  for (const binding of objects) {
    if (binding.kind !== "ClusterRoleBinding" && binding.kind !== "RoleBinding") continue;
    const role = isRecord(binding.body["roleRef"]) ? binding.body["roleRef"] : {};
    const right = rights.get(`${textOf(role["kind"]) ?? ""}/${textOf(role["name"]) ?? ""}`);
    const subjects = binding.body["subjects"];
    for (const subject of right !== undefined && Array.isArray(subjects) ? subjects : []) {
      if (!isRecord(subject) || subject["kind"] !== "ServiceAccount" || right === undefined) continue;
      accounts.set(textOf(subject["name"]) ?? "", right);
    }
  }
  return accounts;
}

/** Returns the verb and the resources by which a rule lets create Pods, such as `create deployments`, or undefined. */
function podRight(rule: unknown): string | undefined {
  if (!isRecord(rule)) return undefined;
  const among = (field: string, wanted: readonly string[]): readonly string[] => {
    const list: readonly unknown[] = Array.isArray(rule[field]) ? rule[field] : [];
    return list.filter((entry) => typeof entry === "string").filter((entry) => wanted.includes(entry));
  };
  const [verb] = among("verbs", ["create", "*"]);
  const resources = among("resources", POD_MAKERS);
  const isOfPods = among("apiGroups", ["", "apps", "batch", "*"]).length > 0;
  return verb !== undefined && resources.length > 0 && isOfPods
    ? `${verb} ${resources.join(", ")}`
    : undefined;
}

/** Returns the account of the object's Pods; Pods that name none run as `default`. */
function serviceAccountOf(object: RenderedObject): string | undefined {
  for (const { map } of maps(object.body)) {
    const spec: Json = map;
    if (!Array.isArray(spec["containers"])) continue;
    return textOf(spec["serviceAccountName"]) ?? textOf(spec["serviceAccount"]) ?? "default";
  }
  return undefined;
}
