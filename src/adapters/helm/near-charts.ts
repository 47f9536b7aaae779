// Explains why a repository does not have a chart, with the charts and versions that it has.
import { join } from "node:path";
import * as z from "zod";
import type { ListedChart } from "../../core/charts/chart-tool.js";
import { findNearest } from "../../core/nearest.js";
import { parseJson } from "../../core/parse-json.js";
import { ViolaError } from "../../errors.js";
import type { FetchContext } from "./fetch-context.js";
import { runHelmOnline } from "./helm-runner.js";

/** Chart names or versions in a hint. */
const MAX_LISTED = 8;
/** The name under which a repository is added that the user has not added. */
const TEMPORARY_NAME = "viola-airgap";

/** The output of `helm search repo --output json`, newest version of each chart first. */
const FOUND = z.array(z.object({ name: z.string(), version: z.string() }));

/** A chart that helm did not find in its repository. */
export interface MissingChart {
  readonly name: string;
  readonly version: string | undefined;
  readonly repository: ListedRepository;
}

/** A repository's name in the user's helm configuration, or its URL with the flags for its server. */
export type ListedRepository =
  | { readonly known: string }
  | { readonly url: string; readonly flags: readonly string[] };

/**
 * Returns what the repository lacks and a hint with what it has, or undefined when helm cannot list
 * its charts.
 */
export async function explainMissingChart(
  chart: MissingChart,
  work: string,
  context: FetchContext,
): Promise<{ readonly message: string; readonly hint: string } | undefined> {
  const found = await listCharts(chart.repository, work, context).catch((cause: unknown) => {
    if (cause instanceof ViolaError) return undefined;
    throw cause;
  });
  if (found === undefined) return undefined;
  const versions = found.filter(({ name }) => name === chart.name).map(({ version }) => version);
  if (versions.length === 0) {
    return {
      message: "the repository has no chart of this name",
      hint: suggest(chart.name, [...new Set(found.map(({ name }) => name))], "Its charts are"),
    };
  }
  return {
    message: "the repository has no such version of the chart",
    hint: suggest(chart.version ?? "", versions, "Its newest versions are"),
  };
}

/**
 * Returns every version of every chart of a repository, pre-releases included. A repository that
 * helm knows must be up to date. Throws `ProcessError`, and `CHART_UNAVAILABLE` for unreadable output.
 */
export async function listCharts(
  repository: ListedRepository,
  work: string,
  context: FetchContext,
): Promise<readonly ListedChart[]> {
  const { helm } = context;
  const isKnown = "known" in repository;
  const name = isKnown ? repository.known : TEMPORARY_NAME;
  const environment = isKnown
    ? context.environment
    : { ...context.environment, HELM_REPOSITORY_CONFIG: join(work, "near-repositories.yaml") };
  if (!isKnown) {
    const added = [helm, "repo", "add", "--force-update", ...repository.flags, "--", name, repository.url];
    await runHelmOnline(added, work, environment, context);
  }
  const search = [helm, "search", "repo", "--versions", "--devel", "--output", "json", "--", `${name}/`];
  const text = await runHelmOnline(search, work, environment, context);
  const unreadable = (what: string): ViolaError =>
    new ViolaError("CHART_UNAVAILABLE", `helm search repo returned no list: ${what}`);
  const prefix = `${name}/`;
  return parseJson(text, FOUND, unreadable)
    .filter((chart) => chart.name.startsWith(prefix))
    .map((chart) => ({ ...chart, name: chart.name.slice(prefix.length) }));
}

function suggest(wanted: string, there: readonly string[], what: string): string {
  if (there.length === 0) return "It has no charts.";
  const near = findNearest(wanted, there);
  const listed = there.slice(0, MAX_LISTED).join(", ");
  const more = there.length > MAX_LISTED ? ` and ${there.length - MAX_LISTED} more` : "";
  return `${near === undefined ? "" : `Did you mean ${near}? `}${what} ${listed}${more}.`;
}
