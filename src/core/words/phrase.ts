// Word lists: texts in every language, with placeholders and plurals.
import type { Language } from "./language.js";

/**
 * A text with placeholders such as `{name}`. A text that depends on a number has a form for one and
 * a form for other numbers; its placeholder is `{count}`.
 */
export type Template = string | { readonly one: string; readonly other: string };

/** One text in every language. Every language has the same placeholders. */
export type Entry = Readonly<Record<Language, Template>>;

/** The texts of one area by key. Declare lists with `as const satisfies WordList`. */
export type WordList = Readonly<Record<string, Entry>>;

type NamesIn<T extends string> = T extends `${string}{${infer Name}}${infer Rest}`
  ? Name | NamesIn<Rest>
  : never;
type Names<T extends Template> = T extends string
  ? NamesIn<T>
  : T extends { readonly other: infer Other extends string }
    ? NamesIn<Other> | "count"
    : never;
type Values<T extends Template> = Readonly<Record<Names<T>, string | number>>;

/** Returns the text of a key. The placeholders of the English text are the required values. */
export type Phrase<L extends WordList> = <K extends keyof L>(
  key: K,
  ...values: [Names<L[K]["en"]>] extends [never] ? [] : [values: Values<L[K]["en"]>]
) => string;

/** Returns the texts of a list in a language. */
export function phrasesOf<L extends WordList>(list: L, language: Language): Phrase<L> {
  return (key, ...[values]) => {
    const entry: WordList[string] | undefined = list[key];
    if (entry === undefined) throw new TypeError(`no text ${String(key)}`);
    return fill(entry[language], values ?? {});
  };
}

/** Replaces the placeholders by the values. Values are not searched for placeholders. */
export function fill(template: Template, values: Readonly<Record<string, string | number>>): string {
  const text =
    typeof template === "string" ? template : Number(values["count"]) === 1 ? template.one : template.other;
  return text.replace(/\{(\w+)\}/g, (placeholder, name: string) => String(values[name] ?? placeholder));
}

/** Returns the names of the placeholders of a text, sorted, each once. */
export function placeholdersOf(template: Template): readonly string[] {
  const texts = typeof template === "string" ? [template] : [template.one, template.other];
  const names = texts.flatMap((text) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name));
  return [...new Set(names)].sort();
}
