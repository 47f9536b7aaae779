// The error class of the program: a code, a message for the user, and a hint.

/** The codes of all expected errors. Any other exception is a bug. */
export type ErrorCode =
  | "USAGE"
  | "INTERRUPTED"
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
  | "IMAGE_UNSIGNED"
  | "REGISTRY_AUTH"
  | "REGISTRY_UNAVAILABLE"
  | "REGISTRY_ANSWER_INVALID"
  | "DIGEST_MISMATCH"
  | "KEY_INVALID"
  | "SIGNATURE_MISSING"
  | "SIGNATURE_INVALID"
  | "SIGNING_FAILED"
  | "BUNDLE_INVALID"
  | "BUNDLE_UNSUPPORTED"
  | "BASE_WRONG"
  | "BASE_MISSING"
  | "DOCKER_UNAVAILABLE"
  | "CLUSTER_NOT_FOUND"
  | "NODE_LOAD_FAILED"
  | "KUBECTL_MISSING"
  | "CLUSTER_UNREACHABLE"
  | "INSTALL_FAILED"
  | "UNINSTALL_FAILED"
  | "RELEASE_INSTALLED"
  | "PROCESS_FAILED"
  | "FILE_UNUSABLE"
  | "MULTIPLE_ERRORS";

/** Optional details of an error. */
export interface ErrorDetails {
  /** What the error is about: a file with line and column, an image, a chart, a node. */
  readonly subject?: string;
  /** What the user can do about it. */
  readonly hint?: string;
  /** The underlying error, or the list of errors for `MULTIPLE_ERRORS`. */
  readonly cause?: unknown;
}

const USER_INFO = /\b([a-z][a-z0-9+.-]{0,20}:\/\/)([^\s/?#"'<>]*)@(?!sha256:)/gi;

/**
 * Replaces user and password in URLs. They must not get into messages, which are logged, sent and
 * recorded. A user alone may be a token, but not that of ssh. `NAME@sha256:…` after a scheme is a
 * digest.
 */
export function maskCredentials(text: string): string {
  return text.replace(USER_INFO, (whole, scheme: string, user: string) =>
    user.includes(":") || !scheme.toLowerCase().endsWith("ssh://") ? `${scheme}***@` : whole,
  );
}

/**
 * An error that the user can act on. The message is one line and names the subject. Credentials in
 * URLs are masked.
 */
export class ViolaError extends Error {
  override readonly name = "ViolaError";
  readonly code: ErrorCode;
  readonly subject: string | undefined;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(maskCredentials(message), details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.subject = details.subject === undefined ? undefined : maskCredentials(details.subject);
    this.hint = details.hint === undefined ? undefined : maskCredentials(details.hint);
  }
}

/**
 * Several independent errors, reported together so that the user can fix all of them before the
 * next run.
 */
export class ManyErrors extends ViolaError {
  readonly errors: readonly ViolaError[];

  constructor(message: string, errors: readonly ViolaError[]) {
    super("MULTIPLE_ERRORS", message, { cause: errors });
    this.errors = errors;
  }
}

/**
 * Returns the code of a system error of a file, process or connection, such as `ENOENT`. Rethrows
 * any other error unchanged, because a bug must not be reported as a file error.
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
 * True for an error of the language, such as calling something that is not a function. No data and no
 * system causes it, so it must not be shown as an invalid file or a broken connection. Type errors of
 * Node.js about arguments have a code and do not count.
 */
export function isBug(cause: unknown): boolean {
  const isOfLanguage =
    cause instanceof TypeError || cause instanceof RangeError || cause instanceof ReferenceError;
  return !(cause instanceof Error) || (isOfLanguage && !("code" in cause));
}

/**
 * Node.js has its own codes for files that are too large and for paths that are not valid on any
 * system.
 */
function codeOf(cause: unknown): string | undefined {
  if (!(cause instanceof Error) || !("code" in cause) || typeof cause.code !== "string") return undefined;
  const isOfSystem = "errno" in cause || /^ERR_(?:FS_|INVALID_ARG_VALUE$)/.test(cause.code);
  return isOfSystem ? cause.code : undefined;
}

/**
 * Returns the only error unchanged, or combines several errors into one. Tasks that fail with the
 * same subject and message, such as the same setting, count once.
 */
export function oneOrMany(message: string, errors: readonly ViolaError[]): ViolaError {
  const keyed = errors.map((error) => [`${error.subject ?? ""} ${error.message}`, error] as const);
  const distinct = [...new Map(keyed).values()];
  const [first] = distinct;
  return distinct.length === 1 && first !== undefined ? first : new ManyErrors(message, distinct);
}

/**
 * Waits until every task has settled and returns all results in order; a tuple of tasks gives a
 * tuple of results. Throws the only error unchanged, or several errors as one `ManyErrors` with
 * `message`. An error that is not a `ViolaError` is a bug and is rethrown unchanged after all tasks
 * have settled.
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
