// Parses YAML from outside: the only place that calls the YAML parser. Limits keep each call short.
import {
  isAlias,
  isCollection,
  Lexer,
  LineCounter,
  parseDocument,
  visit,
  type Document,
  type DocumentOptions,
  type ParseOptions,
  type SchemaOptions,
  type ToStringOptions,
} from "yaml";

/** Characters. An object in Kubernetes has at most 1.5 MiB. */
const MAX_LENGTH = 8 * 1024 * 1024;
/** Parsing so many tokens takes about half a second and 60 MB. */
const MAX_TOKENS = 200_000;
/** A shorter text cannot have enough tokens to matter, so it is not scanned. */
const SHORT_TEXT = 64 * 1024;
/** Values after every alias is replaced by what it refers to. */
const MAX_VALUES = 200_000;

/** `prettyErrors` is not among them, because it takes quadratic time when a line has many errors. */
type YamlOptions = Omit<ParseOptions & DocumentOptions & SchemaOptions, "prettyErrors">;

/**
 * Lenient, so that every document that Kubernetes accepts is accepted here. In the core schema,
 * `=`, `yes` and `0777` are strings.
 */
export const AS_KUBERNETES: YamlOptions = {
  schema: "core",
  merge: true,
  uniqueKeys: false,
  strict: false,
  logLevel: "silent",
};

/** A text that cannot be used. The message completes "the text …". */
export class UnusableYaml extends Error {
  /** True when the text exceeds a limit, and false when it is not right. */
  readonly isTooLarge: boolean;

  constructor(message: string, { isTooLarge = true, cause }: { isTooLarge?: boolean; cause?: unknown } = {}) {
    super(message, { cause });
    this.isTooLarge = isTooLarge;
  }
}

/**
 * Parses one document. Syntax errors are in its `errors`; the message of the first one ends with its
 * line and column, unless the caller counts lines itself. Throws `UnusableYaml` for a text that is
 * too large, has too many tokens or is nested too deeply.
 */
export function parseYaml(text: string, options: YamlOptions = {}): Document.Parsed {
  const excess = findExcess(text);
  if (excess !== undefined) throw new UnusableYaml(excess);
  const { stackTraceLimit } = Error;
  try {
    // In a text that is not YAML every line is an error, and collecting stack traces would take most
    // of the time.
    Error.stackTraceLimit = 0;
    const lineCounter = new LineCounter();
    const document = parseDocument(text, {
      logLevel: "error",
      lineCounter,
      ...options,
      prettyErrors: false,
    });
    const [error] = document.errors;
    if (error !== undefined && options.lineCounter === undefined) {
      const { line, col } = lineCounter.linePos(error.pos[0]);
      error.message = `${error.message} at line ${line}, column ${col}`;
    }
    return document;
  } catch (cause) {
    throw unusable(cause);
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/**
 * Returns the content of a document. Throws `UnusableYaml` when it has too many values after
 * aliases are replaced, or when an alias has no anchor.
 */
export function toValue(document: Document): unknown {
  let value: unknown;
  try {
    refuseCollectionKeys(document);
    value = document.toJS({ maxAliasCount: 10_000 });
  } catch (cause) {
    throw unusable(cause);
  }
  if (countValues(value, MAX_VALUES) > MAX_VALUES)
    throw new UnusableYaml(`has more than ${MAX_VALUES} values`);
  return value;
}

/**
 * Returns the text of a document that was changed. Throws `UnusableYaml` when the document has syntax
 * errors, or an alias without an anchor.
 */
export function formatYaml(document: Document, options?: ToStringOptions): string {
  const [error] = document.errors;
  if (error !== undefined) {
    throw new UnusableYaml(`cannot be read: ${error.message}`, { isTooLarge: false, cause: error });
  }
  try {
    return document.toString(options);
  } catch (cause) {
    throw unusable(cause);
  }
}

function findExcess(text: string): string | undefined {
  if (text.length > MAX_LENGTH) return `has more than ${MAX_LENGTH} characters`;
  if (text.length < SHORT_TEXT) return undefined;
  const lexer = new Lexer().lex(text);
  for (let tokens = 0; lexer.next().done !== true; tokens++) {
    if (tokens >= MAX_TOKENS) return `has more than ${MAX_TOKENS} tokens`;
  }
  return undefined;
}

/**
 * Counts the values in maps and lists, and ends when there are more than `limit`. What several
 * aliases refer to counts for each of them, because whoever walks over the value visits it each time.
 */
export function countValues(root: unknown, limit: number): number {
  let count = 0;
  const waiting: unknown[] = [root];
  while (waiting.length > 0 && count + waiting.length <= limit) {
    const value = waiting.pop();
    count++;
    if (typeof value === "object" && value !== null) {
      for (const child of Object.values(value)) waiting.push(child);
    }
  }
  return count + waiting.length;
}

/**
 * JSON and Kubernetes have no maps and lists as keys, and converting nested ones takes exponential
 * time.
 */
function refuseCollectionKeys(document: Document): void {
  visit(document, {
    Pair: (_, { key }) => {
      const node = isAlias(key) ? key.resolve(document) : key;
      if (isCollection(node)) throw new UnusableYaml("has a map or list as a key", { isTooLarge: false });
    },
  });
}

/** The parser is recursive, and throws plain errors for aliases and merge keys that make no sense. */
function unusable(cause: unknown): unknown {
  if (cause instanceof RangeError) return new UnusableYaml("is nested too deeply", { cause });
  if (!(cause instanceof Error) || cause instanceof UnusableYaml || cause instanceof TypeError) return cause;
  const isTooLarge = cause.message.startsWith("Excessive alias count");
  return new UnusableYaml(`cannot be read: ${cause.message}`, { isTooLarge, cause });
}
