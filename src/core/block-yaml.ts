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
const SPECIAL_KEY = /^(?:null|true|false)$/i;
const MAX_KEY_LENGTH = 256;
const DOUBLE_QUOTED = /^"((?:[^"\\]|\\["\\/bfnrt])*)"(?: +#.*| *)$/;
const SINGLE_QUOTED = /^'((?:[^']|'')*)'(?: +#.*| *)$/;
const FLOW = /^[[{]/;
const PLAIN = /^(?:[A-Za-z0-9_./+(<=$^~;\\]|-[^ ])/;
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
 * block style, whose values are on the same line (plain, quoted, or JSON) or literal blocks (`|`).
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
    if (text.startsWith("|")) return this.#literal(text, indent);
    if (text.startsWith('"')) {
      const content = DOUBLE_QUOTED.exec(text)?.[1];
      if (content === undefined) return OUTSIDE;
      return content.includes("\\") ? readJson(`"${content}"`) : content;
    }
    if (text.startsWith("'")) return SINGLE_QUOTED.exec(text)?.[1]?.replaceAll("''", "'") ?? OUTSIDE;
    return FLOW.test(text) ? this.#flow(text) : readPlain(text);
  }

  /** Reads a map or list in the style of JSON. */
  #flow(text: string): unknown {
    this.#flowCharacters += text.length;
    const depth = text.replaceAll(/[^[{]/g, "").length;
    return this.#flowCharacters > MAX_FLOW_CHARACTERS || depth > MAX_DEPTH ? OUTSIDE : readJson(text);
  }

  /** Reads a literal block. Its first line with content gives its indentation. */
  #literal(header: string, indent: number): unknown {
    const [match, chomping] = /^\|([-+]?) *$/.exec(header) ?? [];
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
    const body = content.slice(0, end).join("\n");
    if (chomping === "-") return body;
    return body + "\n".repeat(chomping === "+" ? content.length - end + 1 : 1);
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
