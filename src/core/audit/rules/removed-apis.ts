// API versions that releases of Kubernetes stopped serving.
// Source: https://kubernetes.io/docs/reference/using-api/deprecation-guide/ (up to v1.32).

export interface RemovedApi {
  readonly apiVersion: string;
  readonly kinds: readonly string[];
  /** The first release without it, as `MAJOR.MINOR`. */
  readonly removed: string;
  /** The API version to use, or what to use instead. */
  readonly replacement: string;
}

const api = (apiVersion: string, kinds: string, removed: string, replacement: string): RemovedApi => ({
  apiVersion,
  kinds: kinds.split(" "),
  removed,
  replacement,
});

/** Newest first. */
export const REMOVED_APIS: readonly RemovedApi[] = [
  api(
    "flowcontrol.apiserver.k8s.io/v1beta3",
    "FlowSchema PriorityLevelConfiguration",
    "1.32",
    "flowcontrol.apiserver.k8s.io/v1",
  ),
  api(
    "flowcontrol.apiserver.k8s.io/v1beta2",
    "FlowSchema PriorityLevelConfiguration",
    "1.29",
    "flowcontrol.apiserver.k8s.io/v1",
  ),
  api("storage.k8s.io/v1beta1", "CSIStorageCapacity", "1.27", "storage.k8s.io/v1"),
  api(
    "flowcontrol.apiserver.k8s.io/v1beta1",
    "FlowSchema PriorityLevelConfiguration",
    "1.26",
    "flowcontrol.apiserver.k8s.io/v1",
  ),
  api("autoscaling/v2beta2", "HorizontalPodAutoscaler", "1.26", "autoscaling/v2"),
  api("batch/v1beta1", "CronJob", "1.25", "batch/v1"),
  api("discovery.k8s.io/v1beta1", "EndpointSlice", "1.25", "discovery.k8s.io/v1"),
  api("events.k8s.io/v1beta1", "Event", "1.25", "events.k8s.io/v1"),
  api("autoscaling/v2beta1", "HorizontalPodAutoscaler", "1.25", "autoscaling/v2"),
  api("policy/v1beta1", "PodDisruptionBudget", "1.25", "policy/v1"),
  api("policy/v1beta1", "PodSecurityPolicy", "1.25", "Pod security admission"),
  api("node.k8s.io/v1beta1", "RuntimeClass", "1.25", "node.k8s.io/v1"),
  api(
    "admissionregistration.k8s.io/v1beta1",
    "MutatingWebhookConfiguration ValidatingWebhookConfiguration",
    "1.22",
    "admissionregistration.k8s.io/v1",
  ),
  api("apiextensions.k8s.io/v1beta1", "CustomResourceDefinition", "1.22", "apiextensions.k8s.io/v1"),
  api("apiregistration.k8s.io/v1beta1", "APIService", "1.22", "apiregistration.k8s.io/v1"),
  api("authentication.k8s.io/v1beta1", "TokenReview", "1.22", "authentication.k8s.io/v1"),
  api(
    "authorization.k8s.io/v1beta1",
    "LocalSubjectAccessReview SelfSubjectAccessReview SubjectAccessReview",
    "1.22",
    "authorization.k8s.io/v1",
  ),
  api("certificates.k8s.io/v1beta1", "CertificateSigningRequest", "1.22", "certificates.k8s.io/v1"),
  api("coordination.k8s.io/v1beta1", "Lease", "1.22", "coordination.k8s.io/v1"),
  api("extensions/v1beta1", "Ingress", "1.22", "networking.k8s.io/v1"),
  api("networking.k8s.io/v1beta1", "Ingress IngressClass", "1.22", "networking.k8s.io/v1"),
  api(
    "rbac.authorization.k8s.io/v1beta1",
    "ClusterRole ClusterRoleBinding Role RoleBinding",
    "1.22",
    "rbac.authorization.k8s.io/v1",
  ),
  api("scheduling.k8s.io/v1beta1", "PriorityClass", "1.22", "scheduling.k8s.io/v1"),
  api(
    "storage.k8s.io/v1beta1",
    "CSIDriver CSINode StorageClass VolumeAttachment",
    "1.22",
    "storage.k8s.io/v1",
  ),
  api("extensions/v1beta1", "NetworkPolicy", "1.16", "networking.k8s.io/v1"),
  api("extensions/v1beta1", "PodSecurityPolicy", "1.16", "Pod security admission"),
  api("extensions/v1beta1", "DaemonSet Deployment ReplicaSet", "1.16", "apps/v1"),
  api("apps/v1beta1", "Deployment ReplicaSet StatefulSet", "1.16", "apps/v1"),
  api("apps/v1beta2", "DaemonSet Deployment ReplicaSet StatefulSet", "1.16", "apps/v1"),
];

/** Returns the entry of an API version and kind, or undefined if every release serves it. */
export function findRemovedApi(apiVersion: string, kind: string): RemovedApi | undefined {
  return REMOVED_APIS.find((one) => one.apiVersion === apiVersion && one.kinds.includes(kind));
}
