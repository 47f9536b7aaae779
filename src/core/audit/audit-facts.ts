// What an audit knows besides the inventory: facts from the configs of images, from charts and from
// registries.
import type { ImageUse } from "../images/image-use.js";

/** What the config of an image says. */
export interface ConfigFacts {
  /** As written; it may be invalid. Null when absent. */
  readonly created: string | null;
  /** Empty when the config sets no user. */
  readonly user: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** What Chart.yaml of a packaged chart or of one of its subcharts says. */
export interface ChartFacts {
  /** The packaged chart, as `NAME-VERSION`. */
  readonly package: string;
  /** Path of the chart from the packaged one, such as `shop/charts/db`. */
  readonly path: string;
  readonly name: string;
  readonly version: string;
  readonly appVersion: string | null;
  readonly description: string | null;
  readonly dependencies: readonly ChartDependencyFacts[];
}

export interface ChartDependencyFacts {
  readonly name: string;
  /** Version or range, as written; empty when absent. */
  readonly version: string;
  readonly repository: string;
  readonly alias?: string;
}

/** An image that could not be resolved. Its digest, platforms and sizes are not known. */
export interface UnresolvedUse {
  readonly use: ImageUse;
  /** Why, as a whole sentence without a full stop. */
  readonly reason: string;
}

export interface AuditFacts {
  /** By digest of the config. Those that could not be read are missing. */
  readonly configs: ReadonlyMap<string, ConfigFacts>;
  /** The packaged charts and their subcharts. */
  readonly charts: readonly ChartFacts[];
  /** Absent when all images of the inventory are resolved. */
  readonly unresolved?: readonly UnresolvedUse[];
}

export const NO_FACTS: AuditFacts = { configs: new Map(), charts: [] };
