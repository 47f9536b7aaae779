// Fetches the archive of a chart: downloads it, or finds the file.
import { mkdir, mkdtemp, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { redactUrl } from "../../core/redact.js";
import { ViolaError } from "../../errors.js";
import type { ChartSource } from "../../core/charts/chart.js";
import type { ListedChart } from "../../core/charts/chart-tool.js";
import { ProcessError } from "../programs/run-process.js";
import { proxyFor } from "../http/proxy.js";
import type { FetchContext } from "./fetch-context.js";
import { describeNoAnswer, findStall, helmMessage, runHelmOnline } from "./helm-runner.js";
import { explainMissingChart, listCharts, type MissingChart } from "./near-charts.js";
import {
  findRepository,
  probablyHasRepositories,
  repositoryName,
  type HelmRepository,
} from "./repositories.js";

/** A chart that helm downloads. */
export type RemoteSource = Extract<ChartSource, { kind: "repository" | "oci" }>;
type RepositorySource = Extract<ChartSource, { kind: "repository" }>;

/**
 * Returns the archive of a chart that is not a folder. Downloads a remote chart into `work`.
 * Throws `CHART_UNAVAILABLE` with the chart, its location and the reason.
 */
export async function fetchArchive(
  source: Exclude<ChartSource, { kind: "folder" }>,
  work: string,
  context: FetchContext,
): Promise<string> {
  if (source.kind !== "archive") return downloadChart(source, work, context);
  if (await isFile(source.file)) return source.file;
  throw new ViolaError("CHART_UNAVAILABLE", `chart ${source.file}: the file does not exist`, {
    subject: source.file,
  });
}

/**
 * Downloads a chart with helm into a folder in `work` and returns the archive. The version may be a
 * constraint, which helm resolves. The other repositories of the user are not contacted.
 * Throws `CHART_UNAVAILABLE`.
 */
export async function downloadChart(
  source: RemoteSource,
  work: string,
  context: FetchContext,
): Promise<string> {
  const version = source.version === undefined ? "" : ` ${source.version}`;
  if (source.kind === "oci") {
    const host = /^oci:\/\/([^/]+)/.exec(source.reference)?.[1] ?? source.reference;
    const chart = {
      subject: `${source.reference}${version}`,
      place: host,
      version: source.version,
    };
    return pullChart({ ...chart, name: source.reference, server: host }, work, context);
  }
  const place = shownRepository(source.repository);
  const chart = {
    subject: `${source.name}${version} in ${place}`,
    place,
    version: source.version,
  };
  const early = await startEarly(source, chart, work, context);
  try {
    const known = findRepository(source.repository, await context.repositories());
    if (known === undefined) return await (early?.archive ?? pullFromUrl(source, chart, work, context));
    await updateKnown(known, chart, work, context);
    const pulled = {
      ...chart,
      name: `${known.name}/${source.name}`,
      server: known.url,
    };
    const missing = {
      name: source.name,
      version: source.version,
      repository: { known: known.name },
    };
    return await pullChart({ ...pulled, missing }, work, context);
  } finally {
    await early?.stop();
  }
}

/** A download that began before helm has listed the repositories. */
interface EarlyPull {
  readonly archive: Promise<string>;
  readonly stop: () => Promise<void>;
}

/**
 * Begins to download from the URL of a repository if the user probably has no repositories, which helm
 * lists meanwhile.
 */
async function startEarly(
  source: RepositorySource,
  chart: WantedChart,
  work: string,
  context: FetchContext,
): Promise<EarlyPull | undefined> {
  if (repositoryName(source.repository) !== undefined) return undefined;
  if (await probablyHasRepositories(context.environment)) return undefined;
  const stop = new AbortController();
  const signal = AbortSignal.any([context.signal, stop.signal]);
  const folder = await mkdtemp(join(work, "early-"));
  const archive = pullFromUrl(source, chart, folder, { ...context, signal });
  // Whoever waits for it gets the error.
  archive.catch(() => undefined);
  return {
    archive,
    stop: async () => {
      stop.abort();
      await archive.catch(() => undefined);
    },
  };
}

/** Downloads from a repository that the user has not added. */
async function pullFromUrl(
  source: RepositorySource,
  chart: WantedChart,
  work: string,
  context: FetchContext,
): Promise<string> {
  // With `--repo URL`, helm also loads the index of every configured repository. Only the one at
  // the URL is needed.
  const environment = {
    ...context.environment,
    HELM_REPOSITORY_CONFIG: join(work, "no-repositories.yaml"),
  };
  const { flags } = await optionsFor(source.repository, context);
  const url = source.repository;
  const pulled = { ...chart, name: source.name, repository: url, server: url };
  const missing = {
    name: source.name,
    version: source.version,
    repository: { url, flags },
  };
  return pullChart({ ...pulled, missing }, work, { ...context, environment });
}

/**
 * Returns every version of every chart of a repository, which is a URL or `@NAME`. The other
 * repositories of the user are not contacted.
 * Throws `CHART_UNAVAILABLE`.
 */
export async function listRepositoryCharts(
  repository: string,
  work: string,
  context: FetchContext,
): Promise<readonly ListedChart[]> {
  const place = shownRepository(repository);
  const subject = `index of ${place}`;
  const known = findRepository(repository, await context.repositories());
  try {
    if (known === undefined) {
      const { flags } = await optionsFor(repository, context);
      return await listCharts({ url: repository, flags }, work, context);
    }
    await updateKnown(known, { subject }, work, context);
    return await listCharts({ known: known.name }, work, context);
  } catch (cause) {
    if (!(cause instanceof ProcessError)) throw cause;
    throw noChart(subject, place, helmMessage(cause), cause);
  }
}

/** Returns the repository without the password that its URL may have. */
function shownRepository(repository: string): string {
  if (!URL.canParse(repository) || !repository.includes("@")) return repository;
  return redactUrl(new URL(repository));
}

/** The version of a chart, and the parts of error messages about it. */
interface WantedChart {
  readonly subject: string;
  readonly version: string | undefined;
  /** The repository without its password, or the registry's host. */
  readonly place: string;
}

/** A chart as `helm pull` is asked for it. */
interface PulledChart extends WantedChart {
  readonly name: string;
  /** URL of the repository, when the name is a name in one that is not configured. */
  readonly repository?: string;
  /** URL of the repository, or the registry's host. */
  readonly server: string;
  /** For a chart that may be missing in a repository with an index. */
  readonly missing?: MissingChart;
}

/** Updates the index of a repository by its name, because helm finds its credentials by name. */
async function updateKnown(
  { name, url }: HelmRepository,
  { subject }: Pick<WantedChart, "subject">,
  work: string,
  context: FetchContext,
): Promise<void> {
  const { helm, environment } = context;
  const env = {
    ...environment,
    ...(await optionsFor(url, context)).environment,
  };
  let output: string;
  let cause: unknown;
  try {
    output = await runHelmOnline([helm, "repo", "update", "--", name], work, env, context);
  } catch (error) {
    if (!(error instanceof ProcessError)) throw error;
    const stall = findStall(error);
    if (stall !== undefined) throw stalled(subject, url, stall, error);
    output = error.stdoutTail;
    cause = error;
  }
  // Helm 3 exits with 0 even when the update failed. Helm 3 and 4 write the reason to stdout.
  const reason = /Unable to get an update from .*\n\s*(.+)/.exec(output)?.[1];
  if (reason !== undefined) throw noChart(subject, url, reason, cause);
  if (cause !== undefined) throw unavailable(subject, cause);
}

/** Messages of Helm 3 and 4 about a chart or version that the index of a repository does not have. */
const NOT_IN_INDEX = /\bnot found in\b|no chart (?:name|version) found/;

async function pullChart(
  { name: chart, repository, version, subject, place, server: host, missing }: PulledChart,
  work: string,
  context: FetchContext,
): Promise<string> {
  const { helm, environment } = context;
  const downloads = join(work, "download");
  await mkdir(downloads, { recursive: true });
  const options = [`--destination=${downloads}`];
  if (repository !== undefined) options.push(`--repo=${repository}`);
  if (version !== undefined) options.push(`--version=${version}`);
  const server = await optionsFor(host, context);
  const pull = (flags: readonly string[]): Promise<string> =>
    runHelmOnline(
      [helm, "pull", ...options, ...flags, "--", chart],
      work,
      { ...environment, ...server.environment },
      context,
    );
  try {
    await pull(server.flags).catch((cause: unknown) => {
      if (server.plainFlags === undefined || !isPlainServer(cause)) throw cause;
      return pull(server.plainFlags);
    });
  } catch (cause) {
    if (!(cause instanceof ProcessError)) throw cause;
    const stall = findStall(cause);
    if (stall !== undefined) throw stalled(subject, place, stall, cause);
    const message = helmMessage(cause);
    const isMissing = missing !== undefined && NOT_IN_INDEX.test(message);
    const explained = isMissing ? await explainMissingChart(missing, work, context) : undefined;
    if (explained === undefined) throw noChart(subject, place, message, cause);
    throw new ViolaError("CHART_UNAVAILABLE", `chart ${subject}: ${explained.message}`, {
      subject,
      hint: explained.hint,
      cause,
    });
  }
  const [archive] = (await readdir(downloads)).filter((name) => name.endsWith(".tgz"));
  if (archive === undefined) throw noChart(subject, place, "helm pull wrote no archive", undefined);
  return join(downloads, archive);
}

/** The TLS options of helm for a server. */
interface ServerOptions {
  /** Flags of `helm pull`. */
  readonly flags: readonly string[];
  /** Flags for a registry that does not speak TLS, if plain HTTP is allowed. */
  readonly plainFlags?: readonly string[];
  /** Environment variables for commands without such flags. Go reads SSL_CERT_FILE on Linux. */
  readonly environment: Readonly<Record<string, string>>;
}

/** Returns the options for the URL of a repository or the host of a registry. */
async function optionsFor(
  place: string,
  { environment, settings: { insecure, certificatesFor } }: Pick<FetchContext, "environment" | "settings">,
): Promise<ServerOptions> {
  const isOci = !place.includes("://");
  const text = isOci ? `https://${place}` : place;
  if (!URL.canParse(text)) return { flags: [], environment: {} };
  const server = new URL(text);
  const { caFile, client } = (await certificatesFor?.(server)) ?? {};
  const isInsecure = insecure.includes(server.host);
  // Helm 3 goes past the proxy to a registry when it has this flag. Go reads the file on Linux.
  const hasFlag = caFile !== undefined && !(isOci && usesProxy(server, environment));
  return {
    flags: [
      ...(isInsecure ? ["--insecure-skip-tls-verify"] : []),
      ...(hasFlag ? [`--ca-file=${caFile}`] : []),
      ...(client === undefined ? [] : [`--cert-file=${client.file}`, `--key-file=${client.keyFile}`]),
    ],
    // Helm ignores this flag beside those for TLS.
    ...(isInsecure && isOci && { plainFlags: ["--plain-http"] }),
    environment: caFile === undefined ? {} : { SSL_CERT_FILE: caFile },
  };
}

/** True if programs in Go reach the server through a proxy. */
function usesProxy(server: URL, environment: FetchContext["environment"]): boolean {
  try {
    return proxyFor(server, environment) !== undefined;
  } catch {
    // Helm knows other kinds of proxies, such as socks5://.
    return true;
  }
}

/** True if helm spoke TLS to a server with plain HTTP. The message is that of Go's HTTP client. */
function isPlainServer(cause: unknown): boolean {
  return cause instanceof ProcessError && cause.stderrTail.includes("HTTP response to HTTPS client");
}

const UNREACHABLE = "Check that it can be reached from here, or set a proxy in HTTPS_PROXY.";
/** What to do, by the message of helm. */
const HINTS: readonly (readonly [RegExp, string])[] = [
  [
    /: not found$/,
    "Check the name and the version. Some registries give this answer to users who are not logged in: helm registry login HOST.",
  ],
  [
    /proxyconnect|Proxy Authentication Required/i,
    "Check address, user and password of the proxy in HTTPS_PROXY.",
  ],
  [
    /x509: .*(?:expired|not yet valid)/,
    "Check the clock of this machine, and the certificate of the server.",
  ],
  [/x509: /, "Set ca in the settings to the certificate of the authority, or add the host to insecure."],
  [
    /\b40[13] (?:Unauthorized|Forbidden)|unauthorized|denied/i,
    "Log in with helm registry login HOST, or for a repository with helm repo add NAME URL --username USER.",
  ],
];

/**
 * Returns the error for a chart that could not be fetched. Either its location could not be
 * reached, or the message of helm states the reason.
 */
function noChart(subject: string, place: string, message: string, cause: unknown): ViolaError {
  const reason = describeNoAnswer(message);
  const text = reason === undefined ? message : `${place} could not be reached (${reason})`;
  const hint = HINTS.find(([pattern]) => pattern.test(message))?.[1] ?? (reason && UNREACHABLE);
  return new ViolaError("CHART_UNAVAILABLE", `chart ${subject}: ${text}`, {
    subject,
    cause,
    ...(hint !== undefined && { hint }),
  });
}

/** Returns the error for a server that accepted a request and then sent nothing. */
function stalled(subject: string, place: string, stall: string, cause: unknown): ViolaError {
  return new ViolaError("CHART_UNAVAILABLE", `chart ${subject}: ${place} stopped responding (${stall})`, {
    subject,
    cause,
    hint: "Try again, or set a longer stallTimeout in the settings.",
  });
}

/**
 * Returns the error for a chart that helm rejects. Rethrows an error that is not a `ProcessError`.
 */
export function unavailable(subject: string, cause: unknown): ViolaError {
  if (!(cause instanceof ProcessError)) throw cause;
  return new ViolaError("CHART_UNAVAILABLE", `chart ${subject}: ${helmMessage(cause)}`, { subject, cause });
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}
