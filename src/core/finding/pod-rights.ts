// RBAC: finds which workloads may create Pods, and the role that allows it.
import type { RenderedObject } from "../charts/rendered-object.js";
import { isRecord, maps, textOf, type Json } from "../json.js";

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

/**
 * Built-in roles that allow creating Pods.
 * https://kubernetes.io/docs/reference/access-authn-authz/rbac/#user-facing-roles
 */
const BUILT_IN_ROLES = ["cluster-admin", "admin", "edit"];

/** A built-in role that aggregates roles by label. */
const VIEW: RoleLike = {
  kind: "ClusterRole",
  name: "view",
  body: {
    aggregationRule: {
      clusterRoleSelectors: [{ matchLabels: { "rbac.authorization.k8s.io/aggregate-to-view": "true" } }],
    },
  },
};

/**
 * Groups of all service accounts, or of those of one namespace.
 * https://kubernetes.io/docs/reference/access-authn-authz/authentication/
 */
const ACCOUNT_GROUP = /^system:(?:authenticated|serviceaccounts(?::(.+))?)$/;

type RoleLike = Pick<RenderedObject, "kind" | "name" | "body">;

/** The right of the Pods of a workload to create Pods. */
export interface PodRight {
  readonly account: string;
  /** The role and what it allows, such as `Role maker allows create deployments`. */
  readonly because: string;
}

/** Returns the right of an object's Pods, or undefined if no rendered role grants it. */
export type PodRights = (object: RenderedObject) => PodRight | undefined;

/**
 * Reads roles and bindings. The namespaces of accounts are ignored, because charts often omit them
 * on one side. This can add a warning but never lose one.
 */
export function readPodRights(objects: readonly RenderedObject[]): PodRights {
  const roles = readRoles(objects);
  const accounts = new Map<string, string>();
  /** Rights of groups by namespace; empty string for all namespaces. */
  const groups = new Map<string, string>();
  for (const binding of objects) {
    if (binding.kind !== "ClusterRoleBinding" && binding.kind !== "RoleBinding") continue;
    const role = isRecord(binding.body["roleRef"]) ? binding.body["roleRef"] : {};
    const right = roles.get(`${textOf(role["kind"]) ?? ""}/${textOf(role["name"]) ?? ""}`);
    if (right === undefined) continue;
    for (const subject of listOf(binding.body["subjects"]).filter(isRecord)) {
      const name = textOf(subject["name"]) ?? "";
      const user = /^system:serviceaccount:[^:]*:(.+)$/.exec(name)?.[1];
      const group = ACCOUNT_GROUP.exec(name);
      if (subject["kind"] === "ServiceAccount") accounts.set(name, right);
      else if (subject["kind"] === "User" && user !== undefined) accounts.set(user, right);
      else if (subject["kind"] === "Group" && group !== null) groups.set(group[1] ?? "", right);
    }
  }
  return (object) => {
    const account = serviceAccountOf(object);
    if (account === undefined) return undefined;
    // An object without a namespace is created in that of the release, which a group may refer to.
    const ofGroup =
      object.namespace === undefined
        ? [...groups.values()][0]
        : (groups.get(object.namespace) ?? groups.get(""));
    const because = accounts.get(account) ?? ofGroup;
    return because === undefined ? undefined : { account, because };
  };
}

/** Returns the roles that allow creating Pods, as `KIND/NAME`, with a description of the right. */
function readRoles(objects: readonly RenderedObject[]): ReadonlyMap<string, string> {
  const roles = [...objects.filter(({ kind }) => kind === "ClusterRole" || kind === "Role"), VIEW];
  const rights = new Map<string, string>();
  for (const name of BUILT_IN_ROLES) rights.set(`ClusterRole/${name}`, `ClusterRole ${name} allows it`);
  for (const role of roles) {
    const isWhole = role.body["aggregationRule"] !== undefined;
    const parts = isWhole ? roles.filter((other) => isAggregated(other, role)) : [];
    const rules = [role, ...parts].flatMap(({ body }) => listOf(body["rules"]));
    const right = rules.map(podRight).find((one) => one !== undefined);
    if (right !== undefined) {
      rights.set(`${role.kind}/${role.name}`, `${role.kind} ${role.name} allows ${right}`);
    }
  }
  return rights;
}

/** True if the control plane aggregates the rules of `part` into `whole`. */
function isAggregated(part: RoleLike, whole: RoleLike): boolean {
  const rule = whole.body["aggregationRule"];
  if (part.kind !== "ClusterRole" || !isRecord(rule)) return false;
  const metadata = part.body["metadata"];
  const labels = isRecord(metadata) && isRecord(metadata["labels"]) ? metadata["labels"] : {};
  return listOf(rule["clusterRoleSelectors"]).some(
    (selector) => isRecord(selector) && isSelected(labels, selector),
  );
}

/** https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors */
function isSelected(labels: Json, selector: Json): boolean {
  const wanted = isRecord(selector["matchLabels"]) ? Object.entries(selector["matchLabels"]) : [];
  return (
    wanted.every(([name, value]) => labels[name] === value) &&
    listOf(selector["matchExpressions"])
      .filter(isRecord)
      .every((expression) => {
        const label = labels[textOf(expression["key"]) ?? ""];
        const isAmong = listOf(expression["values"]).includes(label);
        switch (expression["operator"]) {
          case "In":
            return isAmong;
          case "NotIn":
            return !isAmong;
          case "Exists":
            return label !== undefined;
          default:
            return label === undefined;
        }
      })
  );
}

/** True for a rule of a role or webhook about creating Pods or objects with Pod templates. */
export function createsPods(rule: unknown): boolean {
  return podRight(rule) !== undefined;
}

/**
 * Returns the verb and resources by which a rule allows creating Pods, such as `create
 * deployments`.
 */
function podRight(rule: unknown): string | undefined {
  if (!isRecord(rule)) return undefined;
  const among = (field: string, wanted: readonly string[]): readonly string[] =>
    listOf(rule[field])
      .filter((entry) => typeof entry === "string")
      .filter((entry) => wanted.includes(entry));
  const [verb] = among("verbs", ["create", "*"]);
  const resources = among("resources", POD_MAKERS);
  const isOfPods = among("apiGroups", ["", "apps", "batch", "*"]).length > 0;
  return verb !== undefined && resources.length > 0 && isOfPods
    ? `${verb} ${resources.join(", ")}`
    : undefined;
}

/** Returns the service account of the object's Pods, which is `default` if none is set. */
function serviceAccountOf(object: RenderedObject): string | undefined {
  for (const { map } of maps(object.body)) {
    if (!Array.isArray(map["containers"])) continue;
    return textOf(map["serviceAccountName"]) ?? textOf(map["serviceAccount"]) ?? "default";
  }
  return undefined;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
