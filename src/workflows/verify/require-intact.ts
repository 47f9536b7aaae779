// Rejects a damaged bundle before it is used.
import { oneOrMany, settleAll, ViolaError } from "../../errors.js";
import type { OpenBundle } from "../ports.js";
import type { Run } from "../progress.js";
import { verifyBundle, type VerifyPorts } from "./verify.js";

/** Verifies the bundle. Throws `BUNDLE_INVALID` for each problem. */
export async function requireIntact(run: Run, bundle: OpenBundle, ports: VerifyPorts): Promise<void> {
  const { problems } = await verifyBundle(run, bundle, ports);
  const errors = problems.map(
    ({ message, subject }) =>
      new ViolaError("BUNDLE_INVALID", message, {
        subject,
        hint: "Copy the bundle again from where it was built. Nothing was loaded.",
      }),
  );
  if (errors.length > 0) throw oneOrMany(`${bundle.file} is damaged`, errors);
}

/**
 * Verifies a bundle whose signature was verified, so that nothing of it is used that was not signed.
 * Without keys, a bundle is only checked as far as each command needs. Throws `BUNDLE_INVALID`.
 */
export async function requireSignedIntact(run: Run, bundle: OpenBundle, ports: VerifyPorts): Promise<void> {
  if (bundle.signature?.keyId !== undefined) await requireIntact(run, bundle, ports);
}

/**
 * Verifies the bundle while `query` asks a target for its content, and returns the answer. When the
 * query fails, verifying stops, because it takes minutes for a large bundle. Throws the error of the
 * query and `BUNDLE_INVALID`.
 */
export async function verifyDuringQuery<T>(
  run: Run,
  bundle: OpenBundle,
  query: () => Promise<T>,
  ports: VerifyPorts,
): Promise<T> {
  const failed = new AbortController();
  const querying = query().catch((cause: unknown) => {
    failed.abort(cause);
    throw cause;
  });
  const signal = AbortSignal.any([run.signal, failed.signal]);
  const verifying = requireIntact({ ...run, signal }, bundle, ports).catch((cause: unknown) => {
    if (!failed.signal.aborted || cause !== failed.signal.reason) throw cause;
  });
  const [answer] = await settleAll("the bundle was not loaded", [querying, verifying]);
  return answer;
}
