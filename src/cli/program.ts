// The commander program: registers the commands, prints each failure once and returns an exit code.
import { setMaxListeners } from "node:events";
import { Command, CommanderError } from "commander";
import { registerAudit } from "./audit.js";
import { registerBuild } from "./build.js";
import { registerCheck } from "./check.js";
import {
  CommandRuntime,
  readVersion,
  type CommonOptions,
  type ProcessEnvironment,
  type RunCommand,
} from "./runtime.js";
import { registerDoctor } from "./doctor.js";
import { EXIT, failureDocument, formatFailure, type ExitCode } from "./failure.js";
import { registerImages } from "./images.js";
import { registerInstall } from "./install.js";
import { registerInit } from "./init.js";
import { registerLoad } from "./load.js";
import { registerPostRender } from "./post-render.js";
import { registerRehearse } from "./rehearse.js";
import { registerServe } from "./serve.js";
import { registerUninstall } from "./uninstall.js";
import { registerUnload } from "./unload.js";
import { registerVerify } from "./verify.js";

/** Runs the arguments, without node and script. Returns the exit code and never throws. */
export async function run(argv: readonly string[], environment: ProcessEnvironment): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT.done;
  const runCommand: RunCommand = async (options, work) => {
    exitCode = await runWithRuntime(options, environment, work);
  };
  const program = new Command("viola-airgap")
    .description(
      "Builds one file from Helm charts and every image that they can start, and loads it on a host without network.",
    )
    .version(await readVersion(environment.home))
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void environment.stdout.write(text),
      writeErr: (text) => void environment.stderr.write(text),
    });
  for (const register of [
    registerImages,
    registerBuild,
    registerAudit,
    registerVerify,
    registerLoad,
    registerInstall,
    registerUninstall,
    registerUnload,
    registerCheck,
    registerInit,
    registerRehearse,
    registerServe,
    registerDoctor,
    registerPostRender,
  ])
    register(program, runCommand);
  for (const command of program.commands) {
    command
      .option("--config <file>", "settings file (default: VIOLA_AIRGAP_CONFIG, or the user's config folder)")
      .option("--json", "print one JSON document on stdout")
      .option("--quiet", "do not show progress");
  }
  try {
    await program.parseAsync(argv, { from: "user" });
  } catch (cause) {
    if (cause instanceof CommanderError) return cause.exitCode === 0 ? EXIT.done : EXIT.failed;
    environment.stderr.write(`${formatFailure(cause)}\n`);
    return EXIT.failed;
  }
  return exitCode;
}

async function runWithRuntime(
  options: CommonOptions,
  environment: ProcessEnvironment,
  work: (runtime: CommandRuntime) => Promise<ExitCode>,
): Promise<ExitCode> {
  const interruption = new AbortController();
  // Every process and connection of a command adds a listener.
  setMaxListeners(0, interruption.signal);
  environment.onInterrupt(() => {
    interruption.abort();
  });
  const runtime = new CommandRuntime(options, environment, interruption.signal);
  try {
    return await work(runtime);
  } catch (cause) {
    await runtime.stopProgress();
    if (interruption.signal.aborted) {
      environment.stderr.write("interrupted\n");
      return EXIT.interrupted;
    }
    environment.stderr.write(`${formatFailure(cause)}\n`);
    if (options.json === true)
      environment.stdout.write(`${JSON.stringify(failureDocument(cause), null, 1)}\n`);
    return EXIT.failed;
  } finally {
    await runtime.dispose();
  }
}
