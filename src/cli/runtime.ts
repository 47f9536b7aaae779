// The composition root: creates the adapters of a command on first use, and disposes of them.
import { readFile, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import * as z from "zod";
import type { openBundle as openFile } from "../adapters/bundle-file/open-bundle.js";
import type { DockerEngine } from "../adapters/docker/engine.js";
import type { RegistryClient } from "../adapters/registry/client.js";
import { createTemporaryFolder, homeFolder } from "../adapters/files/user-folders.js";
import {
  loadSettings,
  settingsFile,
  type Settings,
  type SettingsPlace,
} from "../adapters/files/user-settings.js";
import type { OnActivity } from "../core/activity.js";
import { parseJson } from "../core/parse-json.js";
import type { RequiredKeys } from "../core/signing/signature.js";
import { languageOf, type Language } from "../core/words/language.js";
import { settleAll, systemErrorCode, ViolaError } from "../errors.js";
import type { BundleReader } from "../workflows/ports.js";
import type { Run } from "../workflows/progress.js";
import { formatActivity } from "./reporters/activity.js";
import { showProgress, type ProgressDisplay } from "./progress.js";
import { EXIT, failureDocument, formatFailure, type ExitCode } from "./failure.js";
import { findRequiredKeys } from "./required-keys.js";
import { singleLines, write } from "./terminal.js";

/** The process as the commands see it. */
export interface ProcessEnvironment {
  readonly stdin: NodeJS.ReadableStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** The folder that this program is installed in. */
  readonly home: string;
  /** The command line that starts this program, without arguments. */
  readonly programCommand: readonly string[];
  /** Calls back when the user or the system asks the process to end. */
  readonly onInterrupt: (interrupt: () => void) => void;
}

/** Options that every command has. */
export interface CommonOptions {
  readonly config?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly wide?: boolean;
  readonly verbose?: boolean;
  readonly lang?: Language;
  /** Files of public keys, of commands that read bundles. */
  readonly key?: readonly string[];
}

const DEFAULT_COLUMNS = 80;

/** Where images are read from. */
export type SourceChoice = "auto" | "registry" | "docker";

/** The adapters of bundle files are loaded when they are needed: many commands need none. */
const openBundle: typeof openFile = async (...input) =>
  (await import("../adapters/bundle-file/open-bundle.js")).openBundle(...input);
const blobReader: BundleReader = {
  openBundle: (file) => openBundle(file),
  findDamagedBlobs: async (...input) =>
    (await import("../adapters/bundle-file/damaged-blobs.js")).findDamagedBlobs(...input),
  findWrongLayers: async (...input) =>
    (await import("../adapters/bundle-file/damaged-blobs.js")).findWrongLayers(...input),
};

/** The adapters of one run of a command. It is disposed of when the command ends or fails. */
export class CommandRuntime {
  /** The first argument of workflows. */
  readonly run: Run;
  readonly signal: AbortSignal;
  /** Shows activities with `--verbose`; absent without. */
  readonly onActivity: OnActivity | undefined;
  /** Opens only bundles with the signature that the user requires. */
  readonly reader: BundleReader = {
    ...blobReader,
    openBundle: async (file) => openBundle(file, await this.requiredKeys()),
  };
  /**
   * Opens bundles without regard to signatures: those that this command built itself, and those that
   * only give blobs, whose digests are verified.
   */
  readonly blobReader = blobReader;
  readonly cwd: string;
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly programCommand: readonly string[];
  /** The language of reports. Errors, progress and JSON are always English. */
  readonly language: Language;
  readonly #options: CommonOptions;
  readonly #display: ProgressDisplay;
  readonly #environment: ProcessEnvironment;
  readonly #closers: (() => Promise<void>)[] = [];
  #hasPrinted = false;
  #settings: Promise<Settings> | undefined;
  #requiredKeys: Promise<RequiredKeys | undefined> | undefined;
  #registry: Promise<RegistryClient> | undefined;
  #docker: Promise<DockerEngine> | undefined;

  constructor(options: CommonOptions, environment: ProcessEnvironment, signal: AbortSignal) {
    this.signal = signal;
    this.cwd = environment.cwd;
    this.home = environment.home;
    this.env = environment.env;
    this.programCommand = environment.programCommand;
    this.language = options.lang ?? languageOf(environment.env);
    this.#display = showProgress(environment.stderr, {
      isQuiet: options.quiet === true,
      // Lines of activities would break the display of a terminal.
      isPlain: options.verbose === true,
    });
    this.run = { signal, progress: this.#display.onProgress };
    if (options.verbose === true) {
      this.onActivity = (activity) => {
        write(environment.stderr, `${formatActivity(activity)}\n`);
      };
    }
    this.#options = options;
    this.#environment = environment;
  }

  /** True when the command prints one JSON document. */
  get isJson(): boolean {
    return this.#options.json === true;
  }

  /** The standard input of the command. */
  get stdin(): NodeJS.ReadableStream {
    return this.#environment.stdin;
  }

  /**
   * Columns of the terminal that tables must fit. Undefined when stdout is a file or another program,
   * or with `--wide`.
   */
  get tableWidth(): number | undefined {
    const { isTTY, columns } = this.#environment.stdout;
    if (this.#options.wide === true || !isTTY) return undefined;
    // A terminal that does not know its size says 0.
    return columns > 0 ? columns : DEFAULT_COLUMNS;
  }

  /** Stops the display of progress. Steps that have not ended are shown as failed. */
  stopProgress(): Promise<void> {
    return this.#display.stop();
  }

  /**
   * Writes the result to stdout: the document with `--json`, and the formatted report without.
   * `format` gets a report in which every text has one line, and the width of the terminal.
   */
  print<T>(report: T, format: (report: T, width: number | undefined) => string, document: unknown): void {
    this.#hasPrinted = true;
    const text = this.isJson
      ? JSON.stringify(document, null, 1)
      : format(singleLines(report), this.tableWidth);
    write(this.#environment.stdout, `${text}\n`);
  }

  /** Writes data for another program to stdout, unchanged. */
  passOn(data: string): void {
    this.#hasPrinted = true;
    this.#environment.stdout.write(data);
  }

  /**
   * Writes the failure to stderr, and with `--json` as the document of the command unless it has
   * printed its result.
   */
  printFailure(cause: unknown): typeof EXIT.failed {
    write(this.#environment.stderr, `${formatFailure(cause)}\n`);
    if (this.isJson && !this.#hasPrinted) this.print(undefined, () => "", failureDocument(cause));
    return EXIT.failed;
  }

  /** Returns the user's settings, which are read once. */
  settings(): Promise<Settings> {
    this.#settings ??= loadSettings(this.#settingsPlace());
    return this.#settings;
  }

  /** Returns the path of the settings file, which may be missing. */
  settingsFile(): string {
    return settingsFile(this.#settingsPlace());
  }

  /**
   * Returns the keys that bundles must be signed with, which are read once, or undefined if bundles
   * need no signature. Throws `FILE_UNUSABLE` and `KEY_INVALID`.
   */
  requiredKeys(): Promise<RequiredKeys | undefined> {
    this.#requiredKeys ??= this.settings().then(({ keys }) =>
      findRequiredKeys({
        flags: this.#options.key ?? [],
        env: this.env,
        cwd: this.cwd,
        settingsFile: this.settingsFile(),
        settings: keys,
      }),
    );
    return this.#requiredKeys;
  }

  /** Returns the absolute paths of the files that may have such keys. */
  async keyFiles(): Promise<readonly string[]> {
    const { keys } = await this.settings();
    return [...(this.#options.key ?? []).map((file) => resolve(this.cwd, file)), ...keys];
  }

  #settingsPlace(): SettingsPlace {
    const { config } = this.#options;
    return {
      env: this.env,
      home: homeFolder(),
      platform: process.platform,
      ...(config !== undefined && { file: config }),
    };
  }

  /** Returns the client for all registries of this run. */
  registry(): Promise<RegistryClient> {
    this.#registry ??= this.settings().then(async (settings) => {
      const { RegistryClient } = await import("../adapters/registry/client.js");
      const client = new RegistryClient({
        settings,
        env: this.env,
        home: homeFolder(),
        onActivity: this.onActivity,
        onNote: (message) => {
          this.run.progress({ kind: "note", message });
        },
      });
      this.onDispose(() => client.close());
      return client;
    });
    return this.#registry;
  }

  /** Returns the Docker engine. dockerode loads slowly, so it is imported on first use. */
  docker(): Promise<DockerEngine> {
    this.#docker ??= connectDocker(this.env, this.onActivity);
    return this.#docker;
  }

  /** Registers `close` to run when the command ends, in reverse order of registration. */
  onDispose(close: () => Promise<void>): void {
    this.#closers.push(close);
  }

  /** Creates a folder that is removed when the command ends. */
  async temporaryFolder(): Promise<string> {
    const folder = await createTemporaryFolder("viola-airgap-");
    this.onDispose(() =>
      rm(folder, { recursive: true, force: true }).catch((cause: unknown) => {
        const code = systemErrorCode(cause);
        throw new ViolaError("FILE_UNUSABLE", `${folder} cannot be removed (${code})`, {
          subject: folder,
          cause,
        });
      }),
    );
    return folder;
  }

  /** Runs every closer, even after a failure. Throws all failures together. */
  async dispose(): Promise<void> {
    const closings: Promise<void>[] = [];
    for (const close of this.#closers.toReversed()) {
      const closing = close();
      closings.push(closing);
      await Promise.allSettled([closing]);
    }
    await settleAll("cleaning up failed", closings);
  }
}

async function connectDocker(
  variables: ProcessEnvironment["env"],
  onActivity: OnActivity | undefined,
): Promise<DockerEngine> {
  const [{ DockerEngine }, { findDockerEndpoint }] = await Promise.all([
    import("../adapters/docker/engine.js"),
    import("../adapters/docker/endpoint.js"),
  ]);
  return new DockerEngine(
    await findDockerEndpoint({ variables, homeDirectory: homeFolder(), os: process.platform }),
    onActivity,
  );
}

/** Returns the version of the program installed in the folder. */
export async function readVersion(home: string): Promise<string> {
  const file = join(home, "package.json");
  const complain = (what: string, cause?: Error): ViolaError =>
    new ViolaError("FILE_UNUSABLE", `${file} cannot be used: ${what}`, { subject: file, cause });
  return parseJson(await readFile(file, "utf8"), z.object({ version: z.string() }), complain).version;
}

/** Runs the work of a command with a runtime that is disposed of afterwards. */
export type RunCommand = (
  options: CommonOptions,
  work: (runtime: CommandRuntime) => Promise<ExitCode>,
) => Promise<void>;

/** Collects the values of a repeatable option in order. */
export function collect(value: string, previous: readonly string[]): readonly string[] {
  return [...previous, value];
}
