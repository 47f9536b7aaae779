// What kubectl prints with `--output=json`, checked.
import { z } from "zod";
import { isRecord, type Json } from "../../core/json.js";
import { parseJson } from "../../core/parse-json.js";
import { ViolaError } from "../../errors.js";

const LIST = z.object({ items: z.array(z.custom<Json>(isRecord, "must be an object")) });

/** Throws `CLUSTER_UNREACHABLE` with the path of the field that is not as Kubernetes documents it. */
export function parseAnswer<T>(text: string, schema: z.ZodType<T>): T {
  return parseJson(text, schema, (what, cause) => {
    return new ViolaError("CLUSTER_UNREACHABLE", `kubectl printed something unexpected: ${what}`, {
      subject: "kubectl",
      hint: "See what `kubectl get pods -A --output=json` prints with this kubeconfig and context.",
      cause,
    });
  });
}

/** Returns the objects of a list. */
export function parseItems(text: string): readonly Json[] {
  return parseAnswer(text, LIST).items;
}
