// Implements ReleaseTool with the helm program, version 3 or 4.
import * as z from "zod";
import type { OnActivity } from "../../core/activity.js";
import { ViolaError, type ErrorCode } from "../../errors.js";
import type {
  ReleaseInput,
  ReleaseName,
  ReleaseRemover,
  ReleaseState,
  ReleaseTool,
  RemovalOptions,
} from "../../core/install/cluster.js";
import { ProcessError, runProcess, type ProcessOptions } from "../programs/run-process.js";
import type { Helm } from "./find-helm.js";
import { helmMessage, withTemporaryFolder } from "./helm-runner.js";
import { preparePostRenderer } from "./post-renderer.js";
import { parseJson } from "../../core/parse-json.js";
import { kubeconfigFlags, type ClusterChoice } from "../../core/install/cluster-choice.js";

export interface HelmReleaseOptions {
  readonly helm: Helm;
  readonly cluster: ClusterChoice;
  /**
   * The environment of this process, with the user's kubeconfig, credential plugins and proxies.
   */
  readonly environment: Readonly<Record<string, string>>;
  /** The post-renderer: reads rendered manifests on stdin and writes the patched ones to stdout. */
  readonly postRenderCommand: readonly string[];
  /** Is notified of every helm command. */
  readonly onActivity?: OnActivity | undefined;
}

const UNINSTALL_TIMEOUT = "--timeout=2m0s";
/**
 * The whole message of Helm 3 and 4. "not found" is also part of other messages, such as one about
 * a missing role.
 */
const NO_RELEASE = "release: not found";

/** The output of `helm history --output=json`. */
const HISTORY = z.array(
  z.object({
    revision: z.int(),
    status: z.string(),
    updated: z.string().nullish(),
    chart: z.string().nullish(),
  }),
);
type Revision = z.infer<typeof HISTORY>[number];

/** Revisions in these states have no objects in the cluster. */
const GONE: ReadonlySet<string> = new Set(["superseded", "uninstalled"]);

/** How helm is run. */
interface RunOptions extends Pick<ProcessOptions, "signal" | "env"> {
  /** The code of failures. `INSTALL_FAILED` when absent. */
  readonly code?: ErrorCode;
}

/** Installs and removes releases with helm. */
export class HelmReleaseTool implements ReleaseTool, ReleaseRemover {
  readonly patchesHooks: boolean;
  readonly #isHelm3: boolean;
  readonly #options: HelmReleaseOptions;

  constructor(options: HelmReleaseOptions) {
    this.#options = options;
    this.#isHelm3 = options.helm.version.startsWith("v3.");
    // Helm 4 passes hooks through the post-renderer. Helm 3 does not.
    this.patchesHooks = !this.#isHelm3;
  }

  /** See `ReleaseTool`. */
  async releaseState(release: ReleaseName, signal: AbortSignal): Promise<ReleaseState | undefined> {
    const [last] = await this.#history(release, ["--max=1"], { signal });
    if (last === undefined) return undefined;
    const since = new Date(last.updated ?? "");
    const isDated = !Number.isNaN(since.getTime());
    return { revision: last.revision, status: last.status, since: isDated ? since : undefined };
  }

  /** See `ReleaseRemover`. */
  async isInstalled(release: ReleaseName, signal: AbortSignal): Promise<boolean> {
    const [last] = await this.#history(release, ["--max=1"], { signal, code: "UNINSTALL_FAILED" });
    return last !== undefined && last.status !== "uninstalled";
  }

  /** See `ReleaseRemover`. */
  async installedCharts(release: ReleaseName, signal: AbortSignal): Promise<readonly string[]> {
    const revisions = await this.#history(release, [], { signal, code: "UNINSTALL_FAILED" });
    return revisions.filter(({ status }) => !GONE.has(status)).map(({ chart }) => chart ?? "");
  }

  /** See `ReleaseRemover`. */
  async remove(
    release: ReleaseName,
    { timeoutSeconds, runsHooks, isWaiting }: RemovalOptions,
    signal: AbortSignal,
  ): Promise<readonly string[]> {
    const argv = ["uninstall", `--timeout=${timeoutSeconds}s`];
    if (!runsHooks) argv.push("--no-hooks");
    if (isWaiting) argv.push("--wait");
    const text = await this.#run(argv, [release.name], release, { signal, code: "UNINSTALL_FAILED" });
    // The last line says that the release was uninstalled; those before it list kept objects.
    return text.split("\n").filter((line) => /^\[\w+\] /.test(line));
  }

  /** See `ReleaseRemover`. */
  async definitionsOf(chartFile: string, signal: AbortSignal): Promise<string> {
    const { helm, environment, onActivity } = this.#options;
    const argv = [helm.program, "show", "crds", "--", chartFile];
    try {
      return (await runProcess(argv, { signal, env: environment, onActivity })).stdout;
    } catch (cause) {
      if (!(cause instanceof ProcessError)) throw cause;
      throw new ViolaError("UNINSTALL_FAILED", `chart ${chartFile}: ${helmMessage(cause)}`, {
        subject: chartFile,
        cause,
      });
    }
  }

  /** Returns the last revisions, oldest first; none if the release does not exist. */
  async #history(
    release: ReleaseName,
    flags: readonly string[],
    options: RunOptions,
  ): Promise<readonly Revision[]> {
    try {
      const text = await this.#run(["history", ...flags, "--output=json"], [release.name], release, options);
      return parseJson(
        text,
        HISTORY,
        (what, cause) =>
          new ViolaError(
            options.code ?? "INSTALL_FAILED",
            `release ${release.name}: its history is not what helm prints: ${what}`,
            { subject: release.name, cause },
          ),
      );
    } catch (error) {
      const cause = error instanceof ViolaError ? error.cause : undefined;
      if (cause instanceof ProcessError && helmMessage(cause) === NO_RELEASE) return [];
      throw error;
    }
  }

  /** See `ReleaseTool`. */
  async uninstall(release: ReleaseName, signal: AbortSignal): Promise<void> {
    await this.#run(["uninstall", "--no-hooks", "--wait", UNINSTALL_TIMEOUT], [release.name], release, {
      signal,
    });
  }

  /** See `ReleaseTool`. */
  async test(
    release: ReleaseName,
    { timeoutSeconds }: { readonly timeoutSeconds: number },
    signal: AbortSignal,
  ): Promise<void> {
    await this.#run(["test", `--timeout=${timeoutSeconds}s`], [release.name], release, { signal });
  }

  /** See `ReleaseTool`. */
  async install(input: ReleaseInput, signal: AbortSignal): Promise<void> {
    const argv = ["upgrade", "--install", "--create-namespace"];
    argv.push(`--timeout=${input.timeoutSeconds}s`);
    // By default, Helm 4 uses server-side apply, which rejects fields that a CRD does not declare.
    // Charts are written for and tested with client-side apply, as in Helm 3. An upgrade uses the
    // method of the first installation.
    if (input.isFirst && !this.#isHelm3) argv.push("--server-side=false");
    for (const file of input.valuesFiles) argv.push(`--values=${file}`);
    for (const expression of input.set) argv.push(`--set=${expression}`);
    const { helm, postRenderCommand } = this.#options;
    await withTemporaryFolder(async (folder) => {
      const { flags, env } = input.isPatched
        ? await preparePostRenderer(helm.version, postRenderCommand, folder)
        : { flags: [], env: {} };
      const { release: name, namespace } = input;
      const named = [input.release, input.chartFile];
      await this.#run([...argv, ...flags], named, { name, namespace }, { signal, env });
    });
  }

  /** `named` are the arguments that are no options. */
  async #run(
    args: readonly string[],
    named: readonly string[],
    { name, namespace }: ReleaseName,
    { signal, env, code = "INSTALL_FAILED" }: RunOptions,
  ): Promise<string> {
    const { helm, cluster, environment, onActivity } = this.#options;
    const flags = [`--namespace=${namespace}`, ...kubeconfigFlags(cluster, "--kubeconfig", "--kube-context")];
    try {
      const output = await runProcess([helm.program, ...args, ...flags, "--", ...named], {
        signal,
        onActivity,
        env: { ...environment, ...env },
        // SIGTERM lets helm record that the release failed.
        killSignal: "SIGTERM",
      });
      return output.stdout;
    } catch (cause) {
      if (!(cause instanceof ProcessError)) throw cause;
      throw new ViolaError(code, `release ${name}: ${helmMessage(cause)}`, {
        subject: name,
        cause,
      });
    }
  }
}
