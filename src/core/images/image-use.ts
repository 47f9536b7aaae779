// An image that a release can start, with the evidence for it: what the finder returns and everything later reports.

import type { NormalizedReference } from "./reference.js";

/** How sure the finder is that this image can be started. */
export type Confidence = "certain" | "high" | "medium" | "low";

/** One place that names an image, or one rule that implies it. */
export interface Evidence {
  /** Id of the rule, such as `pod-spec`, `custom-resource`, `flag`, `operator:grafana-agent-operator`, `spec`. */
  readonly rule: string;
  /** Chart as `NAME-VERSION`; empty for evidence that is no chart's. */
  readonly chart: string;
  readonly template: string;
  /** `Kind namespace/name`, or `Kind name` without a namespace. */
  readonly object: string;
  /** Path of the field, such as `spec.template.spec.containers[0].image`. */
  readonly path: string;
  /** What stands there, as written. */
  readonly value: string;
  /** Why a rule that implies an image holds; absent where the value is the image. */
  readonly because?: string;
  /** The Helm hooks that the object is for; absent where it is no hook. */
  readonly hooks?: readonly string[];
}

/** One image, however often and under whatever spelling it is named. */
export interface ImageUse {
  /** As the chart writes it, the first spelling met. */
  readonly reference: string;
  /** Registry, repository, tag and/or digest spelled out. */
  readonly normalized: NormalizedReference;
  /** False for what only `helm test` starts, or what no rendered object makes use of. */
  readonly required: boolean;
  readonly confidence: Confidence;
  readonly evidence: readonly Evidence[];
}

/** Something the user must know about the list of images. */
export interface FindingWarning {
  /** Stable word such as `template-unreadable` or `unknown-operator`. */
  readonly code: string;
  /** What is unknown. */
  readonly message: string;
  /** The command that settles it, and what to write into the spec then. */
  readonly hint?: string;
  readonly chart?: string;
  readonly template?: string;
  readonly object?: string;
  /** Images of the operator that the warning is about, as the object writes them. */
  readonly images?: readonly string[];
  /** True when the list of images may be incomplete: `--strict` exits with 1 then. */
  readonly incomplete: boolean;
}

/** The answer of the finder. Images are sorted by `normalized`. */
export interface Findings {
  readonly images: readonly ImageUse[];
  readonly warnings: readonly FindingWarning[];
}
