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

/** Returns a warning for each workload that could start images by itself and is not in the knowledge base. */
export function findUnknownOperators(
  objects: readonly RenderedObject[],
  known: readonly OperatorUse[],
): readonly FindingWarning[] {
  const creators = podCreators(objects);
  const warnings: FindingWarning[] = [];
  for (const object of objects) {
    if (object.hooks.length > 0 || known.some((use) => use.object === object)) continue;
    const account = serviceAccountOf(object);
    if (account === undefined || !creators.has(account)) continue;
    const images = [...containers(object.body)].flatMap(({ container }) => textOf(container["image"]) ?? []);
    const image = images[0] === undefined ? "" : ` (${images[0]})`;
    warnings.push({
      code: "unknown-operator",
      message:
        `${object.kind} ${object.name}${image} may create Pods by itself (its service account ${account} is allowed to), ` +
        "and nothing is known about the images that it starts",
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
 * Returns the names of service accounts that some rendered role lets create Pods. Namespaces are left aside: charts write them
 * out on one side only, and a warning too many is better than one too few.
 */
function podCreators(objects: readonly RenderedObject[]): ReadonlySet<string> {
  const roles = new Set(
    objects
      .filter(({ kind }) => kind === "ClusterRole" || kind === "Role")
      .filter(({ body }) => Array.isArray(body["rules"]) && body["rules"].some(createsPods))
      .map(({ kind, name }) => `${kind}/${name}`),
  );
  const accounts = new Set<string>();
  for (const binding of objects) {
    if (binding.kind !== "ClusterRoleBinding" && binding.kind !== "RoleBinding") continue;
    const role = isRecord(binding.body["roleRef"]) ? binding.body["roleRef"] : {};
    if (!roles.has(`${textOf(role["kind"]) ?? ""}/${textOf(role["name"]) ?? ""}`)) continue;
    const subjects = binding.body["subjects"];
    for (const subject of Array.isArray(subjects) ? subjects : []) {
      if (!isRecord(subject) || subject["kind"] !== "ServiceAccount") continue;
      accounts.add(textOf(subject["name"]) ?? "");
    }
  }
  return accounts;
}

function createsPods(rule: unknown): boolean {
  if (!isRecord(rule)) return false;
  const has = (field: string, wanted: readonly string[]): boolean => {
    const list = rule[field];
    return Array.isArray(list) && list.some((entry) => typeof entry === "string" && wanted.includes(entry));
  };
  return (
    has("verbs", ["create", "*"]) &&
    has("resources", POD_MAKERS) &&
    has("apiGroups", ["", "apps", "batch", "*"])
  );
}

function serviceAccountOf(object: RenderedObject): string | undefined {
  for (const { map } of maps(object.body)) {
    const spec: Json = map;
    if (!Array.isArray(spec["containers"])) continue;
    return textOf(spec["serviceAccountName"]) ?? textOf(spec["serviceAccount"]);
  }
  return undefined;
}
