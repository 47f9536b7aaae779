// The languages of texts for people, and the one that a locale asks for.

export const LANGUAGES = ["en", "ko"] as const;
export type Language = (typeof LANGUAGES)[number];

/**
 * Returns the language of the locale: that of the first of these variables that is not empty, as in
 * POSIX (https://pubs.opengroup.org/onlinepubs/9799919799/basedefs/V1_chap08.html#tag_08_02).
 * Output is always UTF-8, so a locale with another character set gets English. load.sh has the same
 * rule.
 */
export function languageOf(env: Readonly<Record<string, string | undefined>>): Language {
  const locale = [env["LC_ALL"], env["LC_MESSAGES"], env["LANG"]].find(
    (value) => value !== undefined && value !== "",
  );
  return /^ko(_[A-Za-z]+)?\.utf-?8(@|$)/i.test(locale ?? "") ? "ko" : "en";
}
