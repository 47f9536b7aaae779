// Reads the plain subset of YAML that most rendered objects are written in, many times faster than
// the YAML parser. Everything else is left to the parser.

/** A line without its indentation. */
interface Line {
  readonly indent: number;
  readonly text: string;
}

/** The result for a text that is not in the subset. */
const OUTSIDE = Symbol("outside of the subset");

const KEY = /^(?:([A-Za-z_./$][\w./$-]*)|"([^"\\]*)"|'([^']*)'):(?: +(.*))?$/;
/** Keys that are not the text that they are written as, or that merge another map. */
const SPECIAL_KEY = /^(?:null|true|false|\.(?:[0-9].*|inf|nan))$/i;
const MAX_KEY_LENGTH = 256;
const DOUBLE_QUOTED = /^"((?:[^"\\]|\\["\\/bfnrt])*)"(?: +#.*| *)$/;
const SINGLE_QUOTED = /^'((?:[^']|'')*)'(?: +#.*| *)$/;
const FLOW = /^[[{]/;
const FLOW_COMMENT = /^(.*[\]}]) +#.*$/;
/** One piece of a map or list in flow style, with the spaces after it. */
const FLOW_TOKEN = /([[\]{},]|: +|[A-Za-z0-9_.][\w./-]*|"[^"\\]*"|'[^']*') */y;
const PLAIN = /^(?:[A-Za-z0-9_./+(<=$^~;\\]|[-:][^ ])/;
const BLANK = /^ *$/;

/** Names and numbers of the core schema (https://yaml.org/spec/1.2.2/#103-core-schema). */
const NAMED: ReadonlyMap<string, null | boolean> = new Map([
  ...["~", "null", "Null", "NULL"].map((name) => [name, null] as const),
  ...["true", "True", "TRUE"].map((name) => [name, true] as const),
  ...["false", "False", "FALSE"].map((name) => [name, false] as const),
]);
const DECIMAL = /^[-+]?[0-9]+$/;
const FRACTION = /^[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*)$/;
const OTHER_NUMBER =
  /^(?:0o[0-7]+|0x[0-9a-fA-F]+|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)|[-+]?[0-9.]+[eE][-+]?[0-9]+)$/;

/** Limits that a text reaches here before it can reach those of the YAML parser. */
const MAX_CHARACTERS = 2 * 1024 * 1024;
const MAX_LINES = 12_000;
const MAX_FLOW_CHARACTERS = 50_000;
const MAX_DEPTH = 60;

/**
 * Returns the value of a document, or undefined when the text is not in the subset: maps and lists in
 * block style, whose values are on the same line (plain, quoted, or in simple flow style), quoted on
 * several lines, or blocks (`|`, and `>` without further indentation).
 * The value is the same as that of the YAML parser with the core schema, which finds no error in the
 * text.
 */
export function readBlockYaml(text: string): unknown {
  if (text.length > MAX_CHARACTERS || /\r|__proto__/.test(text)) return undefined;
  const value = new BlockReader(text).read();
  return value === OUTSIDE ? undefined : value;
}

class BlockReader {
  readonly #lines: readonly string[];
  #at = 0;
  /** The next line with content, if it was read already. */
  #next: Line | undefined;
  /** Lines without those of literal blocks. */
  #lineCount = 0;
  #flowCharacters = 0;

  constructor(text: string) {
    this.#lines = text.split("\n");
  }

  read(): unknown {
    const first = this.#peek();
    if (first === undefined) return OUTSIDE;
    const value = this.#collection(first, 0);
    return this.#peek() === undefined && this.#lineCount <= MAX_LINES ? value : OUTSIDE;
  }

  /** Returns the next line that is neither blank nor a comment. */
  #peek(): Line | undefined {
    for (; this.#next === undefined && this.#at < this.#lines.length; this.#at++) {
      const line = this.#lines[this.#at] ?? "";
      let indent = 0;
      while (line.charCodeAt(indent) === 32) indent++;
      this.#lineCount++;
      if (indent < line.length && line[indent] !== "#") this.#next = { indent, text: line.slice(indent) };
    }
    return this.#next;
  }

  #skip(): void {
    this.#next = undefined;
  }

  #collection(first: Line, depth: number): unknown {
    if (depth > MAX_DEPTH) return OUTSIDE;
    return isItem(first.text) ? this.#list(first.indent, depth) : this.#map(first.indent, depth);
  }

  #map(indent: number, depth: number): unknown {
    const map: Record<string, unknown> = {};
    for (let line = this.#peek(); line !== undefined && line.indent >= indent; line = this.#peek()) {
      if (line.indent > indent) return OUTSIDE;
      const [match, plain, double, single, rest = ""] = KEY.exec(line.text) ?? [];
      const key = plain ?? double ?? single;
      if (match === undefined || key === undefined || key.length > MAX_KEY_LENGTH) return OUTSIDE;
      if ((plain !== undefined && SPECIAL_KEY.test(plain)) || line.text.includes("\t")) return OUTSIDE;
      this.#skip();
      const value =
        rest === "" || rest.startsWith("#") ? this.#below(indent, depth, true) : this.#scalar(rest, indent);
      if (value === OUTSIDE) return OUTSIDE;
      map[key] = value;
    }
    return map;
  }

  #list(indent: number, depth: number): unknown {
    const list: unknown[] = [];
    for (let line = this.#peek(); line !== undefined && line.indent >= indent; line = this.#peek()) {
      if (line.indent > indent) return OUTSIDE;
      // In a map, a list may have the same indentation as its key.
      if (!isItem(line.text)) break;
      if (line.text.includes("\t")) return OUTSIDE;
      this.#skip();
      let start = 1;
      while (line.text[start] === " ") start++;
      const rest = line.text.slice(start);
      let value: unknown;
      if (rest === "" || rest.startsWith("#")) value = this.#below(indent, depth, false);
      else if (isItem(rest) || KEY.test(rest)) {
        this.#next = { indent: indent + start, text: rest };
        value = this.#collection(this.#next, depth + 1);
      } else value = this.#scalar(rest, indent);
      if (value === OUTSIDE) return OUTSIDE;
      list.push(value);
    }
    return list;
  }

  /** Reads the value of a key or item at `indent` that is on the lines below, or null without one. */
  #below(indent: number, depth: number, isKey: boolean): unknown {
    const line = this.#peek();
    const isValue =
      line !== undefined && (line.indent > indent || (isKey && line.indent === indent && isItem(line.text)));
    if (!isValue) return null;
    if (!FLOW.test(line.text)) return this.#collection(line, depth + 1);
    this.#skip();
    return this.#flow(line.text);
  }

  /**
   * Reads a value that begins on the line of its key or item at `indent`. The callers reject lines
   * that continue it, because these are indented more.
   */
  #scalar(text: string, indent: number): unknown {
    if (text.startsWith("|") || text.startsWith(">")) return this.#block(text, indent);
    if (text.startsWith('"')) {
      const content = this.#quoted(text, DOUBLE_QUOTED, indent);
      if (content === undefined) return OUTSIDE;
      return content.includes("\\") ? readJson(`"${content.replaceAll("\n", "\\n")}"`) : content;
    }
    if (text.startsWith("'")) {
      return this.#quoted(text, SINGLE_QUOTED, indent)?.replaceAll("''", "'") ?? OUTSIDE;
    }
    return FLOW.test(text) ? this.#flow(text) : readPlain(text);
  }

  /**
   * Returns what is between the quotes, or undefined for text outside of the subset. In text on several
   * lines, a line break is a space, and each empty line a line break.
   */
  #quoted(text: string, pattern: RegExp, indent: number): string | undefined {
    const whole = pattern.exec(text)?.[1];
    if (whole !== undefined) return whole;
    let joined = text.replace(/ +$/, "");
    let empty = 0;
    // A backslash at the end of a line joins it with the next one.
    for (; this.#at < this.#lines.length && !joined.endsWith("\\"); this.#at++) {
      const line = this.#lines[this.#at] ?? "";
      const content = line.replaceAll(/^ +| +$/g, "");
      this.#lineCount++;
      if (line === "") {
        empty++;
        continue;
      }
      if (content === "") return undefined;
      if (line.search(/[^ ]/) <= indent || line.includes("\t")) return undefined;
      joined += (empty === 0 ? " " : "\n".repeat(empty)) + content;
      empty = 0;
      const found = pattern.exec(joined)?.[1];
      if (found === undefined) continue;
      this.#at++;
      return found;
    }
    return undefined;
  }

  /** Reads a map or list in flow style on one line: JSON, or names, numbers and quoted text. */
  #flow(text: string): unknown {
    this.#flowCharacters += text.length;
    const depth = text.replaceAll(/[^[{]/g, "").length;
    return this.#flowCharacters > MAX_FLOW_CHARACTERS || depth > MAX_DEPTH ? OUTSIDE : readFlow(text);
  }

  /** Reads a literal or folded block. Its first line with content gives its indentation. */
  #block(header: string, indent: number): unknown {
    const [match, style, chomping] = /^([|>])([-+]?) *$/.exec(header) ?? [];
    if (match === undefined) return OUTSIDE;
    const lines = this.#lines;
    let first = this.#at;
    while (first < lines.length && BLANK.test(lines[first] ?? "")) first++;
    const pad = / */.exec(lines[first] ?? "")?.[0] ?? "";
    if (pad.length <= indent) return OUTSIDE;
    const content: string[] = [];
    for (; this.#at < lines.length; this.#at++) {
      const line = lines[this.#at] ?? "";
      const isBlank = BLANK.test(line);
      if (!isBlank && !line.startsWith(pad)) break;
      if (isBlank && line.length > pad.length) return OUTSIDE;
      content.push(line.slice(pad.length));
    }
    // The text ends without a line break.
    if (this.#at === lines.length && content.pop() !== "") return OUTSIDE;
    const end = content.findLastIndex((line) => line !== "") + 1;
    const body = style === ">" ? fold(content.slice(0, end)) : content.slice(0, end).join("\n");
    if (body === undefined) return OUTSIDE;
    if (chomping === "-") return body;
    return body + "\n".repeat(chomping === "+" ? content.length - end + 1 : 1);
  }
}

/** Joins the lines of a folded block, or returns undefined when some are indented further. */
function fold(lines: readonly string[]): string | undefined {
  if (lines.some((line) => /^\s|\s$/.test(line))) return undefined;
  let text = "";
  let empty = 0;
  for (const line of lines) {
    if (line === "") {
      empty++;
      continue;
    }
    text += (empty > 0 ? "\n".repeat(empty) : text === "" ? "" : " ") + line;
    empty = 0;
  }
  return text;
}

function readFlow(text: string): unknown {
  const json = readJson(text);
  if (json !== OUTSIDE) return json;
  const withoutComment = FLOW_COMMENT.exec(text)?.[1];
  if (withoutComment !== undefined) return readFlow(withoutComment);
  return new FlowReader(text).read();
}

/** Reads maps and lists in flow style on one line, without escapes and special characters. */
class FlowReader {
  readonly #tokens: readonly string[];
  #at = 0;

  constructor(text: string) {
    const tokens: string[] = [];
    let end = 0;
    for (const [whole, token = ""] of text.matchAll(new RegExp(FLOW_TOKEN, "gy"))) {
      tokens.push(token);
      end += whole.length;
    }
    this.#tokens = end === text.length ? tokens : [];
  }

  read(): unknown {
    const value = this.#value();
    return this.#at === this.#tokens.length ? value : OUTSIDE;
  }

  #value(): unknown {
    const token = this.#tokens[this.#at++] ?? "";
    if (token === "[") return this.#list();
    if (token === "{") return this.#map();
    if (/^["']/.test(token)) return token.slice(1, -1);
    return /^\w/.test(token) ? readPlain(token) : OUTSIDE;
  }

  #list(): unknown {
    const list: unknown[] = [];
    if (this.#ends("]")) return list;
    for (;;) {
      const value = this.#value();
      if (value === OUTSIDE) return OUTSIDE;
      list.push(value);
      if (this.#ends("]")) return list;
      if (!this.#ends(",")) return OUTSIDE;
    }
  }

  #map(): unknown {
    const map: Record<string, unknown> = {};
    if (this.#ends("}")) return map;
    for (;;) {
      const key = this.#tokens[this.#at++] ?? "";
      if (!/^[A-Za-z]/.test(key) || SPECIAL_KEY.test(key) || Object.hasOwn(map, key)) return OUTSIDE;
      if (this.#tokens[this.#at++]?.startsWith(":") !== true) return OUTSIDE;
      const value = this.#value();
      if (value === OUTSIDE) return OUTSIDE;
      map[key] = value;
      if (this.#ends("}")) return map;
      if (!this.#ends(",")) return OUTSIDE;
    }
  }

  /** Skips the token if it is the next one. */
  #ends(token: string): boolean {
    const isNext = this.#tokens[this.#at] === token;
    if (isNext) this.#at++;
    return isNext;
  }
}

function isItem(text: string): boolean {
  return text[0] === "-" && (text.length === 1 || text[1] === " ");
}

function readJson(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch {
    return OUTSIDE;
  }
}

function readPlain(text: string): unknown {
  if (!PLAIN.test(text)) return OUTSIDE;
  const comment = text.indexOf(" #");
  const content = (comment < 0 ? text : text.slice(0, comment)).replace(/(?<! ) +$/, "");
  if (content.includes(": ") || content.endsWith(":")) return OUTSIDE;
  const named = NAMED.get(content);
  if (named !== undefined) return named;
  if (DECIMAL.test(content)) return Number.parseInt(content, 10);
  if (FRACTION.test(content)) return Number.parseFloat(content);
  return OTHER_NUMBER.test(content) ? OUTSIDE : content;
}
