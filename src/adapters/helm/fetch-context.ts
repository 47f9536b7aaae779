// What fetching charts with helm works with.
import type { ProcessRun } from "../programs/run-process.js";
import type { FetchSettings } from "./helm-runner.js";
import type { HelmRepository } from "./repositories.js";

/** The program, its environment, and the settings for reaching repositories. */
export interface FetchContext extends ProcessRun {
  readonly helm: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly settings: FetchSettings;
  /** Returns the user's repositories. Helm is asked for them once. */
  readonly repositories: () => Promise<readonly HelmRepository[]>;
}
