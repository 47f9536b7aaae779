// The composition root: makes the adapters that a command needs, when it needs them, and cleans up after them.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { openBundle } from "../adapters/bundle-file/open-bundle.js";
import { findDamagedBlobs } from "../adapters/bundle-file/damaged-blobs.js";
import type { DockerEngine } from "../adapters/docker/engine.js";
import { RegistryClient } from "../adapters/registry/client.js";
import { loadSettings, type Settings } from "../adapters/files/user-settings.js";
import { parseJson } from "../core/parse-json.js";
import { settleAll, systemErrorCode, ViolaError } from "../errors.js";
import type { BundleReader, Files } from "../workflows/ports.js";
import type { Run } from "../workflows/progress.js";
import { showProgress, type ProgressDisplay } from "./progress.js";
import type { ExitCode } from "./failure.js";

/** The process as the commands see it. */
export interface ProcessEnvironment {
  readonly stdin: NodeJS.ReadableStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** The folder that this program was installed into. */
  readonly home: string;
  /** The command line that starts this program again, without arguments. */
  readonly programCommand: readonly string[];
  /** Calls back when the user or the system asks the process to end. */
  readonly onInterrupt: (interrupt: () => void) => void;
}

/** Options that every command has. */
export interface CommonOptions {
  readonly config?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** Where images are looked for. */
export type SourceChoice = "auto" | "registry" | "docker";

/** What one run of a command works with. Disposed of at its end, also after a failure. */
export class CommandRuntime {
  /** What workflows are given first. */
  readonly run: Run;
  readonly signal: AbortSignal;
  readonly reader: BundleReader = { openBundle, findDamagedBlobs };
  readonly cwd: string;
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly programCommand: readonly string[];
  readonly #options: CommonOptions;
  readonly #display: ProgressDisplay;
  readonly #surroundings: ProcessEnvironment;
  readonly #closers: (() => Promise<void>)[] = [];
  #settings: Promise<Settings> | undefined;
  #registry: Promise<RegistryClient> | undefined;
  #docker: Promise<DockerEngine> | undefined;

  constructor(options: CommonOptions, environment: ProcessEnvironment, signal: AbortSignal) {
    this.signal = signal;
    this.cwd = environment.cwd;
    this.home = environment.home;
    this.env = environment.env;
    this.programCommand = environment.programCommand;
    this.#display = showProgress(environment.stderr, { isQuiet: options.quiet === true });
    this.run = { signal, progress: this.#display.onProgress };
    this.#options = options;
    this.#surroundings = environment;
  }

  /** True when the command prints one JSON document. */
  get isJson(): boolean {
    return this.#options.json === true;
  }

  /** What the command is given on stdin. */
  get stdin(): NodeJS.ReadableStream {
    return this.#surroundings.stdin;
  }

  /** Ends the display of progress; steps still open are shown as failed. */
  stopProgress(): Promise<void> {
    return this.#display.stop();
  }

  /** Writes a result to stdout: the text, or the document with `--json`. */
  print(text: string, document: unknown): void {
    this.#surroundings.stdout.write(this.isJson ? `${JSON.stringify(document, null, 1)}\n` : `${text}\n`);
  }

  /** The user's settings, read once. */
  settings(): Promise<Settings> {
    const { config } = this.#options;
    this.#settings ??= loadSettings({
      env: this.env,
      home: homedir(),
      platform: process.platform,
      ...(config !== undefined && { file: config }),
    });
    return this.#settings;
  }

  /** The client for all registries of this run. */
  registry(): Promise<RegistryClient> {
    this.#registry ??= this.settings().then((settings) => {
      const client = new RegistryClient({ settings, env: this.env, home: homedir() });
      this.onDispose(() => client.close());
      return client;
    });
    return this.#registry;
  }

  /** The Docker engine. dockerode is slow to start: only commands that talk to an engine pay for it. */
  docker(): Promise<DockerEngine> {
    this.#docker ??= connectDocker(this.env);
    return this.#docker;
  }

  /** Runs `close` when the command ends, in reverse order. */
  onDispose(close: () => Promise<void>): void {
    this.#closers.push(close);
  }

  /** Makes a folder that goes when the command ends. */
  async temporaryFolder(): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), "viola-airgap-"));
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

  /** Runs every closer, also after one that failed. Throws what failed, all at once. */
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

async function connectDocker(variables: ProcessEnvironment["env"]): Promise<DockerEngine> {
  const [{ DockerEngine }, { findDockerEndpoint }] = await Promise.all([
    import("../adapters/docker/engine.js"),
    import("../adapters/docker/endpoint.js"),
  ]);
  return new DockerEngine(
    await findDockerEndpoint({ variables, homeDirectory: homedir(), os: process.platform }),
  );
}

/** Returns the version of the program installed in the folder. */
export async function readVersion(home: string): Promise<string> {
  const file = join(home, "package.json");
  const complain = (what: string, cause?: Error): ViolaError =>
    new ViolaError("FILE_UNUSABLE", `${file} cannot be used: ${what}`, { subject: file, cause });
  return parseJson(await readFile(file, "utf8"), z.object({ version: z.string() }), complain).version;
}

/** The few things that workflows do with files. */
export const files: Files = {
  readFile: (path) =>
    readFile(path).catch((cause: unknown) => {
      const code = systemErrorCode(cause);
      throw new ViolaError("FILE_UNUSABLE", `${path} cannot be read (${code})`, { subject: path, cause });
    }),
  writeFile: (path, text) => writeFile(path, text),
};

/** Runs the work of a command with a context that is disposed of afterwards. */
export type RunCommand = (
  options: CommonOptions,
  work: (runtime: CommandRuntime) => Promise<ExitCode>,
) => Promise<void>;

/** For options that may be repeated: the values in order. */
export function collect(value: string, previous: readonly string[]): readonly string[] {
  return [...previous, value];
}
