// Brings a chart from wherever it is into a folder that may be changed.
import { cp, mkdir, readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { ViolaError } from "../../errors.js";
import type { ChartSource } from "../../core/charts/chart.js";
import { ProcessError } from "../programs/run-process.js";
import { unpackChart } from "./chart-archive.js";
import { helmMessage, runHelmOnline, type FetchSettings } from "./helm-runner.js";
import { findRepository } from "./repositories.js";

/** What fetching needs besides the source. */
export interface FetchContext {
  readonly helm: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly settings: FetchSettings;
  readonly signal: AbortSignal;
}

/**
 * Puts the chart into a new folder below `work` and returns that folder; the user's own folder or file stays as it is.
 * Throws `CHART_UNAVAILABLE` naming the chart, where it was looked for, and what was answered.
 */
export async function fetchChart(source: ChartSource, work: string, context: FetchContext): Promise<string> {
  const target = join(work, "chart");
  await mkdir(target, { recursive: true });
  switch (source.kind) {
    case "folder": {
      if (!(await isFile(join(source.folder, "Chart.yaml")))) {
        throw new ViolaError("CHART_UNAVAILABLE", `chart ${source.folder}: no Chart.yaml there`, {
          subject: source.folder,
        });
      }
      return copyChart(source.folder, target);
    }
    case "archive": {
      if (!(await isFile(source.file))) {
        throw new ViolaError("CHART_UNAVAILABLE", `chart ${source.file}: no such file`, {
          subject: source.file,
        });
      }
      return unpackChart(source.file, target);
    }
    case "repository": {
      const known = await findRepository(source.repository, work, context);
      if (known !== undefined) return pullFromKnown(known.name, source);
      // Helm wants the index of every repository it knows when it is given a URL; what is at that URL is enough.
      const environment = {
        ...context.environment,
        HELM_REPOSITORY_CONFIG: join(work, "no-repositories.yaml"),
      };
      return pull(
        [source.name, "--repo", source.repository],
        source.version,
        `${source.name} in ${source.repository}`,
        environment,
      );
    }
    case "oci":
      return pull([source.reference], source.version, source.reference);
  }

  /** The user's name brings the credentials for the repository with it; its index is asked for anew. */
  async function pullFromKnown(
    name: string,
    source: Extract<ChartSource, { kind: "repository" }>,
  ): Promise<string> {
    const subject = `${source.name} in ${source.repository}`;
    const argv = [context.helm, "repo", "update", name];
    try {
      await runHelmOnline(argv, work, context.environment, context.signal);
    } catch (cause) {
      throw unavailable(subject, cause);
    }
    return pull([`${name}/${source.name}`], source.version, subject);
  }

  async function pull(
    what: readonly string[],
    version: string | undefined,
    subject: string,
    environment = context.environment,
  ): Promise<string> {
    const downloads = join(work, "download");
    await mkdir(downloads, { recursive: true });
    const argv = [context.helm, "pull", ...what, "--destination", downloads];
    if (version !== undefined) argv.push("--version", version);
    argv.push(...fetchFlags(what[0] ?? "", context.settings));
    try {
      await runHelmOnline(argv, work, environment, context.signal);
    } catch (cause) {
      throw unavailable(`${subject}${version === undefined ? "" : ` ${version}`}`, cause);
    }
    const [archive] = (await readdir(downloads)).filter((name) => name.endsWith(".tgz"));
    if (archive === undefined) throw unavailable(subject, new Error("helm pull wrote no archive"));
    return unpackChart(join(downloads, archive), target);
  }
}

/** Copies a chart folder into `parent`, links followed as Helm follows them. Returns the copy. */
export async function copyChart(folder: string, parent: string): Promise<string> {
  const copy = join(parent, basename(folder));
  await cp(folder, copy, { recursive: true, dereference: true, filter: (path) => basename(path) !== ".git" });
  return copy;
}

/** Flags of `helm pull` and `helm dependency update` for a chart from this place. */
export function fetchFlags(place: string, settings: FetchSettings): string[] {
  const host = /^oci:\/\/([^/]+)/.exec(place)?.[1];
  const flags = host !== undefined && settings.plainHttp.includes(host) ? ["--plain-http"] : [];
  return settings.caFile === undefined ? flags : [...flags, "--ca-file", settings.caFile];
}

/** The error for a chart that could not be had. Anything that is not helm's answer is thrown on as it is. */
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
