// Signs with a command of the user, for keys that are in a PKCS #11 token or on another machine.
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { readSignature } from "../../core/signing/signature.js";
import { ViolaError } from "../../errors.js";
import { ProcessError, runProcess, type ProcessRun } from "./run-process.js";

export interface SignCommandOptions extends ProcessRun {
  /** An existing folder for a file with the bytes. */
  readonly folder: string;
  /** Where the command runs. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Runs the command in a POSIX shell, and returns the signature that it prints, raw or in base64. Its
 * stdin is a regular file with the bytes: `openssl pkeyutl` of OpenSSL 3.0 reads its size, and cannot
 * sign what comes from a pipe. Throws `SIGNING_FAILED`.
 */
export async function signWithCommand(
  command: string,
  bytes: Uint8Array,
  { folder, cwd, env, signal, onActivity }: SignCommandOptions,
): Promise<Uint8Array> {
  const file = join(folder, "to-sign");
  const failed = (what: string, cause?: unknown): ViolaError =>
    new ViolaError("SIGNING_FAILED", `--sign-command ${what}`, {
      subject: "--sign-command",
      hint: "It gets bundle.json on stdin and prints the Ed25519 signature, 64 bytes or their base64. Run the same build again: what was fetched is kept.",
      cause,
    });
  await writeFile(file, bytes, { mode: 0o600 });
  try {
    const argv = ["sh", "-c", 'exec <"$1"; exec sh -c "$2"', "sh", file, command];
    const { stdoutBytes } = await runProcess(argv, {
      signal,
      cwd,
      env,
      // A PIN may be part of the command.
      onActivity:
        onActivity &&
        ((activity) => {
          onActivity({ ...activity, ...HIDDEN_COMMAND });
        }),
    });
    const signature = readSignature(stdoutBytes);
    if (signature !== undefined) return signature;
    throw failed(`printed ${stdoutBytes.length} bytes instead of an Ed25519 signature`);
  } catch (cause) {
    if (!(cause instanceof ProcessError)) throw cause;
    const why = lastLines(cause.stderrTail);
    const code =
      cause.exitCode === undefined ? "did not run to its end" : `ended with exit code ${cause.exitCode}`;
    throw failed(why === "" ? code : `${code}: ${why}`, cause);
  } finally {
    await rm(file, { force: true });
  }
}

/** pkcs11-tool prints the reason before its last line. */
function lastLines(text: string): string {
  const lines = text.split("\n").map((line) => line.trim());
  return lines
    .filter((line) => line !== "")
    .slice(-REASON_LINES)
    .join("; ");
}

const REASON_LINES = 3;
const HIDDEN_COMMAND = { argv: ["sh", "-c", "--sign-command"] };
