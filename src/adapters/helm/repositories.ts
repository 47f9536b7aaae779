// The chart repositories that the user's own helm knows by name (`helm repo add`).
import { ViolaError } from "../../errors.js";
import type { FetchContext } from "./fetch-chart.js";
import { runHelmOnline } from "./helm-runner.js";

export interface HelmRepository {
  readonly name: string;
  readonly url: string;
}

/** Returns NAME of a repository written as `@NAME` (or `alias:NAME`, as Chart.yaml has it), undefined for a URL. */
export function repositoryName(repository: string): string | undefined {
  return /^(?:@|alias:)(.+)$/.exec(repository)?.[1];
}

/**
 * Returns the user's entry for a repository given by `@NAME` or URL; undefined for a URL that helm has no name for.
 * Throws `CHART_UNAVAILABLE` for an unknown name, with the names that there are.
 */
export async function findRepository(
  repository: string,
  home: string,
  context: FetchContext,
): Promise<HelmRepository | undefined> {
  const argv = [context.helm, "repo", "list", "--output", "json"];
  // helm fails where no repository was ever added.
  const text = await runHelmOnline(argv, home, context.environment, context.signal).catch(() => "[]");
  context.signal.throwIfAborted();
  const known = JSON.parse(text) as readonly HelmRepository[];
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
