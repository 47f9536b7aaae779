// Runs a docker-credential-* program to get the credentials of a server.
import { spawn } from "node:child_process";
import * as z from "zod";
import { readJson } from "../../core/parse-json.js";
import type { OnActivity } from "../../core/activity.js";

const ANSWER_LIMIT_BYTES = 64 * 1024;
const TIMEOUT_MS = 30_000;

/** How a helper is run. */
export interface HelperRun {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Is notified of every credential helper that ran. */
  readonly onActivity?: OnActivity | undefined;
}

/** The output of a helper. The user name `<token>` marks an identity token. */
const answerSchema = z.object({
  Username: z.string(),
  Secret: z.string().min(1),
});
export type HelperAnswer = z.infer<typeof answerSchema>;

/**
 * Runs `docker-credential-NAME get` with the server on stdin. Returns undefined when the program is
 * missing, fails or has no credentials.
 * https://github.com/docker/docker-credential-helpers
 */
export async function runCredentialHelper(
  name: string,
  server: string,
  run: HelperRun,
): Promise<HelperAnswer | undefined> {
  // The name is used in a file name.
  if (!/^[A-Za-z0-9._-]+$/.test(name)) return undefined;
  const output = await runHelper(`docker-credential-${name}`, server, run);
  if (output === undefined) return undefined;
  return answerSchema.safeParse(readJson(output)).data;
}

/** Returns stdout when the helper exits with 0. It is secret and must not be logged. */
function runHelper(
  program: string,
  server: string,
  { env, onActivity }: HelperRun,
): Promise<string | undefined> {
  const startedMs = performance.now();
  const report = (exitCode: number | undefined): void => {
    onActivity?.({
      kind: "command",
      argv: [program, "get"],
      ...(exitCode !== undefined && { exitCode }),
      durationMs: performance.now() - startedMs,
    });
  };
  return new Promise((resolve) => {
    const child = spawn(program, ["get"], {
      env,
      stdio: ["pipe", "pipe", "ignore"],
      timeout: TIMEOUT_MS,
    });
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      if (output.length > ANSWER_LIMIT_BYTES) child.kill();
    });
    child.on("error", () => {
      report(undefined);
      resolve(undefined);
    });
    child.on("close", (code) => {
      report(code ?? undefined);
      resolve(code === 0 ? output : undefined);
    });
    // A helper may exit without reading stdin. That is not an error.
    child.stdin.on("error", () => undefined).end(server);
  });
}
