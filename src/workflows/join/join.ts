// Writes the parts of a bundle to one file again.
import { ViolaError } from "../../errors.js";
import type { BundlePart, BundleReader } from "../ports.js";
import type { Run } from "../progress.js";

export interface JoinPorts {
  readonly reader: Pick<BundleReader, "openBundle">;
  readonly joinParts: (run: Run, parts: readonly BundlePart[], target: string) => Promise<void>;
}

export interface JoinReport {
  readonly file: string;
  readonly size: number;
  readonly parts: readonly BundlePart[];
}

/** Checks every part. Throws `BUNDLE_INVALID` for all that are missing or damaged, or `FILE_UNUSABLE`. */
export async function joinBundle(
  run: Run,
  { part, target }: { readonly part: string; readonly target: string },
  { reader, joinParts }: JoinPorts,
): Promise<JoinReport> {
  const { parts, size } = await reader.openBundle(part);
  if (parts === undefined) {
    throw new ViolaError("USAGE", `${part} is a whole bundle`, {
      subject: part,
      hint: "Name a part, such as app.bundle.001.",
    });
  }
  await joinParts(run, parts, target);
  return { file: target, size, parts };
}
