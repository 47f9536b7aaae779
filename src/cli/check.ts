// `check BUNDLE --pods FILE|-` or `--context CTX`: checks that a bundle has every image that a
// cluster runs.
import { resolve } from "node:path";
import type { Command } from "commander";
import { checkRunning } from "../core/check/check-running.js";
import { parseRunningImages, type RunningContainer } from "../core/check/running-images.js";
import { ViolaError } from "../errors.js";
import { localFiles } from "../adapters/files/local-files.js";
import { readStreamLimited } from "../adapters/files/read-limited.js";
import type { CommandRuntime, CommonOptions, RunCommand } from "./runtime.js";
import { examples, keyOption } from "./command-line.js";
import { EXIT } from "./failure.js";
import { baseOption, openGiven, type BaseFlags } from "./opening.js";
import { addClusterFlags, connectCluster, type ClusterFlags } from "./wiring/installing.js";
import { formatCheck } from "./reporters/check.js";

const STDIN_BYTES = 32 * 1024 * 1024;

interface CheckOptions extends CommonOptions, ClusterFlags, BaseFlags {
  readonly pods?: string;
}

export function registerCheck(program: Command, runCommand: RunCommand): void {
  addClusterFlags(
    program
      .command("check")
      .description("compare the images of a running cluster with a bundle")
      .addHelpText("after", examples("check app.bundle --context lab", "check app.bundle --pods pods.json"))
      .argument("<bundle>", "bundle file")
      .addOption(baseOption())
      .addOption(keyOption())
      .option(
        "--pods <file>",
        "output of `kubectl get pods -A -o json`, or a list of references; - for stdin",
      ),
  ).action(async (file: string, options: CheckOptions) => {
    await runCommand(options, async (runtime) => {
      const { inventory } = await openGiven(file, options, runtime);
      const report = checkRunning(inventory, await findRunning(options, runtime));
      runtime.print(report, formatCheck, { formatVersion: 1, ...report });
      return report.missing.length === 0 ? EXIT.done : EXIT.negative;
    });
  });
}

/**
 * Reads the running containers from a file or from the cluster. The cluster must be named; there is
 * no default.
 */
async function findRunning(
  options: CheckOptions,
  runtime: CommandRuntime,
): Promise<readonly RunningContainer[]> {
  const isLive = options.context !== undefined || options.kubeconfig !== undefined;
  if (isLive === (options.pods !== undefined)) {
    throw new ViolaError("USAGE", "check requires either --pods or --context", {
      subject: "--pods",
      hint: "Specify a file with --pods, or a cluster with --context or --kubeconfig.",
    });
  }
  if (options.pods !== undefined) return readPods(options.pods, runtime);
  const cluster = await connectCluster(options, undefined, runtime);
  return parseRunningImages(await cluster.allPods(runtime.signal), `cluster ${cluster.context}`);
}

/** Reads the running containers from the file, or from stdin for `-`. */
async function readPods(file: string, runtime: CommandRuntime): Promise<readonly RunningContainer[]> {
  if (file === "-")
    return parseRunningImages(await readStreamLimited(runtime.stdin, "stdin", STDIN_BYTES), "stdin");
  const path = resolve(runtime.cwd, file);
  return parseRunningImages(Buffer.from(await localFiles.readFile(path)).toString("utf8"), path);
}
