// Image fields of custom resources.
import type { Rule } from "../found.js";
import { isRecord, strings } from "../walk.js";
import { findImageFields } from "./image-fields.js";
import { findInStructure, mayBeStructure } from "./inner-structure.js";

/** Groups that Kubernetes itself serves: their images are in Pod specs and nowhere else. */
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

/** Kinds full of text that only looks like references. */
const TEXT_KINDS = new Set(["PrometheusRule", "GrafanaDashboard"]);

/** Fields of any custom resource whose names say that they hold an image. */
export const CUSTOM_RESOURCE: Rule = {
  id: "custom-resource",
  *find({ apiVersion, kind, body }) {
    if (!isCustom(apiVersion) || TEXT_KINDS.has(kind)) return;
    for (const [key, value] of Object.entries(body)) {
      if (key === "metadata" || key === "status") continue;
      for (const [text, path] of strings(value, [key])) {
        if (mayBeStructure(text)) yield* findInStructure(text, path);
      }
      for (const found of findImageFields(isRecord(value) ? value : { [key]: value }, "high")) {
        const isDeclared = kind === "ClusterServiceVersion" && found.path[0] === "relatedImages";
        yield {
          ...found,
          path: isRecord(value) ? [key, ...found.path] : found.path,
          ...(isDeclared && { isDeclared }),
        };
      }
    }
  },
};

/** True for an API version that a CustomResourceDefinition or an aggregated server brings. */
export function isCustom(apiVersion: string): boolean {
  return !BUILT_IN_GROUPS.has(groupOf(apiVersion));
}

/** Returns the group of an API version; empty for the core group. */
export function groupOf(apiVersion: string): string {
  const slash = apiVersion.indexOf("/");
  return slash < 0 ? "" : apiVersion.slice(0, slash);
}
