// Runs helm with its own cache folders, so that parallel runs and the user's caches do not affect
// each other.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { redactText } from "../../core/redact.js";
import { DEFAULT_STALL_TIMEOUT_MS } from "../http/stall.js";
import { createTemporaryFolder } from "../files/user-folders.js";
import { runProcess, type ProcessError, type ProcessRun } from "../programs/run-process.js";

/** The settings for fetching charts. */
export interface FetchSettings {
  /** Hosts, with port, that may use plain HTTP and whose certificates are not verified. */
  readonly insecure: readonly string[];
  /**
   * Returns the certificates for a server. When it is absent or returns none, helm uses its default
   * certificates.
   */
  readonly certificatesFor?: (server: URL) => Promise<FetchCertificates>;
  /** How long a server may send nothing. Helm has no such limit for registries. */
  readonly stallTimeoutMs?: number;
}

/** The paths of PEM files. */
export interface FetchCertificates {
  /** All trusted certificates, including the default ones of helm. */
  readonly caFile?: string;
  readonly client?: { readonly file: string; readonly keyFile: string };
}

/**
 * Proxy variables that make every network access fail: the proxy is on a port where nothing listens
 * (discard, RFC 863), without exceptions.
 */
export const NO_NETWORK = {
  HTTP_PROXY: "http://127.0.0.1:9",
  HTTPS_PROXY: "http://127.0.0.1:9",
  ALL_PROXY: "http://127.0.0.1:9",
  NO_PROXY: "",
};

/** Calls `work` with a new folder and removes the folder afterwards. */
export async function withTemporaryFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await createTemporaryFolder("viola-airgap-helm-");
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Runs helm with network access. It uses the user's repositories, credentials and proxies from
 * `environment`, but keeps its caches in `home`. Throws `ProcessError`, also when it receives no data
 * for the stall timeout (see `findStall`).
 */
export async function runHelmOnline(
  argv: readonly string[],
  home: string,
  environment: Readonly<Record<string, string>>,
  run: ProcessRun & { readonly settings?: FetchSettings },
): Promise<string> {
  const stallMs = run.settings?.stallTimeoutMs ?? DEFAULT_STALL_TIMEOUT_MS;
  const env = {
    ...environment,
    HELM_CACHE_HOME: join(home, "cache"),
    HELM_REPOSITORY_CACHE: join(home, "repositories"),
  };
  return (await runProcess(argv, { ...processRun(run), env, stallMs })).stdout;
}

/** Returns how long helm received no data, if this is why it was ended: `no data for 60 s`. */
export function findStall({ exitCode, cause }: ProcessError): string | undefined {
  return exitCode === undefined && cause instanceof Error && /^no data for /.test(cause.message)
    ? cause.message
    : undefined;
}

/**
 * Runs helm with no network, no configuration, no plugins and no cluster. Throws `ProcessError`.
 */
export async function runHelmOffline(
  argv: readonly string[],
  home: string,
  run: ProcessRun,
): Promise<string> {
  const env = {
    ...NO_NETWORK,
    HOME: home,
    TMPDIR: home,
    HELM_CACHE_HOME: join(home, "cache"),
    HELM_CONFIG_HOME: join(home, "config"),
    HELM_DATA_HOME: join(home, "data"),
    KUBECONFIG: join(home, "no-kubeconfig"),
  };
  return (await runProcess(argv, { ...processRun(run), cwd: home, env })).stdout;
}

/** Callers pass contexts that have more fields. */
function processRun({ signal, onActivity }: ProcessRun): ProcessRun {
  return { signal, onActivity };
}

/**
 * Returns the error message of helm as one line, without passwords in URLs: the text after the last
 * `Error: `.
 */
export function helmMessage(error: ProcessError): string {
  if (error.exitCode === undefined) return error.message;
  const text = redactText(error.stderrTail.trim());
  const start = text.lastIndexOf("Error: ");
  const message = start < 0 ? text : text.slice(start + "Error: ".length);
  return message === "" ? error.message : message.replaceAll(/(?<!\s)\s*\n\s*/g, " ");
}

/** Patterns of the network errors of Go, and the reasons for the user. */
const NO_ANSWER: readonly (readonly [RegExp, string])[] = [
  [/no such host/, "host name not found"],
  [/server misbehaving|temporary failure in name resolution/i, "its host name could not be resolved"],
  [/connection refused/, "connection refused"],
  [/network is unreachable|no route to host/, "no route to the host"],
  [/i\/o timeout|deadline exceeded|Client\.Timeout/, "no response in time"],
  [/connection reset|unexpected EOF|: EOF\b/, "the connection was closed"],
];

/**
 * Returns why the server could not be reached, or undefined when the message is about a response of
 * the server.
 */
export function describeNoAnswer(message: string): string | undefined {
  return NO_ANSWER.find(([pattern]) => pattern.test(message))?.[1];
}
