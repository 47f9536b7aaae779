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

/** Runs the arguments to their end. `env` is the whole environment. */
export async function runInProcess(
  argv: readonly string[],
  { cwd = ROOT, env = {} }: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<InProcessResult> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
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
