// The commander program: registers the commands, prints each failure once and returns an exit code.
import { setMaxListeners } from "node:events";
import { Command, CommanderError, Option } from "commander";
import { LANGUAGES } from "../core/words/language.js";
import {
  CommandRuntime,
  readVersion,
  type CommonOptions,
  type ProcessEnvironment,
  type RunCommand,
} from "./runtime.js";
import { EXIT, failureDocument, formatFailure, type ExitCode } from "./failure.js";
import { ViolaError } from "../errors.js";
import { examples, usageError } from "./command-line.js";
import { write } from "./terminal.js";

type Register = (program: Command, runCommand: RunCommand) => void;

/** The commands in the order of the help. A command is loaded when it is needed. */
const COMMANDS: ReadonlyMap<string, () => Promise<Register>> = new Map([
  ["images", async () => (await import("./images.js")).registerImages],
  ["build", async () => (await import("./build.js")).registerBuild],
  ["audit", async () => (await import("./audit.js")).registerAudit],
  ["diff", async () => (await import("./diff.js")).registerDiff],
  ["merge", async () => (await import("./merge.js")).registerMerge],
  ["verify", async () => (await import("./verify.js")).registerVerify],
  ["show", async () => (await import("./show.js")).registerShow],
  ["load", async () => (await import("./load.js")).registerLoad],
  ["install", async () => (await import("./install.js")).registerInstall],
  ["uninstall", async () => (await import("./uninstall.js")).registerUninstall],
  ["unload", async () => (await import("./unload.js")).registerUnload],
  ["check", async () => (await import("./check.js")).registerCheck],
  ["init", async () => (await import("./init.js")).registerInit],
  ["keygen", async () => (await import("./keygen.js")).registerKeygen],
  ["rehearse", async () => (await import("./rehearse.js")).registerRehearse],
  ["serve", async () => (await import("./serve.js")).registerServe],
  ["split", async () => (await import("./split.js")).registerSplit],
  ["join", async () => (await import("./join.js")).registerJoin],
  ["push", async () => (await import("./push.js")).registerPush],
  ["pull", async () => (await import("./pull.js")).registerPull],
  ["doctor", async () => (await import("./doctor.js")).registerDoctor],
  ["cache", async () => (await import("./cache.js")).registerCache],
  ["completion", async () => (await import("./completion.js")).registerCompletion],
  ["post-render", async () => (await import("./post-render.js")).registerPostRender],
]);

/** Runs the arguments, without node and script. Returns the exit code and never throws. */
export async function run(argv: readonly string[], environment: ProcessEnvironment): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT.done;
  const runCommand: RunCommand = async (options, work) => {
    exitCode = await runWithRuntime(options, environment, work);
  };
  try {
    const program = makeProgram(await readVersion(environment.home), environment);
    await registerCommands(program, argv, runCommand);
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
  return program;
}

/**
 * Registers the command of the arguments, or all commands when they name none: the help and the
 * suggestions for a misspelled command list them. `completion` lists them, too.
 */
async function registerCommands(
  program: Command,
  argv: readonly string[],
  runCommand: RunCommand,
): Promise<void> {
  const name = findCommand(program, argv);
  const only = name === undefined || name === "completion" ? undefined : COMMANDS.get(name);
  const loads = only === undefined ? [...COMMANDS.values()] : [only];
  for (const register of await Promise.all(loads.map((load) => load()))) register(program, runCommand);
  for (const command of [program, ...program.commands]) {
    command.exitOverride((error) => {
      throw error.exitCode === 0 ? error : usageError(error, command);
    });
  }
}

/** Returns the first argument that is neither an option of the program nor the value of one. */
function findCommand({ options }: Command, argv: readonly string[]): string | undefined {
  const isValue = (index: number): boolean =>
    options.some((option) => option.required && option.long === argv[index - 1]);
  return argv.find((word, index) => !word.startsWith("-") && !isValue(index));
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
