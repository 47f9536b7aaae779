// What an audit says about newer versions: the part of the report, and the charts that it asks for.
import type { InventoryRelease } from "../bundle/inventory.js";
import type { ChartSource } from "../charts/chart.js";
import type { ChartSpec } from "../spec/bundle-spec.js";
import type { ChartDependencyFacts, ChartFacts } from "./audit-facts.js";
import type { Newer } from "./newer-versions.js";

/** Newer versions of images and charts. Both lists have only what is outdated. */
export interface Outdated {
  readonly images: readonly OutdatedImage[];
  readonly charts: readonly OutdatedChart[];
  readonly notChecked: readonly NotChecked[];
  /** Numbers of images and charts whose versions were compared. */
  readonly checked: { readonly images: number; readonly charts: number };
}

/** The newest tags of an image's kind. */
export interface OutdatedImage extends Newer<NewerTag> {
  readonly normalized: string;
  /** Its tag. */
  readonly current: string;
}

export interface NewerTag {
  readonly tag: string;
  /** Compressed bytes more than now for the same platforms; null when not known. */
  readonly sizeChange: number | null;
}

export interface OutdatedChart extends Newer<NewerChart> {
  readonly release: string;
  readonly namespace: string;
  /** The chart, or after a slash one of its dependencies: `shop/db`. */
  readonly chart: string;
  readonly current: string;
}

export interface NewerChart {
  readonly version: string;
}

export interface NotChecked {
  /** A normalized reference, or a chart and its version. */
  readonly subject: string;
  /**
   * `no-version`: the tag is a word, a date or a commit. `no-tag`: the reference has only a digest.
   * `unavailable`: the list was refused or could not be fetched. `not-listed`: the repository does
   * not list the chart. `no-source`: it is not known where the chart comes from.
   */
  readonly code: "no-version" | "no-tag" | "unavailable" | "not-listed" | "no-source";
  readonly reason: string;
}

/** A chart whose newer versions are asked for. */
export interface ChartToCheck {
  readonly release: string;
  readonly namespace: string;
  readonly chart: string;
  readonly current: string;
  /** Its name in the repository. */
  readonly name: string;
  /** URL, `@NAME`, or an `oci://` reference of the chart itself; undefined when not known. */
  readonly repository: string | undefined;
}

/**
 * Returns the charts of the releases, and the dependencies that these charts declare. Deeper
 * dependencies are chosen by the authors of charts, and local charts have no newer versions. Charts
 * of `specs` come from their sources there, and others from the repository in the inventory.
 */
export function chartsToCheck(
  releases: readonly InventoryRelease[],
  charts: readonly ChartFacts[],
  specs: readonly Pick<ChartSpec, "release" | "namespace" | "source">[] = [],
): readonly ChartToCheck[] {
  return releases.flatMap((release): readonly ChartToCheck[] => {
    const { name, namespace, chart } = release;
    const own = charts.filter((one) => one.package === `${chart.name}-${chart.version}`);
    const dependencies = own.find(({ path }) => !path.includes("/"))?.dependencies ?? [];
    const spec = specs.find((one) => one.release === name && one.namespace === namespace);
    const head = { release: name, namespace };
    return [
      ...placesOf(release, spec?.source).map((place) => ({
        ...head,
        chart: chart.name,
        current: chart.version,
        ...place,
      })),
      ...dependencies.filter(isRemote).map((dependency) => {
        const packed = own.find(({ path }) => path === `${chart.name}/charts/${dependency.name}`);
        const { repository } = dependency;
        return {
          ...head,
          chart: `${chart.name}/${dependency.name}`,
          current: packed?.version ?? dependency.version,
          name: dependency.name,
          repository: repository.startsWith("oci://") ? `${repository}/${dependency.name}` : repository,
        };
      }),
    ];
  });
}

function isRemote({ repository }: ChartDependencyFacts): boolean {
  return /^(?:https?|oci):\/\/|^@|^alias:/.test(repository);
}

/** Returns where the chart comes from; nothing for a local one. */
function placesOf(
  { chart }: InventoryRelease,
  source: ChartSource | undefined,
): readonly Pick<ChartToCheck, "name" | "repository">[] {
  switch (source?.kind) {
    case undefined:
      return [{ name: chart.name, repository: chart.repository }];
    case "repository":
      return [{ name: source.name, repository: source.repository }];
    case "oci":
      return [{ name: chart.name, repository: source.reference }];
    case "archive":
    case "folder":
      return [];
  }
}
