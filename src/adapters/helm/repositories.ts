// The chart repositories that the user's own helm knows by name (`helm repo add`).
import { z } from "zod";
import { parseJson } from "../../core/parse-json.js";
import { ViolaError } from "../../errors.js";
import { ProcessError } from "../programs/run-process.js";
import { helmMessage, runHelmOnline } from "./helm-runner.js";

const REPOSITORIES = z.array(z.object({ name: z.string(), url: z.string() }));

/** What old releases of Helm 3 fail with where no repository was ever added; 3.17 and 4.1 print an empty list. */
const NO_REPOSITORIES = "no repositories to show";

export type HelmRepository = z.infer<typeof REPOSITORIES>[number];

/** What listing needs; part of `FetchContext`. */
export interface ListContext {
  readonly helm: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/** Returns NAME of a repository written as `@NAME` (or `alias:NAME`, as Chart.yaml has it), undefined for a URL. */
export function repositoryName(repository: string): string | undefined {
  return /^(?:@|alias:)(.+)$/.exec(repository)?.[1];
}

/** Returns the user's entries; helm lists none where no repository was ever added. `home` is a folder for helm's caches. */
async function listRepositories(
  home: string,
  { helm, environment, signal }: ListContext,
): Promise<readonly HelmRepository[]> {
  const unusable = (what: string, cause?: Error): ViolaError =>
    new ViolaError("CHART_UNAVAILABLE", `helm cannot list its repositories: ${what}`, {
      subject: "helm repo list",
      cause,
    });
  let text: string;
  try {
    text = await runHelmOnline([helm, "repo", "list", "--output", "json"], home, environment, signal);
  } catch (cause) {
    if (!(cause instanceof ProcessError)) throw cause;
    const said = helmMessage(cause);
    if (said === NO_REPOSITORIES) return [];
    throw unusable(said, cause);
  }
  return parseJson(text, REPOSITORIES, unusable);
}

/**
 * Returns the user's entry for a repository given by `@NAME` or URL; undefined for a URL that helm has no name for.
 * Throws `CHART_UNAVAILABLE` for an unknown name, with the names that there are.
 */
export async function findRepository(
  repository: string,
  home: string,
  context: ListContext,
): Promise<HelmRepository | undefined> {
  const known = await listRepositories(home, context);
  const name = repositoryName(repository);
  if (name === undefined) return known.find(({ url }) => withoutSlash(url) === withoutSlash(repository));
  const found = known.find((one) => one.name === name);
  if (found !== undefined) return found;
  const there = known.length === 0 ? "it knows none" : `it knows ${known.map((one) => one.name).join(", ")}`;
  throw new ViolaError("CHART_UNAVAILABLE", `helm knows no chart repository ${name}; ${there}`, {
    subject: name,
    hint: `Run helm repo add ${name} URL, or name the repository by its URL; a chart folder must exist.`,
  });
}

function withoutSlash(url: string): string {
  return url.replace(/\/+$/, "");
}
