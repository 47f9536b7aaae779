// Asks a docker-credential-* program for the credentials of one server.
import { spawn } from "node:child_process";
import { z } from "zod";
import { readJson } from "../../core/parse-json.js";
import type { Credential } from "./credentials.js";

const ANSWER_LIMIT_BYTES = 64 * 1024;
const TIMEOUT_MS = 30_000;

const answerSchema = z.object({ Username: z.string(), Secret: z.string().min(1) });

/**
 * Runs `docker-credential-NAME get` with the server on stdin; undefined when it has nothing, fails or is missing.
 * The user name `<token>` marks an identity token. https://github.com/docker/docker-credential-helpers
 */
export async function askCredentialHelper(
  name: string,
  server: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Credential | undefined> {
  // The name becomes part of a file name.
  if (!/^[A-Za-z0-9._-]+$/.test(name)) return undefined;
  const program = `docker-credential-${name}`;
  const output = await runHelper(program, server, env);
  if (output === undefined) return undefined;
  const answer = answerSchema.safeParse(readJson(output));
  if (!answer.success) return undefined;
  const { Username: user, Secret: secret } = answer.data;
  return user === "<token>"
    ? { kind: "identity", token: secret, from: program }
    : { kind: "password", user, password: secret, from: program };
}

/** Returns stdout of a helper that exits 0. What it printed is secret and goes nowhere else. */
function runHelper(
  program: string,
  server: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const child = spawn(program, ["get"], { env, stdio: ["pipe", "pipe", "ignore"], timeout: TIMEOUT_MS });
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      if (output.length > ANSWER_LIMIT_BYTES) child.kill();
    });
    child.on("error", () => {
      resolve(undefined);
    });
    child.on("close", (code) => {
      resolve(code === 0 ? output : undefined);
    });
    // A helper that ends without reading is no failure of its own.
    child.stdin.on("error", () => undefined).end(server);
  });
}
