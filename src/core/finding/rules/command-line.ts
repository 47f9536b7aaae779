// Parses flags on the command lines of containers, including scripts in them.
import { isRecord, valueAt, type Path } from "../../json.js";
import type { ContainerAt } from "../../kubernetes/containers.js";

/** A flag with its value, or a variable that a script sets. */
export interface Setting {
  /** Without dashes. */
  readonly name: string;
  readonly value: string;
}

/** A flag of a container, and the path of its value. */
export interface FlagAt extends Setting {
  readonly path: Path;
  /** The whole argument at the path; absent for a flag in a script. */
  readonly text?: string;
}

/** An argument of a command line, at `path`. */
export interface Word {
  readonly text: string;
  readonly path: Path;
}

/**
 * Fields with commands of a container besides its main one.
 * https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/
 */
const EXEC_COMMANDS = [
  "lifecycle.postStart.exec.command",
  "lifecycle.preStop.exec.command",
  "livenessProbe.exec.command",
  "readinessProbe.exec.command",
  "startupProbe.exec.command",
];

/** Yields the command lines of a container. `args` are appended to `command`. */
export function* commandLines({ path, container }: ContainerAt): Iterable<readonly Word[]> {
  yield [
    ...wordsOf(container["command"], [...path, "command"]),
    ...wordsOf(container["args"], [...path, "args"]),
  ];
  for (const dotted of EXEC_COMMANDS) {
    yield wordsOf(valueAt(container, dotted), [...path, ...dotted.split(".")]);
  }
}

/** Returns the strings of a list as arguments. */
export function wordsOf(list: unknown, path: Path): readonly Word[] {
  if (!Array.isArray(list)) return [];
  return list.flatMap((item: unknown, index) =>
    typeof item === "string" ? [{ text: item, path: [...path, index] }] : [],
  );
}

/**
 * Yields every flag: `--x=value`, `--x` and `value` as two arguments, and flags in scripts. A flag
 * without value has the value `true`.
 */
export function* flagsIn(words: readonly Word[]): Iterable<FlagAt> {
  for (const [index, { text, path }] of words.entries()) {
    const match = /^--?([A-Za-z][\w.-]*)(?:=(.*))?$/s.exec(text);
    if (match !== null) {
      const [, name = "", value] = match;
      const next = words[index + 1];
      const isPair = value === undefined && next !== undefined && !next.text.startsWith("-");
      yield isPair
        ? { name, value: next.text, path: next.path, text: next.text }
        : { name, value: value ?? "true", path, text };
    }
    if (isScript(text)) for (const flag of flagsInText(text)) yield { ...flag, path };
  }
}

/** True for an argument with inner whitespace, which a shell would run as a script. */
export function isScript(text: string): boolean {
  return /\S\s+\S/.test(text);
}

/** Quotes around a value, also `$'…'`. They are escaped if the script itself is quoted. */
const QUOTES = String.raw`(?:\$?\\*["'])*`;
const VALUE = String.raw`([^\s"'\\\`;|&<>(){}]+)`;
const BLANKS = String.raw`(?:[^\S\n]|\\\r?\n)+`;
const FLAG = new RegExp(
  String.raw`(?<![\w.$-])--?([A-Za-z][\w.-]*)(?:=|${BLANKS}|\\*["'],?\s*(?=\\*["']))${QUOTES}(?!-)${VALUE}`,
  "g",
);
const VARIABLE = new RegExp(String.raw`(?<![\w.-])([A-Za-z_]\w*)(?:=|:?[-=])${QUOTES}(?!-)${VALUE}`, "g");

const COMMENT = /^[^\S\r\n\u2028\u2029]*#.*$/gm;

/** Yields the flags with values in a text, with any quoting. Comment lines are ignored. */
export function flagsInText(text: string): Iterable<Setting> {
  return settingsIn(text, FLAG);
}

/** Yields the variables that a script sets with `NAME=value` or `${NAME:-value}`. */
export function variablesInText(text: string): Iterable<Setting> {
  return settingsIn(text, VARIABLE);
}

function* settingsIn(text: string, pattern: RegExp): Iterable<Setting> {
  const code = text.replaceAll(COMMENT, "");
  for (const [, name = "", value = ""] of code.matchAll(pattern)) yield { name, value };
}

/** Returns the words of a script without quotes. Comment lines are ignored. */
export function wordsInText(text: string): readonly string[] {
  return text.replaceAll(COMMENT, "").match(/[^\s"'\\;|&(){}<>]+/g) ?? [];
}

/**
 * Yields the lists of strings in a structure that look like command lines, as one item is a flag.
 */
export function* commandLinesIn(value: unknown, path: Path): Iterable<readonly Word[]> {
  if (Array.isArray(value)) {
    const words = wordsOf(value, path);
    if (words.some(({ text }) => text.startsWith("-"))) yield words;
    for (const [index, item] of value.entries()) yield* commandLinesIn(item, [...path, index]);
  } else if (isRecord(value)) {
    for (const [key, item] of Object.entries(value)) yield* commandLinesIn(item, [...path, key]);
  }
}
