// Runs helm with a home of its own, so that parallel runs and the user's caches cannot disturb one another.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ProcessError } from "../programs/run-process.js";
import { runProcess } from "../programs/run-process.js";

/** Settings of the user that concern how charts are fetched. */
export interface FetchSettings {
  /** Registries (host with port) that speak plain HTTP. */
  readonly plainHttp: readonly string[];
  /** PEM file with certificate authorities for chart repositories and registries. */
  readonly caFile?: string | undefined;
}

/** A network that is not there: a proxy on a port where nothing listens (discard, RFC 863), with no exceptions. */
export const NO_NETWORK = {
  HTTP_PROXY: "http://127.0.0.1:9",
  HTTPS_PROXY: "http://127.0.0.1:9",
  ALL_PROXY: "http://127.0.0.1:9",
  NO_PROXY: "",
};

/** Gives `work` a new folder and removes it afterwards. */
export async function withTemporaryFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "viola-airgap-helm-"));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Runs helm to fetch something: the user's repositories, credentials and proxies hold, the cache is `home`'s.
 * `environment` is that of this process. Throws `ProcessError`.
 */
export async function runHelmOnline(
  argv: readonly string[],
  home: string,
  environment: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<string> {
  const env = {
    ...environment,
    HELM_CACHE_HOME: join(home, "cache"),
    HELM_REPOSITORY_CACHE: join(home, "repositories"),
  };
  return (await runProcess(argv, { signal, env })).stdout;
}

/** Runs helm with no network, no configuration, no plugins and no cluster. Throws `ProcessError`. */
export async function runHelmOffline(
  argv: readonly string[],
  home: string,
  signal: AbortSignal,
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
  return (await runProcess(argv, { signal, cwd: home, env })).stdout;
}

/** What helm said went wrong, in one line: its `Error:` line without the word, and what follows it. */
export function helmMessage(error: ProcessError): string {
  const text = error.stderrTail.trim();
  const start = text.lastIndexOf("Error: ");
  const message = start < 0 ? text : text.slice(start + "Error: ".length);
  return message === "" ? error.message : message.replaceAll(/\s*\n\s*/g, " ");
}

/** What Go's network errors say, and the same in plain words. */
const NO_ANSWER: readonly (readonly [RegExp, string])[] = [
  [/no such host/, "host name not found"],
  [/server misbehaving|temporary failure in name resolution/i, "its host name could not be resolved"],
  [/connection refused/, "connection refused"],
  [/network is unreachable|no route to host/, "no route to the host"],
  [/i\/o timeout|deadline exceeded|Client\.Timeout/, "no answer in time"],
  [/connection reset|unexpected EOF|: EOF\b/, "the connection was closed"],
];

/** Returns why the server could not be reached; undefined for a message about something that it answered. */
export function describeNoAnswer(message: string): string | undefined {
  return NO_ANSWER.find(([pattern]) => pattern.test(message))?.[1];
}
