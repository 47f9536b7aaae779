// Formats the notices of the packages that `npm run build` bundles into dist/, with their licence
// texts.
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";

const LICENCE_FILE = /^(?:licen[cs]e|copying|notice)(?:[-.].*)?$/i;
const HEADING = `Third-party notices of viola-airgap

The JavaScript files beside this one contain code of the packages below. Packages that
ship the same text share one section.
`;

/**
 * Returns the text of the notices file.
 *
 * `metafile` is what esbuild reports about a build: only packages of which bytes went into an
 * output count, because a package may be installed and not be used. `legalComments` are the texts
 * of esbuild's `.LEGAL.txt` files: licences that stand inside source files. Throws when a bundled
 * package does not state a licence.
 */
export function formatNotices(metafile, legalComments) {
  const packagesByText = new Map();
  for (const folder of bundledPackages(metafile)) {
    const { label, text } = readNotice(folder);
    packagesByText.set(text, [...(packagesByText.get(text) ?? []), label]);
  }
  const sections = [...packagesByText].map(([text, labels]) => `${labels.join("\n")}\n\n${text}\n`);
  return [HEADING, ...sections, ...legalComments].join(`\n${"-".repeat(80)}\n\n`);
}

/** Returns the folders of the packages in the outputs, sorted by the name of the package. */
function bundledPackages({ outputs }) {
  const folders = Object.values(outputs).flatMap(({ inputs }) =>
    Object.entries(inputs)
      .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
      .map(([input]) => /^.*\bnode_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0])
      .filter((folder) => folder !== undefined),
  );
  const name = (folder) => relative(folder.slice(0, folder.lastIndexOf("node_modules/")), folder);
  return [...new Set(folders)].sort((a, b) => (name(a) < name(b) ? -1 : 1));
}

function readNotice(folder) {
  const { name, version, license, author } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  if (typeof license !== "string") throw new Error(`${name} ${version} does not state its licence`);
  const texts = readdirSync(folder)
    .filter((file) => LICENCE_FILE.test(file))
    .sort()
    .map((file) => readFileSync(join(folder, file), "utf8").replaceAll("\r\n", "\n").trim());
  const holder = typeof author === "string" ? author : author?.name;
  return {
    label: `${name} ${version} (${license})`,
    text:
      texts.length > 0
        ? texts.join("\n\n")
        : `The package contains no licence file. Its package.json states: author ${holder ?? "unknown"}, licence ${license}.`,
  };
}
