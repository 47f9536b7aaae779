// The word lists: every text has the same placeholders in every language, and uses one term for one
// thing.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { FINDING_TEXTS, type FindingKind } from "../../../../src/core/audit/rules/texts.js";
import { FINDING_TEXTS_KO, HINTS_KO, WARNING_TEXTS_KO } from "../../../../src/core/audit/rules/texts-ko.js";
import { WELL_KNOWN_IMAGES } from "../../../../src/core/audit/well-known-images.js";
import {
  phrasesOf,
  placeholdersOf,
  type Template,
  type WordList,
} from "../../../../src/core/words/phrase.js";
import { AUDIT_WORDS } from "../../../../src/core/words/audit.js";
import { BASE_WORDS } from "../../../../src/core/words/base.js";
import { DIFF_WORDS } from "../../../../src/core/words/diff.js";
import { OUTDATED_WORDS } from "../../../../src/core/words/outdated.js";
import { HTML_WORDS } from "../../../../src/core/words/page.js";
import { SHOW_WORDS } from "../../../../src/core/words/show.js";
import { README_WORDS } from "../../../../src/core/words/readme.js";
import { otherTerms } from "../../../support/korean-terms.js";
import { ROOT } from "../../../support/paths.js";

/** The word lists, by the file in src/core/words/. */
const LISTS: Readonly<Record<string, WordList>> = {
  audit: AUDIT_WORDS,
  base: BASE_WORDS,
  diff: DIFF_WORDS,
  outdated: OUTDATED_WORDS,
  page: HTML_WORDS,
  readme: README_WORDS,
  show: SHOW_WORDS,
};

/** Other texts that have a Korean form, as word lists. */
const FINDINGS: WordList = Object.fromEntries(
  Object.entries(FINDING_TEXTS).flatMap(([kind, texts]) =>
    (["message", "why", "action"] as const).map((part) => [
      `${kind}.${part}`,
      { en: texts[part], ko: FINDING_TEXTS_KO[kind as FindingKind][part] },
    ]),
  ),
);
const HINTS: WordList = Object.fromEntries(Object.entries(HINTS_KO).map(([en, ko]) => [en, { en, ko }]));
const HANGUL = /\p{Script=Hangul}/u;
/** Texts that are the same in Korean: names of products, and terms that are not translated. */
const SAME = new Set(["Kubernetes", "values", "Pod", "CRD", "API", "sha256"]);
const formsOf = (template: Template): readonly string[] =>
  typeof template === "string" ? [template] : [template.one, template.other];

it("every list is checked here", () => {
  const files = readdirSync(join(ROOT, "src/core/words")).map((name) => name.replace(/\.ts$/, ""));

  expect(files.filter((name) => !["language", "phrase"].includes(name)).sort()).toEqual(
    Object.keys(LISTS).sort(),
  );
});

describe.each(Object.entries({ ...LISTS, findings: FINDINGS, hints: HINTS, images: WELL_KNOWN_IMAGES }))(
  "%s",
  (_, list) => {
    const entries = Object.entries(list);

    it("has the same placeholders in every language", () => {
      for (const [key, { en, ko }] of entries) expect(placeholdersOf(ko), key).toEqual(placeholdersOf(en));
    });

    it("has English and Korean texts, and none that were left in English", () => {
      const unlike = entries.filter(([, { en, ko }]) => {
        const words = formsOf(en)
          .join(" ")
          .replace(/\{\w+\}|`[^`]*`/g, "");
        return (
          HANGUL.test(words) ||
          (/[a-z]{2}/i.test(words) && !SAME.has(words) && !formsOf(ko).every((text) => HANGUL.test(text)))
        );
      });

      expect(unlike.map(([key]) => key)).toEqual([]);
    });

    it("has the same commands and options in every language", () => {
      const codeOf = (template: Template): readonly string[] =>
        formsOf(template).flatMap((text) => text.match(/`[^`]+`|(?<![\w-])--[a-z][a-z-]*/g) ?? []);

      for (const [key, { en, ko }] of entries) expect(new Set(codeOf(ko)), key).toEqual(new Set(codeOf(en)));
    });

    it("uses one Korean term for one thing", () => {
      const wrong = entries.flatMap(([key, { ko }]) =>
        formsOf(ko)
          .flatMap(otherTerms)
          .map((term) => `${key}: ${term}`),
      );

      expect(wrong).toEqual([]);
    });
  },
);

it("every warning and hint that has a Korean text is one of the program", () => {
  const source = readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && !name.endsWith("texts-ko.ts"))
    .map((name) => readFileSync(join(ROOT, "src", name), "utf8"))
    .join("\n")
    .replaceAll(/" \+\n\s*"/g, "");

  expect(Object.keys(WARNING_TEXTS_KO).filter((code) => !source.includes(`"${code}"`))).toEqual([]);
  expect(Object.keys(HINTS_KO).filter((hint) => !source.includes(`"${hint}"`))).toEqual([]);
  expect(otherTerms(Object.values(WARNING_TEXTS_KO).join("\n"))).toEqual([]);
});

it("fills placeholders, and chooses the form for one", () => {
  const list = {
    images: {
      en: { one: "{count} image of {name}", other: "{count} images of {name}" },
      ko: "{name}의 이미지 {count}개",
    },
  } as const satisfies WordList;

  expect(phrasesOf(list, "en")("images", { count: 1, name: "{count}" })).toBe("1 image of {count}");
  expect(phrasesOf(list, "en")("images", { count: 2, name: "a" })).toBe("2 images of a");
  expect(phrasesOf(list, "ko")("images", { count: 1, name: "a" })).toBe("a의 이미지 1개");
});
