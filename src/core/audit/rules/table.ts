// The rules of the audit, most severe first.
import { LARGE_IMAGE, LARGE_LAYER, OLD_IMAGE, PLATFORM_MISSING, REBUILT, ROOT_USER } from "./content.js";
import { DEPRECATED_API, LARGE_DEFINITION, PULL_POLICY, REMOVED_API } from "./cluster.js";
import { EXCLUDED, LOW_CONFIDENCE, SILENCED, TEST_ONLY, UNKNOWN_OPERATOR, UNPINNED_CHART } from "./list.js";
import { DUPLICATE_VERSIONS, MUTABLE_TAG, NO_DIGEST, UNQUALIFIED_NAME } from "./references.js";
import type { Rule } from "./rule.js";

/**
 * The rules with a fixed id, in the order of `AUDIT_RULE_IDS`. Each warning about the list of images
 * has a rule `warning:CODE`.
 */
export const RULES: readonly Rule[] = [
  REMOVED_API,
  PLATFORM_MISSING,
  UNKNOWN_OPERATOR,
  PULL_POLICY,
  MUTABLE_TAG,
  DUPLICATE_VERSIONS,
  DEPRECATED_API,
  LARGE_IMAGE,
  LARGE_LAYER,
  OLD_IMAGE,
  LARGE_DEFINITION,
  TEST_ONLY,
  UNQUALIFIED_NAME,
  LOW_CONFIDENCE,
  UNPINNED_CHART,
  ROOT_USER,
  NO_DIGEST,
  REBUILT,
  EXCLUDED,
  SILENCED,
];
