// Refuses a damaged bundle before anything is done with it.
import { oneOrMany, ViolaError } from "../../errors.js";
import type { BundleReader, OpenBundle } from "../ports.js";
import type { OnProgress } from "../progress.js";
import { verifyBundle } from "./verify.js";

/** Verifies the bundle. Throws `BUNDLE_INVALID` for everything that is wrong with it. */
export async function requireIntact(
  bundle: OpenBundle,
  { reader, signal }: { readonly reader: BundleReader; readonly signal: AbortSignal },
  onProgress: OnProgress,
): Promise<void> {
  const { problems } = await verifyBundle(bundle, reader, onProgress, signal);
  const errors = problems.map(
    ({ message, subject }) =>
      new ViolaError("BUNDLE_INVALID", message, {
        subject,
        hint: "Copy the bundle again from where it was built; no node was touched.",
      }),
  );
  if (errors.length > 0) throw oneOrMany(`${bundle.file} is damaged`, errors);
}
