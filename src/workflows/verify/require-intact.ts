// Refuses a damaged bundle before anything is done with it.
import { oneOrMany, settleAll, ViolaError } from "../../errors.js";
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

/**
 * Verifies the bundle while `ask` learns from a target what it has, and returns what it learned. Where the target fails, verifying ends at
 * once: it takes minutes for a large bundle, and nothing would come of it. Throws the target's failure, and `BUNDLE_INVALID`.
 */
export async function verifyWhileAsking<T>(
  run: Run,
  bundle: OpenBundle,
  ask: () => Promise<T>,
  ports: VerifyPorts,
): Promise<T> {
  const failed = new AbortController();
  const asking = ask().catch((cause: unknown) => {
    failed.abort(cause);
    throw cause;
  });
  const signal = AbortSignal.any([run.signal, failed.signal]);
  const verifying = requireIntact({ ...run, signal }, bundle, ports).catch((cause: unknown) => {
    if (!failed.signal.aborted || cause !== failed.signal.reason) throw cause;
  });
  const [answer] = await settleAll("the bundle was not loaded", [asking, verifying]);
  return answer;
}
