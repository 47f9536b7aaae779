// What an audit knows besides the inventory: facts from the configs of images and from charts.

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
}

export interface AuditFacts {
  /** By digest of the config. Those that could not be read are missing. */
  readonly configs: ReadonlyMap<string, ConfigFacts>;
  /** The packaged charts and their subcharts. */
  readonly charts: readonly ChartFacts[];
}

export const NO_FACTS: AuditFacts = { configs: new Map(), charts: [] };
