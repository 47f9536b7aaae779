// Refuses a damaged bundle before anything is done with it.
import { oneOrMany, ViolaError } from "../../errors.js";
import type { OpenBundle } from "../ports.js";
import type { Run } from "../progress.js";
import { verifyBundle, type VerifyPorts } from "./verify.js";

/** Verifies the bundle. Throws `BUNDLE_INVALID` for everything that is wrong with it. */
export async function requireIntact(run: Run, bundle: OpenBundle, ports: VerifyPorts): Promise<void> {
  const { problems } = await verifyBundle(run, bundle, ports);
  const errors = problems.map(
    ({ message, subject }) =>
      new ViolaError("BUNDLE_INVALID", message, {
        subject,
        hint: "Copy the bundle again from where it was built; nothing was loaded.",
      }),
  );
  if (errors.length > 0) throw oneOrMany(`${bundle.file} is damaged`, errors);
}
