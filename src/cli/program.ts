// The commander program: registers the commands, prints each failure once and returns an exit code.
import { setMaxListeners } from "node:events";
import { Command, CommanderError, Option } from "commander";
import { LANGUAGES } from "../core/words/language.js";
import { registerAudit } from "./audit.js";
import { registerBuild } from "./build.js";
import { registerCache } from "./cache.js";
import { registerCheck } from "./check.js";
import {
  CommandRuntime,
  readVersion,
  type CommonOptions,
  type ProcessEnvironment,
  type RunCommand,
} from "./runtime.js";
import { registerDiff } from "./diff.js";
import { registerDoctor } from "./doctor.js";
import { EXIT, failureDocument, formatFailure, type ExitCode } from "./failure.js";
import { registerImages } from "./images.js";
import { registerInstall } from "./install.js";
import { registerInit } from "./init.js";
import { registerJoin } from "./join.js";
import { registerLoad } from "./load.js";
import { registerMerge } from "./merge.js";
import { registerPostRender } from "./post-render.js";
import { ViolaError } from "../errors.js";
import { examples, usageError } from "./command-line.js";
import { registerPull } from "./pull.js";
import { registerPush } from "./push.js";
import { registerRehearse } from "./rehearse.js";
import { registerServe } from "./serve.js";
import { write } from "./terminal.js";
import { registerSplit } from "./split.js";
import { registerUninstall } from "./uninstall.js";
import { registerCompletion } from "./completion.js";
import { registerShow } from "./show.js";
import { registerUnload } from "./unload.js";
import { registerVerify } from "./verify.js";

const REGISTRATIONS: readonly ((program: Command, runCommand: RunCommand) => void)[] = [
  registerImages,
  registerBuild,
  registerAudit,
  registerDiff,
  registerMerge,
  registerVerify,
  registerShow,
  registerLoad,
  registerInstall,
  registerUninstall,
  registerUnload,
  registerCheck,
  registerInit,
  registerRehearse,
  registerServe,
  registerSplit,
  registerJoin,
  registerPush,
  registerPull,
  registerDoctor,
  registerCache,
  registerCompletion,
  registerPostRender,
];

/** Runs the arguments, without node and script. Returns the exit code and never throws. */
export async function run(argv: readonly string[], environment: ProcessEnvironment): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT.done;
  const runCommand: RunCommand = async (options, work) => {
    exitCode = await runWithRuntime(options, environment, work);
  };
  try {
    const program = makeProgram(await readVersion(environment.home), runCommand, environment);
    await program.parseAsync(argv, { from: "user" });
  } catch (cause) {
    // Help and version were printed.
    if (cause instanceof CommanderError) return EXIT.done;
    const end = argv.indexOf("--");
    const isJson = argv.slice(0, end < 0 ? argv.length : end).includes("--json");
    write(environment.stderr, `${formatFailure(cause)}\n`);
    if (isJson) write(environment.stdout, `${JSON.stringify(failureDocument(cause), null, 1)}\n`);
    return EXIT.failed;
  }
  return exitCode;
}

/** Creates the program. Errors of the command line are thrown as `USAGE`. */
function makeProgram(
  version: string,
  runCommand: RunCommand,
  { stdout, stderr }: Pick<ProcessEnvironment, "stdout" | "stderr">,
): Command {
  const program = new Command("viola-airgap")
    .description(
      "Builds one file from Helm charts and every image that they can start, and loads it on a host without network.",
    )
    .version(version)
    // Commander accepts options of the program before and after the command.
    .option("--config <file>", "settings file (default: VIOLA_AIRGAP_CONFIG, or the user's config folder)")
    .option("--json", "print one JSON document on stdout, also for errors")
    .option("--quiet", "do not show progress")
    .option("--wide", "do not fit tables to the terminal")
    .option("--verbose", "show requests and external commands on stderr, without secrets")
    .addOption(
      new Option("--lang <language>", "language of reports (default: that of the locale)").choices(LANGUAGES),
    )
    .addHelpText(
      "after",
      examples(
        "init ./chart -o bundle.yaml",
        "build bundle.yaml -o app.bundle",
        "load app.bundle --to kind --install",
      ),
    )
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => {
        write(stdout, text);
      },
      writeErr: (text) => {
        write(stderr, text);
      },
      // `run` prints the error.
      outputError: () => undefined,
    })
    .hook("preAction", (_, command) => {
      for (const [name, value] of Object.entries(program.opts())) command.setOptionValue(name, value);
    });
  for (const register of REGISTRATIONS) register(program, runCommand);
  for (const command of [program, ...program.commands]) {
    command.exitOverride((error) => {
      throw error.exitCode === 0 ? error : usageError(error, command);
    });
  }
  return program;
}

/** Runs the work of a command, prints its failure, and disposes of what it used. */
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
  const exitCode = await work(runtime).catch(async (cause: unknown) => {
    await runtime.stopProgress();
    if (!interruption.signal.aborted) return runtime.printFailure(cause);
    runtime.printFailure(new ViolaError("INTERRUPTED", "interrupted"));
    return EXIT.interrupted;
  });
  return runtime.dispose().then(
    () => exitCode,
    (cause: unknown) => runtime.printFailure(cause),
  );
}
