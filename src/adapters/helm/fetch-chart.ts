// Brings a chart from wherever it is onto this machine: the archive of a packaged one, a copy of a folder.
import { cp, mkdir, readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { ViolaError } from "../../errors.js";
import type { ChartSource } from "../../core/charts/chart.js";
import { ProcessError } from "../programs/run-process.js";
import { describeNoAnswer, helmMessage, runHelmOnline, type FetchSettings } from "./helm-runner.js";
import { findRepository, type HelmRepository } from "./repositories.js";

/** What fetching needs besides the source. */
export interface FetchContext {
  readonly helm: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly settings: FetchSettings;
  readonly signal: AbortSignal;
}

/** A chart that helm downloads. */
export type RemoteSource = Extract<ChartSource, { kind: "repository" | "oci" }>;

/**
 * Returns the archive of a chart that is no folder, downloaded into `work` where it is not on this machine.
 * Throws `CHART_UNAVAILABLE` naming the chart, where it was looked for, and what was answered.
 */
export async function fetchArchive(
  source: Exclude<ChartSource, { kind: "folder" }>,
  work: string,
  context: FetchContext,
): Promise<string> {
  if (source.kind !== "archive") return downloadChart(source, work, context);
  if (await isFile(source.file)) return source.file;
  throw new ViolaError("CHART_UNAVAILABLE", `chart ${source.file}: no such file`, { subject: source.file });
}

/** Copies a chart folder into `parent`, links followed as Helm follows them. Returns the copy. Throws `CHART_UNAVAILABLE`. */
export async function copyChart(folder: string, parent: string): Promise<string> {
  if (!(await isFile(join(folder, "Chart.yaml")))) {
    throw new ViolaError("CHART_UNAVAILABLE", `chart ${folder}: no Chart.yaml there`, { subject: folder });
  }
  const copy = join(parent, basename(folder));
  await cp(folder, copy, { recursive: true, dereference: true, filter: (path) => basename(path) !== ".git" });
  return copy;
}

/**
 * Downloads a chart with helm and returns the archive, in a new folder below `work`. A version may be a constraint, which helm
 * reads. No other repository that the user's helm knows is asked. Throws `CHART_UNAVAILABLE`.
 */
export async function downloadChart(
  source: RemoteSource,
  work: string,
  context: FetchContext,
): Promise<string> {
  const version = source.version === undefined ? "" : ` ${source.version}`;
  if (source.kind === "oci") {
    const host = /^oci:\/\/([^/]+)/.exec(source.reference)?.[1] ?? source.reference;
    const chart = { subject: `${source.reference}${version}`, place: host };
    return pullChart([source.reference], source, chart, work, context);
  }
  const chart = { subject: `${source.name}${version} in ${source.repository}`, place: source.repository };
  const known = await findRepository(source.repository, work, context);
  if (known !== undefined) {
    await updateKnown(known, chart, work, context);
    return pullChart([`${known.name}/${source.name}`], source, chart, work, context);
  }
  // Helm wants the index of every repository it knows when it is given a URL; what is at that URL is enough.
  const environment = { ...context.environment, HELM_REPOSITORY_CONFIG: join(work, "no-repositories.yaml") };
  const what = [source.name, "--repo", source.repository];
  return pullChart(what, source, chart, work, { ...context, environment });
}

/** What errors say about a chart. */
interface WantedChart {
  readonly subject: string;
  /** The repository, or the registry's host. */
  readonly place: string;
}

/** Gets the index of a repository anew; the user's name brings the credentials with it. */
async function updateKnown(
  { name, url }: HelmRepository,
  { subject }: WantedChart,
  work: string,
  { helm, environment, signal }: FetchContext,
): Promise<void> {
  let output: string;
  let cause: unknown;
  try {
    output = await runHelmOnline([helm, "repo", "update", name], work, environment, signal);
  } catch (error) {
    if (!(error instanceof ProcessError)) throw error;
    output = error.stdoutTail;
    cause = error;
  }
  // Helm 3 ends with 0 all the same, and both write the reason to stdout.
  const reason = /Unable to get an update from .*\n\s*(.+)/.exec(output)?.[1];
  if (reason !== undefined) throw noChart(subject, url, reason, cause);
  if (cause !== undefined) throw unavailable(subject, cause);
}

async function pullChart(
  what: readonly string[],
  { version }: RemoteSource,
  { subject, place }: WantedChart,
  work: string,
  { helm, environment, settings, signal }: FetchContext,
): Promise<string> {
  const downloads = join(work, "download");
  await mkdir(downloads, { recursive: true });
  const argv = [helm, "pull", ...what, "--destination", downloads];
  if (version !== undefined) argv.push("--version", version);
  argv.push(...fetchFlags(what[0] ?? "", settings));
  try {
    await runHelmOnline(argv, work, environment, signal);
  } catch (cause) {
    if (!(cause instanceof ProcessError)) throw cause;
    throw noChart(subject, place, helmMessage(cause), cause);
  }
  const [archive] = (await readdir(downloads)).filter((name) => name.endsWith(".tgz"));
  if (archive === undefined) throw noChart(subject, place, "helm pull wrote no archive", undefined);
  return join(downloads, archive);
}

/** Flags of `helm pull` for a chart from this place. */
function fetchFlags(place: string, settings: FetchSettings): string[] {
  const host = /^oci:\/\/([^/]+)/.exec(place)?.[1];
  const flags = host !== undefined && settings.plainHttp.includes(host) ? ["--plain-http"] : [];
  return settings.caFile === undefined ? flags : [...flags, "--ca-file", settings.caFile];
}

/** The error for a chart that could not be fetched: its place could not be reached, or gave the answer that helm reports. */
function noChart(subject: string, place: string, message: string, cause: unknown): ViolaError {
  const reason = describeNoAnswer(message);
  const text = reason === undefined ? message : `${place} could not be reached (${reason})`;
  return new ViolaError("CHART_UNAVAILABLE", `chart ${subject}: ${text}`, { subject, cause });
}

/** The error for a chart that helm refuses. Anything that is not helm's answer is thrown on as it is. */
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
