// What kubectl prints with `--output=json`, checked.
import * as z from "zod";
import { isRecord, type Json } from "../../core/json.js";
import { parseJson, type JsonLimits } from "../../core/parse-json.js";
import { ViolaError } from "../../errors.js";

const LIST = z.object({ items: z.array(z.custom<Json>(isRecord, "must be an object")) });

/** All Pods of a cluster of 3,000 have about 30 MB. */
const LIMITS: JsonLimits = { length: 32 * 1024 * 1024, depth: 200, values: 1_000_000 };

/** Throws `CLUSTER_UNREACHABLE` with the path of the field that is not as Kubernetes documents it. */
export function parseAnswer<T>(text: string, schema: z.ZodType<T>): T {
  const complain = (what: string, cause?: SyntaxError): ViolaError =>
    new ViolaError("CLUSTER_UNREACHABLE", `kubectl printed something unexpected: ${what}`, {
      subject: "kubectl",
      hint: "See what `kubectl get pods -A --output=json` prints with this kubeconfig and context.",
      cause,
    });
  return parseJson(text, schema, complain, LIMITS);
}

/** Returns the objects of a list. */
export function parseItems(text: string): readonly Json[] {
  return parseAnswer(text, LIST).items;
}
