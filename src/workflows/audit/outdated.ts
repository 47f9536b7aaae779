// Asks registries and chart repositories for newer versions of what a bundle contains.
import pLimit from "p-limit";
import { findNewerTags, findNewerVersions, LEVELS, type Newer } from "../../core/audit/newer-versions.js";
import type {
  ChartToCheck,
  NewerChart,
  NewerTag,
  NotChecked,
  Outdated,
  OutdatedChart,
  OutdatedImage,
} from "../../core/audit/outdated.js";
import type { AuditImage } from "../../core/audit/report.js";
import type { ChartRepositories } from "../../core/charts/chart-tool.js";
import { countOf } from "../../core/count-of.js";
import { groupBy } from "../../core/group-by.js";
import { formatRepository, parseReference } from "../../core/images/reference.js";
import { parsePlatform } from "../../core/oci/platform.js";
import { redactUrl } from "../../core/redact.js";
import { ViolaError } from "../../errors.js";
import type { ImageRepository, TagRegistry } from "../ports.js";
import type { Run } from "../progress.js";

/** What is compared with the registries. */
export interface OutdatedInput {
  readonly images: readonly Pick<AuditImage, "normalized" | "compressedBytes" | "platforms">[];
  readonly charts: readonly ChartToCheck[];
}

export interface OutdatedPorts {
  readonly tags: TagRegistry;
  readonly charts: ChartRepositories;
  /** How many repositories are asked at once. */
  readonly concurrency: number;
}

/**
 * Returns the newer versions. Each list is requested once. What is refused, or cannot be fetched, is
 * in `notChecked` and not an error. A registry that is unavailable, because it cannot be reached or
 * limits requests, is not asked again.
 * Throws only the signal's reason.
 */
export async function findOutdated(run: Run, input: OutdatedInput, ports: OutdatedPorts): Promise<Outdated> {
  const images = groupBy(input.images, ({ normalized }) => formatRepository(parseReference(normalized)));
  const charts = groupBy(input.charts, ({ repository }) => repository);
  const { progress } = run;
  const total = images.size + charts.size;
  progress({ kind: "started", step: "outdated", title: "Looking for newer versions", total });
  const limit = pLimit(ports.concurrency);
  const asked: Asked = { run, ports, unavailable: new Map() };
  let done = 0;
  const counted = <T>(detail: string, work: () => Promise<T>): Promise<T> =>
    limit(async () => {
      const result = await work();
      progress({ kind: "advanced", step: "outdated", done: ++done, detail });
      return result;
    });
  const [ofImages, ofCharts] = await Promise.all([
    Promise.all([...images].map(([name, group]) => counted(name, () => checkRepository(group, asked)))),
    Promise.all(
      [...charts].map(([name, group]) => counted(shownPlace(name), () => checkCharts(group, asked))),
    ),
  ]);
  const results = { images: ofImages.flat(), charts: ofCharts.flat() };
  const all = [...results.images, ...results.charts];
  const outdated = all.filter(({ found }) => found !== undefined).length;
  progress({ kind: "ended", step: "outdated", summary: `${countOf(outdated, "entry", "entries")} outdated` });
  return {
    images: results.images.flatMap(({ found }) => found ?? []),
    charts: results.charts.flatMap(({ found }) => found ?? []),
    notChecked: all.flatMap(({ notChecked }) => notChecked ?? []),
    checked: {
      images: results.images.filter(({ notChecked }) => notChecked === undefined).length,
      charts: results.charts.filter(({ notChecked }) => notChecked === undefined).length,
    },
  };
}

/** The state of one search. */
interface Asked {
  readonly run: Run;
  readonly ports: OutdatedPorts;
  /** The errors of registries that are not asked again, by host. */
  readonly unavailable: Map<string, ViolaError>;
}

/** The result for one image or chart; without fields when it is up to date. */
interface Checked<T> {
  readonly found?: T;
  readonly notChecked?: NotChecked;
}

type ImageInput = OutdatedInput["images"][number];

async function checkRepository(
  images: readonly ImageInput[],
  asked: Asked,
): Promise<readonly Checked<OutdatedImage>[]> {
  const tagged = images.map((image) => ({ image, tag: parseReference(image.normalized).tag }));
  // A tag that is no version needs no list.
  const isVersion = (tag: string | undefined): boolean =>
    tag !== undefined && findNewerTags(tag, []) !== undefined;
  const [first] = images;
  if (first === undefined) return [];
  const list = tagged.some(({ tag }) => isVersion(tag))
    ? await listTags(parseReference(first.normalized), asked)
    : [];
  return Promise.all(
    tagged.map(async ({ image, tag }): Promise<Checked<OutdatedImage>> => {
      const refuse = (code: NotChecked["code"], reason: string): Checked<OutdatedImage> => ({
        notChecked: { subject: image.normalized, code, reason },
      });
      if (tag === undefined) return refuse("no-tag", "it is pinned by its digest alone");
      if (!isVersion(tag)) return refuse("no-version", `the tag ${tag} is not a version`);
      if (list instanceof ViolaError) return refuse("unavailable", list.message);
      const newer = findNewerTags(tag, list) ?? {};
      if (Object.keys(newer).length === 0) return {};
      return {
        found: { normalized: image.normalized, current: tag, ...(await measure(image, newer, asked)) },
      };
    }),
  );
}

/** Adds the change of the size to each tag. */
async function measure(image: ImageInput, newer: Newer<string>, asked: Asked): Promise<Newer<NewerTag>> {
  const { registry, repository } = parseReference(image.normalized);
  const platforms = image.platforms.map(({ platform }) => parsePlatform(platform));
  const tags: [string, NewerTag][] = [];
  for (const level of LEVELS) {
    const tag = newer[level];
    if (tag === undefined) continue;
    const size = await ask(registry, asked, ({ tags: registries }, signal) =>
      registries.measureImage({ registry, repository, tag }, platforms, signal),
    );
    const isKnown = size !== undefined && !(size instanceof ViolaError);
    tags.push([level, { tag, sizeChange: isKnown ? size - image.compressedBytes : null }]);
  }
  return Object.fromEntries(tags);
}

async function checkCharts(
  charts: readonly ChartToCheck[],
  asked: Asked,
): Promise<readonly Checked<OutdatedChart>[]> {
  const [first] = charts;
  if (first === undefined) return [];
  const list = await listVersions(first.repository, asked);
  return charts.map(({ release, namespace, chart, current, name }): Checked<OutdatedChart> => {
    const refuse = (code: NotChecked["code"], reason: string): Checked<OutdatedChart> => ({
      notChecked: { subject: `${chart} ${current}`, code, reason },
    });
    if (list === undefined) return refuse("no-source", "it is not known where the chart comes from");
    if (list instanceof ViolaError) return refuse("unavailable", list.message);
    const versions = list.flatMap((one) =>
      one.name === undefined || one.name === name ? [one.version] : [],
    );
    if (versions.length === 0) return refuse("not-listed", "the repository does not list the chart");
    const newer = findNewerVersions(current, versions);
    if (newer === undefined) return refuse("no-version", `${current} is not a semantic version`);
    if (Object.keys(newer).length === 0) return {};
    const byLevel: Newer<NewerChart> = Object.fromEntries(
      Object.entries(newer).map(([level, version]) => [level, { version }]),
    );
    return { found: { release, namespace, chart, current, ...byLevel } };
  });
}

/** Host, path, and the tag that helm accepts. */
const OCI_CHART = /^oci:\/\/([^/]+)\/(.+?)(?::[^/:]*)?$/;

/** Returns the versions in a repository. Those of an `oci://` reference are all of one chart. */
async function listVersions(
  repository: string | undefined,
  asked: Asked,
): Promise<readonly { readonly name?: string; readonly version: string }[] | ViolaError | undefined> {
  if (repository === undefined) return undefined;
  if (repository.startsWith("oci://")) {
    const [, registry = "", path = ""] = OCI_CHART.exec(repository) ?? [];
    const tags = await listTags({ registry, repository: path }, asked);
    // Tags have no plus sign, so helm writes an underscore (pkg/registry of Helm).
    return tags instanceof ViolaError ? tags : tags.map((tag) => ({ version: tag.replaceAll("_", "+") }));
  }
  return ask(repository, asked, ({ charts }, signal) => charts.listCharts(repository, signal));
}

function listTags(
  { registry, repository }: ImageRepository,
  asked: Asked,
): Promise<readonly string[] | ViolaError> {
  return ask(registry, asked, ({ tags }, signal) => tags.listTags({ registry, repository }, signal));
}

/** Returns the error of a server instead of throwing it. */
async function ask<T>(
  server: string,
  { run: { signal }, ports, unavailable }: Asked,
  work: (ports: OutdatedPorts, signal: AbortSignal) => Promise<T>,
): Promise<T | ViolaError> {
  const known = unavailable.get(server);
  if (known !== undefined) return known;
  try {
    return await work(ports, signal);
  } catch (cause) {
    if (signal.aborted || !(cause instanceof ViolaError)) throw cause;
    if (cause.code === "REGISTRY_UNAVAILABLE") unavailable.set(server, cause);
    return cause;
  }
}

/** Returns the repository without the password that its URL may have. */
function shownPlace(repository: string | undefined): string {
  if (repository === undefined) return "charts";
  return URL.canParse(repository) ? redactUrl(new URL(repository)) : repository;
}
