// The texts of the page in its language.
import { fill } from "../../../../core/words/phrase.js";
import type { PageWords } from "../shared/draw-treemap.js";
import type { PageData } from "../shared/page-data.js";

/** Returns the same function as `phrasesOf`, for the one language that is in the data. */
export function pageWords(words: PageData["words"]): PageWords {
  return (key, ...[values]) => fill(words[key], values ?? {});
}
