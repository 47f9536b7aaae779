// Runs a command line in this process, without a network and without the settings of the developer.
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { run } from "../../src/cli/program.js";
import { ROOT } from "./paths.js";

export interface InProcessResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface InProcessOptions {
  readonly cwd?: string;
  /** The whole environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** The width of the terminal; stdout is a pipe when absent. */
  readonly columns?: number;
}

/** Runs the arguments to their end. */
export async function runInProcess(
  argv: readonly string[],
  { cwd = ROOT, env = {}, columns }: InProcessOptions = {},
): Promise<InProcessResult> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  if (columns !== undefined) Object.assign(stdout, { isTTY: true, columns });
  const texts = Promise.all([text(stdout), text(stderr)]);
  const code = await run(argv, {
    stdin: new PassThrough().end(),
    stdout: stdout as unknown as NodeJS.WriteStream,
    stderr: stderr as unknown as NodeJS.WriteStream,
    env: { VIOLA_AIRGAP_CONFIG: "/dev/null", ...env },
    cwd,
    home: ROOT,
    programCommand: [],
    onInterrupt: () => undefined,
  });
  stdout.end();
  stderr.end();
  const [out, err] = await texts;
  return { code, stdout: out, stderr: err };
}
