// Creates and deletes a Kind cluster with the `kind` command.
import { isSystemError, ViolaError } from "../../errors.js";
import { ProcessError, runProcess, type ProcessRun } from "../programs/run-process.js";

export interface KindClusterInput {
  readonly name: string;
  /** Path of the configuration. */
  readonly config: string;
  /** Path of the kubeconfig to write. The kubeconfig of the user is not changed. */
  readonly kubeconfig: string;
}

/** How long Kind waits for the control plane to be ready. */
const READY_WAIT = "--wait=3m";
/** The cluster is also deleted after an interruption, so the deletion needs its own time limit. */
const DELETE_MS = 2 * 60_000;

/** Throws `CLUSTER_NOT_FOUND` when `kind` is not in PATH. */
export async function requireKind(
  env: Readonly<Record<string, string>>,
  { signal, onActivity }: ProcessRun,
): Promise<void> {
  try {
    await runProcess(["kind", "version"], { signal, onActivity, env });
  } catch (error) {
    throw error instanceof ProcessError ? failure(error) : error;
  }
}

/**
 * Creates the cluster and returns the function that deletes it, which never throws. When creation
 * fails or is interrupted, deletes the incomplete cluster before it rejects.
 * Throws `CLUSTER_NOT_FOUND` with the message of kind, or the signal's reason.
 */
export async function createKindCluster(
  { name, config, kubeconfig }: KindClusterInput,
  env: Readonly<Record<string, string>>,
  { signal, onActivity }: ProcessRun,
): Promise<() => Promise<void>> {
  const remove = async (): Promise<void> => {
    const argv = ["kind", "delete", "cluster", `--name=${name}`, `--kubeconfig=${kubeconfig}`];
    await runProcess(argv, { signal: AbortSignal.timeout(DELETE_MS), onActivity, env }).catch(
      () => undefined,
    );
  };
  const argv = ["kind", "create", "cluster", `--name=${name}`, `--config=${config}`];
  try {
    await runProcess([...argv, `--kubeconfig=${kubeconfig}`, READY_WAIT], {
      signal,
      onActivity,
      env,
      killSignal: "SIGTERM",
    });
  } catch (error) {
    await remove();
    if (!(error instanceof ProcessError)) throw error;
    throw failure(error);
  }
  return remove;
}

function failure(error: ProcessError): ViolaError {
  if (isSystemError(error.cause, "ENOENT")) {
    return new ViolaError(
      "CLUSTER_NOT_FOUND",
      "no cluster is specified, and kind, which creates one, is not in PATH",
      {
        subject: "kind",
        hint: "Specify one with --to kind:CLUSTER, or install kind: https://kind.sigs.k8s.io/docs/user/quick-start/",
      },
    );
  }
  const lines = error.stderrTail.split("\n").filter((line) => /^ERROR|^Command Output/.test(line));
  const said = lines.join(" ") || error.message;
  return new ViolaError("CLUSTER_NOT_FOUND", `kind could not create a cluster: ${said}`, {
    subject: "kind",
    hint: "Set its configuration with --kind-config, or specify an existing cluster with --to kind:CLUSTER.",
    cause: error,
  });
}
