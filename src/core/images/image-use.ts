// An image that a release can start, and the evidence for it.

import type { NormalizedReference } from "./reference.js";

/** How certain it is that a release can start this image. */
export type Confidence = "certain" | "high" | "medium" | "low";

/** One place that names an image, or one rule that implies it. */
export interface Evidence {
  /**
   * Id of the rule, such as `pod-spec`, `custom-resource`, `flag`,
   * `operator:grafana-agent-operator`, `spec`.
   */
  readonly rule: string;
  /** The chart as `NAME-VERSION`; empty when the evidence is not from a chart. */
  readonly chart: string;
  readonly template: string;
  /** `Kind namespace/name`, or `Kind name` without a namespace. */
  readonly object: string;
  /** Path of the field, such as `spec.template.spec.containers[0].image`. */
  readonly path: string;
  /** The value of the field, as written. */
  readonly value: string;
  /** Why the rule implies the image; absent when the value is the image. */
  readonly because?: string;
  /** The Helm hooks of the object; absent when it is not a hook. */
  readonly hooks?: readonly string[];
  /** The release that the object belongs to; absent when the evidence is not from a release. */
  readonly release?: string;
  /** The recommended labels of the object; absent when it has none. */
  readonly labels?: ComponentLabels;
  /** What runs the image, when an operator does so for custom resources. */
  readonly workloads?: readonly OperatorWorkload[];
}

/**
 * `app.kubernetes.io/name` and `app.kubernetes.io/component`
 * (https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/).
 */
export interface ComponentLabels {
  readonly name?: string;
  readonly component?: string;
}

/** What an operator creates for a custom resource. */
export interface OperatorWorkload {
  /** The kind that runs the image, such as `StatefulSet`. */
  readonly kind: string;
  /** The name of the program, such as `prometheus`; absent when not known. */
  readonly component?: string;
  /** The custom resource, as in `Evidence.object`. */
  readonly object: string;
  readonly template: string;
  readonly release?: string;
  readonly labels?: ComponentLabels;
}

/** One image. All places and spellings that name it are merged. */
export interface ImageUse {
  /** The reference as written in the chart; the first one when there are several spellings. */
  readonly reference: string;
  /** The reference with registry, repository, and tag, digest or both. */
  readonly normalized: NormalizedReference;
  /** False when only `helm test` starts the image, or when no rendered object uses it. */
  readonly required: boolean;
  readonly confidence: Confidence;
  readonly evidence: readonly Evidence[];
}

/** A warning about the list of images. */
export interface FindingWarning {
  /** A stable identifier such as `template-unreadable` or `unknown-operator`. */
  readonly code: string;
  /** What is not known. */
  readonly message: string;
  /** The command that provides the missing information, and the field of the spec to change. */
  readonly hint?: string;
  readonly chart?: string;
  readonly template?: string;
  readonly object?: string;
  /** Images of the operator that the warning is about, as written in the object. */
  readonly images?: readonly string[];
  /** True when the list of images may be incomplete. `--strict` then exits with 1. */
  readonly incomplete: boolean;
  /** The reason in the spec why the warning is settled. */
  readonly silenced?: string;
}

/** An image that an operator starts and whose version is not known. */
export interface UnresolvedImage {
  /** The repository with its registry, such as `quay.io/thanos/thanos`. */
  readonly repository: string;
  /** The image of the operator, as in `FindingWarning.images`. */
  readonly operatorImage: string;
  /** The tag if this release follows the rule of other releases, such as the operator's own tag. */
  readonly expectedTag?: string;
  /** Variables that give the version, the first that is set; the operator's image may set them. */
  readonly variables?: readonly string[];
  /** True when the image is required as soon as its version is known. */
  readonly required: boolean;
  /** Why the operator starts it; the value is the repository. */
  readonly evidence: Evidence;
}

/** The images found, sorted by `normalized`, and the warnings. */
export interface Findings {
  readonly images: readonly ImageUse[];
  /** Images that are not in `images` because their version is not known; absent when there are none. */
  readonly unresolved?: readonly UnresolvedImage[];
  readonly warnings: readonly FindingWarning[];
}
