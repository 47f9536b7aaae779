// Implements ReleaseTool with the helm program, version 3 or 4.
import { z } from "zod";
import type { OnActivity } from "../../core/activity.js";
import { ViolaError } from "../../errors.js";
import type { ReleaseInput, ReleaseName, ReleaseState, ReleaseTool } from "../../core/install/cluster.js";
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
const HISTORY = z.array(z.object({ revision: z.int(), status: z.string(), updated: z.string().nullish() }));

/** Installs releases with helm. */
export class HelmReleaseTool implements ReleaseTool {
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
    try {
      const text = await this.#run(["history", "--max=1", "--output=json"], [release.name], release, {
        signal,
      });
      const [last] = parseJson(
        text,
        HISTORY,
        (what, cause) =>
          new ViolaError(
            "INSTALL_FAILED",
            `release ${release.name}: its history is not what helm prints: ${what}`,
            {
              subject: release.name,
              cause,
            },
          ),
      );
      if (last === undefined) return undefined;
      const since = new Date(last.updated ?? "");
      const isDated = !Number.isNaN(since.getTime());
      return { revision: last.revision, status: last.status, since: isDated ? since : undefined };
    } catch (error) {
      const cause = error instanceof ViolaError ? error.cause : undefined;
      if (cause instanceof ProcessError && helmMessage(cause) === NO_RELEASE) return undefined;
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
    { signal, env }: Pick<ProcessOptions, "signal" | "env">,
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
      throw new ViolaError("INSTALL_FAILED", `release ${name}: ${helmMessage(cause)}`, {
        subject: name,
        cause,
      });
    }
  }
}
