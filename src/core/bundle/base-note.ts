// BASE.txt and BASE.ko.txt of a differential bundle: which base it needs, and what to do with it. The
// other files of the bundle are those of the whole bundle.
import { BASE_WORDS } from "../words/base.js";
import { LANGUAGES } from "../words/language.js";
import { phrasesOf } from "../words/phrase.js";
import { formatIdentity } from "./base.js";
import type { InventoryBase } from "./inventory.js";
import type { SmallFile } from "./layout-files.js";
import { BASE_NOTE_PATHS } from "./paths.js";

/** Returns the file in every language. `bundle` is what the difference makes with its base. */
export function baseNotes(
  bundle: { readonly name: string; readonly version: string },
  base: InventoryBase,
): readonly SmallFile[] {
  return LANGUAGES.map((language) => {
    const words = phrasesOf(BASE_WORDS, language);
    const sections = [
      `${bundle.name} ${bundle.version}`,
      words("introduction"),
      `${words("base")}\n  ${formatIdentity(base)}`,
      words("digestNote"),
      `${words("together")}\n  viola-airgap load BUNDLE --base BASE --to kind:CLUSTER\n  sh load.sh BUNDLE --base BASE --to kind:CLUSTER`,
      `${words("alone")}\n  viola-airgap load BUNDLE --to kind:CLUSTER\n  sh load.sh BUNDLE --to kind:CLUSTER`,
      `${words("merge")}\n  viola-airgap merge BASE BUNDLE -o WHOLE`,
      words("imagesNote"),
    ];
    return { path: BASE_NOTE_PATHS[language], bytes: Buffer.from(`${sections.join("\n\n")}\n`) };
  });
}
