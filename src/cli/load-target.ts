// Targets of `load` and `install`.
import { ViolaError } from "../errors.js";

/** A target of the command line, understood. */
export interface Target {
  readonly kind: "kind";
  readonly cluster?: string;
}

/** Reads `kind` or `kind:CLUSTER`. Throws `USAGE`. */
export function parseTarget(text: string): Target {
  const [kind, cluster, ...more] = text.split(":");
  if (kind !== "kind" || cluster === "" || more.length > 0) {
    throw new ViolaError("USAGE", `"${text}" is no target that this release knows`, {
      subject: text,
      hint: "Write kind or kind:CLUSTER.",
    });
  }
  return { kind, ...(cluster !== undefined && { cluster }) };
}
