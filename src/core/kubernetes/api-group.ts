// API groups: which groups are built into Kubernetes, and which belong to custom resources.

/** Groups that Kubernetes itself serves. Their objects name images only in Pod specs. */
const BUILT_IN_GROUPS = new Set([
  "",
  "admissionregistration.k8s.io",
  "apiextensions.k8s.io",
  "apiregistration.k8s.io",
  "apps",
  "authentication.k8s.io",
  "authorization.k8s.io",
  "autoscaling",
  "batch",
  "certificates.k8s.io",
  "coordination.k8s.io",
  "discovery.k8s.io",
  "events.k8s.io",
  "extensions",
  "flowcontrol.apiserver.k8s.io",
  "networking.k8s.io",
  "node.k8s.io",
  "policy",
  "rbac.authorization.k8s.io",
  "resource.k8s.io",
  "scheduling.k8s.io",
  "storage.k8s.io",
]);

/**
 * True for an API version that is served through a CustomResourceDefinition or an aggregated API
 * server.
 */
export function isCustom(apiVersion: string): boolean {
  return !BUILT_IN_GROUPS.has(groupOf(apiVersion));
}

/** Returns the group of an API version; empty for the core group. */
export function groupOf(apiVersion: string): string {
  const slash = apiVersion.indexOf("/");
  return slash < 0 ? "" : apiVersion.slice(0, slash);
}
