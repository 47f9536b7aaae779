// Formats an error as text or as a JSON document.
import { countOf } from "../core/count-of.js";
import { ManyErrors, maskCredentials, ViolaError } from "../errors.js";
import { singleLine } from "./terminal.js";

/** Exit codes; part of the command line interface. */
export const EXIT = { done: 0, negative: 1, failed: 2, interrupted: 130 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/**
 * Formats an error for stderr. An error that is not a `ViolaError` is a bug and is printed with its
 * stack.
 */
export function formatFailure(failure: unknown): string {
  const error = explainSystemError(failure);
  if (error instanceof ManyErrors) {
    return [
      `error: ${singleLine(error.message)} (${countOf(error.errors.length, "error")})`,
      ...error.errors.map((one, index) => numbered(one, index + 1)),
    ].join("\n");
  }
  if (error instanceof ViolaError) return `error: ${details(error, "  ")}`;
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `This is a bug in viola-airgap. Please report it with the following lines.\nnode ${process.version} ${process.platform}/${process.arch}\n${maskCredentials(stack)}`;
}

/** Formats an error as the JSON document that a command prints with `--json`. */
export function failureDocument(failure: unknown): object {
  const error = explainSystemError(failure);
  const one = (failure: ViolaError): object => ({
    code: failure.code,
    message: failure.message,
    ...(failure.subject !== undefined && { subject: failure.subject }),
    ...withHint(failure),
  });
  if (error instanceof ManyErrors)
    return { formatVersion: 1, error: { ...one(error), errors: error.errors.map(one) } };
  if (error instanceof ViolaError) return { formatVersion: 1, error: one(error) };
  return {
    formatVersion: 1,
    error: { code: "BUG", message: maskCredentials(error instanceof Error ? error.message : String(error)) },
  };
}

/** By error code. Every step that uses files or processes may meet these. */
const SYSTEM_HINTS: Readonly<Record<string, string>> = {
  ENOSPC: "Free disk space, then run the command again.",
  EDQUOT: "Your quota is used up. Free disk space, then run the command again.",
  EMFILE: "This process may open too few files. Raise the limit, for example: ulimit -n 1024",
  ENFILE: "The system has too many open files. End some processes, then run the command again.",
  EROFS: "Mount the file system writable, or set HOME and TMPDIR to folders that you can write to.",
  EACCES: "Check the permissions, or set HOME and TMPDIR to folders that you can write to.",
  EPERM: "Check the permissions, or set HOME and TMPDIR to folders that you can write to.",
  EIO: "The disk failed. See the log of the system.",
};

/** Returns an error of the system as an error that the user can act on, and others unchanged. */
function explainSystemError(error: unknown): unknown {
  if (error instanceof ViolaError || !(error instanceof Error)) return error;
  const hint = hintOfSystem(error);
  if (hint === undefined) return error;
  const { path } = error as NodeJS.ErrnoException;
  return new ViolaError("FILE_UNUSABLE", error.message, {
    ...(path !== undefined && { subject: path }),
    hint,
    cause: error,
  });
}

/** Returns the hint of the error, or else that of the system error that caused it. */
function withHint({ hint, cause }: ViolaError): { readonly hint?: string } {
  const known = hint ?? (cause instanceof Error ? hintOfSystem(cause) : undefined);
  return known === undefined ? {} : { hint: known };
}

function hintOfSystem({ code, message }: NodeJS.ErrnoException): string | undefined {
  return SYSTEM_HINTS[WORKER_FAILURE.exec(message)?.[1] ?? code ?? ""];
}

/** The message of `ERR_WORKER_INIT_FAILED` ends with the error of the system. */
const WORKER_FAILURE = /^Worker initialization failure: (E[A-Z]+)$/;

function numbered(error: ViolaError, number: number): string {
  return `  ${number}. ${details(error, "     ")}`;
}

function details(error: ViolaError, indent: string): string {
  const lines = [singleLine(error.message)];
  for (const cause of causesOf(error))
    if (!singleLine(error.message).includes(cause)) lines.push(`${indent}because: ${cause}`);
  const { hint } = withHint(error);
  if (hint !== undefined) lines.push(`${indent}what to do: ${singleLine(hint)}`);
  return lines.join("\n");
}

/** An error about a program that failed quotes what the program said, so this is not repeated. */
function* causesOf(error: Error): Iterable<string> {
  for (let cause = error.cause; cause instanceof Error; cause = cause.cause)
    if (!(cause instanceof ViolaError && cause.code === "PROCESS_FAILED"))
      yield singleLine(maskCredentials(cause.message));
}
