// The chart repositories that the user added with `helm repo add`.
import { access } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { parseJson } from "../../core/parse-json.js";
import { ViolaError } from "../../errors.js";
import { ProcessError, type ProcessRun } from "../programs/run-process.js";
import { helmMessage, runHelmOnline } from "./helm-runner.js";

const REPOSITORIES = z.array(z.object({ name: z.string(), url: z.string() }));

/** The error of old Helm 3 releases without any repository. Helm 3.17 and 4.1 print an empty list. */
const NO_REPOSITORIES = "no repositories to show";

export type HelmRepository = z.infer<typeof REPOSITORIES>[number];

/** The settings for listing repositories, a part of `FetchContext`. */
interface ListContext extends ProcessRun {
  readonly helm: string;
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * Returns NAME for a repository in the form `@NAME` or `alias:NAME`, as in Chart.yaml, and
 * undefined for a URL.
 */
export function repositoryName(repository: string): string | undefined {
  return /^(?:@|alias:)(.+)$/.exec(repository)?.[1];
}

/**
 * Returns the repositories of the user, or none when none was added. Helm keeps its caches in
 * `home`.
 */
export async function listRepositories(
  home: string,
  context: ListContext,
): Promise<readonly HelmRepository[]> {
  const { helm, environment } = context;
  const unusable = (what: string, cause?: Error): ViolaError =>
    new ViolaError("CHART_UNAVAILABLE", `helm could not list the chart repositories: ${what}`, {
      subject: "helm repo list",
      cause,
    });
  let text: string;
  try {
    text = await runHelmOnline([helm, "repo", "list", "--output", "json"], home, environment, context);
  } catch (cause) {
    if (!(cause instanceof ProcessError)) throw cause;
    const said = helmMessage(cause);
    if (said === NO_REPOSITORIES) return [];
    throw unusable(said, cause);
  }
  return parseJson(text, REPOSITORIES, unusable);
}

/**
 * Returns the user's entry for a repository in the form `@NAME` or URL, or undefined for a URL
 * without an entry. `known` are all entries of the user. Throws `CHART_UNAVAILABLE` for an unknown name, with the list of known names.
 */
export function findRepository(
  repository: string,
  known: readonly HelmRepository[],
): HelmRepository | undefined {
  const name = repositoryName(repository);
  if (name === undefined) return known.find(({ url }) => withoutSlash(url) === withoutSlash(repository));
  const found = known.find((one) => one.name === name);
  if (found !== undefined) return found;
  const there = known.length === 0 ? "none was added" : `known: ${known.map((one) => one.name).join(", ")}`;
  throw new ViolaError("CHART_UNAVAILABLE", `chart repository ${name} is not known to helm; ${there}`, {
    subject: name,
    hint: `Run helm repo add ${name} URL, or specify the repository by its URL. For a chart folder, check that the path exists.`,
  });
}

/**
 * Returns whether the user probably added repositories: whether their file is in a place that helm
 * documents for it (`helm help`), on any system. Only `listRepositories` knows for certain.
 */
export async function probablyHasRepositories(
  environment: Readonly<Record<string, string>>,
): Promise<boolean> {
  const { HELM_REPOSITORY_CONFIG: file, HELM_CONFIG_HOME, XDG_CONFIG_HOME, HOME = "", APPDATA } = environment;
  const folders = [XDG_CONFIG_HOME, join(HOME, ".config"), join(HOME, "Library", "Preferences"), APPDATA];
  const places = [
    file,
    HELM_CONFIG_HOME && join(HELM_CONFIG_HOME, "repositories.yaml"),
    ...folders.map((folder) => folder && join(folder, "helm", "repositories.yaml")),
  ];
  const found = await Promise.allSettled(
    places.filter((place) => place !== undefined).map((one) => access(one)),
  );
  return found.some(({ status }) => status === "fulfilled");
}

function withoutSlash(url: string): string {
  return url.replace(/\/+$/, "");
}
