// The size of an object when `kubectl apply` stores it in an annotation.
import { parseYaml, toValue, AS_KUBERNETES } from "../parse-yaml.js";

/**
 * The limit of all annotations of an object: TotalAnnotationSizeLimitB in
 * https://github.com/kubernetes/kubernetes/blob/v1.30.2/staging/src/k8s.io/apimachinery/pkg/api/validation/objectmeta.go
 */
export const APPLY_LIMIT_BYTES = 262_144;

/** JSON has quotes, braces and commas where block style has line breaks: measured on definitions. */
const BYTES_PER_LINE = 3.14;
/** Estimates of definitions of three projects were between 0.957 and 1.012 of the size. */
const LOW = 0.95;
const HIGH = 1.02;

/**
 * Returns about how many bytes the annotation `kubectl.kubernetes.io/last-applied-configuration` of
 * the object has, or undefined when it is below the limit. The text is parsed only when an estimate
 * is close to the limit: a definition of 700 kB takes half a second to parse.
 */
export function findApplyExcess(text: string): number | undefined {
  if (text.length <= APPLY_LIMIT_BYTES) return undefined;
  const estimate = estimateJson(text);
  if (estimate < APPLY_LIMIT_BYTES * LOW) return undefined;
  const bytes = estimate > APPLY_LIMIT_BYTES * HIGH ? estimate : measureJson(text);
  return bytes > APPLY_LIMIT_BYTES ? bytes : undefined;
}

function estimateJson(text: string): number {
  let bytes = escapeBytes(text);
  for (const line of text.split("\n")) {
    const content = line.trim();
    if (content !== "" && !content.startsWith("#")) bytes += content.length + BYTES_PER_LINE;
  }
  return Math.round(bytes);
}

function measureJson(text: string): number {
  const json = JSON.stringify(toValue(parseYaml(text, AS_KUBERNETES)));
  return Buffer.byteLength(json) + escapeBytes(json);
}

/** kubectl writes JSON with Go, which escapes <, > and & with six characters. */
function escapeBytes(text: string): number {
  return 5 * (text.match(/[<>&]/g)?.length ?? 0);
}
