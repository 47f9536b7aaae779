// The language of reports, from `--lang` or the locale.
import { expect, it } from "vitest";
import { languageOf } from "../../../../src/core/words/language.js";

it.each([
  [{}, "en"],
  [{ LANG: "ko_KR.UTF-8" }, "ko"],
  [{ LANG: "ko.utf8" }, "ko"],
  [{ LANG: "ko_KR.UTF-8@dict" }, "ko"],
  // Its terminal does not show UTF-8.
  [{ LANG: "ko_KR" }, "en"],
  [{ LANG: "ko_KR.eucKR" }, "en"],
  [{ LANG: "en_US.UTF-8", LC_MESSAGES: "ko_KR.UTF-8" }, "ko"],
  [{ LANG: "ko_KR.UTF-8", LC_ALL: "C.UTF-8" }, "en"],
  [{ LANG: "ko_KR.UTF-8", LC_ALL: "", LC_MESSAGES: "" }, "ko"],
  [{ LANG: "kok_IN.UTF-8" }, "en"],
] as const)("is that of the first variable that is not empty: %j", (env, language) => {
  expect(languageOf(env)).toBe(language);
});
