// A Kind cluster of one's own, made and taken away by the `kind` command.
import { isSystemError, ViolaError } from "../../errors.js";
import { ProcessError, runProcess } from "../programs/run-process.js";

export interface KindClusterInput {
  readonly name: string;
  /** Path of the configuration. */
  readonly config: string;
  /** Path of the kubeconfig to write; the user's own is left alone. */
  readonly kubeconfig: string;
}

/** Kind waits so long until the control plane is ready. */
const READY_WAIT = "--wait=3m";
/** Taking a cluster away goes on after an interruption, but not for ever. */
const DELETE_MS = 2 * 60_000;

/** Throws `CLUSTER_NOT_FOUND` where there is no kind in PATH. */
export async function requireKind(env: Readonly<Record<string, string>>, signal: AbortSignal): Promise<void> {
  try {
    await runProcess(["kind", "version"], { env, signal });
  } catch (error) {
    throw error instanceof ProcessError ? failure(error) : error;
  }
}

/**
 * Makes the cluster and returns what takes it away again, which never throws; what a failed or interrupted attempt left is taken away before it
 * rejects. Throws `CLUSTER_NOT_FOUND` with what kind said, or the signal's reason.
 */
export async function createKindCluster(
  { name, config, kubeconfig }: KindClusterInput,
  env: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<() => Promise<void>> {
  const remove = async (): Promise<void> => {
    const argv = ["kind", "delete", "cluster", "--name", name, "--kubeconfig", kubeconfig];
    await runProcess(argv, { env, signal: AbortSignal.timeout(DELETE_MS) }).catch(() => undefined);
  };
  const argv = ["kind", "create", "cluster", "--name", name, "--config", config];
  try {
    await runProcess([...argv, "--kubeconfig", kubeconfig, READY_WAIT], {
      env,
      signal,
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
      "no cluster is named, and there is no kind in PATH to make one",
      {
        subject: "kind",
        hint: "Name one with --to kind:CLUSTER, or install kind: https://kind.sigs.k8s.io/docs/user/quick-start/",
      },
    );
  }
  const lines = error.stderrTail.split("\n").filter((line) => /^ERROR|^Command Output/.test(line));
  const said = lines.join(" ") || error.message;
  return new ViolaError("CLUSTER_NOT_FOUND", `kind could not make a cluster: ${said}`, {
    subject: "kind",
    hint: "Give its configuration with --kind-config, or name a cluster that is there with --to kind:CLUSTER.",
    cause: error,
  });
}
