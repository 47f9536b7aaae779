// The one error class of the program: a code to branch on, a line for people, and what to do next.

/** Every way in which the program can fail on purpose. Anything else that is thrown is a bug. */
export type ErrorCode =
  | "USAGE"
  | "SETTINGS_INVALID"
  | "SPEC_INVALID"
  | "RECORD_INVALID"
  | "REFERENCE_INVALID"
  | "HELM_MISSING"
  | "CHART_UNAVAILABLE"
  | "CHART_RENDER_FAILED"
  | "IMAGE_NOT_FOUND"
  | "IMAGE_PLATFORM_MISSING"
  | "IMAGE_UNSUPPORTED"
  | "REGISTRY_AUTH"
  | "REGISTRY_UNAVAILABLE"
  | "REGISTRY_ANSWER_INVALID"
  | "DIGEST_MISMATCH"
  | "BUNDLE_INVALID"
  | "BUNDLE_UNSUPPORTED"
  | "DOCKER_UNAVAILABLE"
  | "CLUSTER_NOT_FOUND"
  | "NODE_LOAD_FAILED"
  | "KUBECTL_MISSING"
  | "CLUSTER_UNREACHABLE"
  | "INSTALL_FAILED"
  | "PROCESS_FAILED"
  | "FILE_UNUSABLE"
  | "MULTIPLE_ERRORS";

/** What an error carries besides its code and message. */
export interface ErrorDetails {
  /** The thing that failed: a file with line, an image, a chart, a node. */
  readonly subject?: string;
  /** What the user can do about it. */
  readonly hint?: string;
  /** The lower error, or the list of errors for `MULTIPLE_ERRORS`. */
  readonly cause?: unknown;
}

/** A failure that the user can act on. The message is one line that names its subject. */
export class ViolaError extends Error {
  override readonly name = "ViolaError";
  readonly code: ErrorCode;
  readonly subject: string | undefined;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.subject = details.subject;
    this.hint = details.hint;
  }
}

/** Several failures of equal standing, reported together so that the user needs one more try and not many. */
export class ManyErrors extends ViolaError {
  readonly errors: readonly ViolaError[];

  constructor(message: string, errors: readonly ViolaError[]) {
    super("MULTIPLE_ERRORS", message, { cause: errors });
    this.errors = errors;
  }
}

/**
 * Returns the code of a system error, such as `ENOENT`: what a file, a process or a connection failed with. Anything else is a bug,
 * which must not look like a broken file, and is thrown as it is.
 */
export function systemErrorCode(cause: unknown): string {
  const code = codeOf(cause);
  if (code === undefined) throw cause;
  return code;
}

/** True for a system error with one of these codes. */
export function isSystemError(cause: unknown, ...codes: readonly string[]): boolean {
  const code = codeOf(cause);
  return code !== undefined && codes.includes(code);
}

/**
 * True for an error of the language, such as calling what is not a function: no data and no system causes it, so that it must not
 * be shown as a broken file or a broken connection. Node's own type errors about arguments have a code, and do not count.
 */
export function isBug(cause: unknown): boolean {
  const isOfLanguage =
    cause instanceof TypeError || cause instanceof RangeError || cause instanceof ReferenceError;
  return !(cause instanceof Error) || (isOfLanguage && !("code" in cause));
}

/** Node has codes of its own for files that are too large and for paths that no system takes. */
function codeOf(cause: unknown): string | undefined {
  if (!(cause instanceof Error) || !("code" in cause) || typeof cause.code !== "string") return undefined;
  const isOfSystem = "errno" in cause || /^ERR_(?:FS_|INVALID_ARG_VALUE$)/.test(cause.code);
  return isOfSystem ? cause.code : undefined;
}

/** Returns the only failure as it is, or several as one. */
export function oneOrMany(message: string, errors: readonly ViolaError[]): ViolaError {
  const [first] = errors;
  return errors.length === 1 && first !== undefined ? first : new ManyErrors(message, errors);
}

/**
 * Waits until every task has settled and returns all results in order; a tuple of tasks gives a tuple
 * of results. Throws the only failure as it is, or several as one `ManyErrors` headed by `message`.
 * Anything that is not a `ViolaError` is a bug and is thrown as it is once all tasks have settled.
 */
export async function settleAll<const T extends readonly Promise<unknown>[]>(
  message: string,
  tasks: T,
): Promise<{ -readonly [Index in keyof T]: Awaited<T[Index]> }> {
  const failures: ViolaError[] = [];
  for (const outcome of await Promise.allSettled(tasks)) {
    if (outcome.status === "fulfilled") continue;
    if (!(outcome.reason instanceof ViolaError)) throw outcome.reason;
    failures.push(...(outcome.reason instanceof ManyErrors ? outcome.reason.errors : [outcome.reason]));
  }
  if (failures.length > 0) throw oneOrMany(message, failures);
  return Promise.all(tasks);
}
