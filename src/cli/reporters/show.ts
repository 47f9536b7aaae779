// Formats the content of a bundle as tables, as a list of references, or as JSON.
import { formatIdentity } from "../../core/bundle/base.js";
import type { Language } from "../../core/words/language.js";
import { phrasesOf, type Phrase } from "../../core/words/phrase.js";
import { SHOW_WORDS } from "../../core/words/show.js";
import type { BundleDescription } from "../../workflows/show.js";
import { formatBytes } from "../units.js";
import { formatTable, widthOf } from "./table.js";

export const SHOW_FORMATS = ["table", "list", "json"] as const;
export type ShowFormat = (typeof SHOW_FORMATS)[number];

export interface ShowFormatOptions {
  readonly format: ShowFormat;
  readonly language: Language;
  /** Columns of the terminal. Undefined for a table of any width. */
  readonly width?: number | undefined;
}

type Words = Phrase<typeof SHOW_WORDS>;

/** Formats the description. JSON output is the description itself. */
export function formatShow(
  description: BundleDescription,
  { format, language, width }: ShowFormatOptions,
): string {
  const words = phrasesOf(SHOW_WORDS, language);
  switch (format) {
    case "json":
      return JSON.stringify(description, null, 1);
    case "list":
      return description.images.map(({ normalized }) => normalized).join("\n");
    case "table":
      return [
        head(description, words),
        releaseTable(description, width, words),
        imageTable(description, width, words),
        foot(description, words),
      ]
        .filter((text) => text !== "")
        .join("\n\n");
  }
}

function head(description: BundleDescription, words: Words): string {
  const { name, version, digest, size, base, whole, platforms, kubeVersion, createdFrom } = description;
  const facts: readonly (readonly [string, string])[] = [
    [words("digest"), digest],
    [words("size"), formatBytes(size)],
    ...(base === null ? [] : [[words("base"), formatIdentity(base)] as const]),
    ...(whole === null ? [] : [[words("whole"), `${whole.digest}, ${formatBytes(whole.size)}`] as const]),
    [words("platforms"), platforms.join(", ")],
    [words("kubernetes"), kubeVersion ?? words("notSpecified")],
    [words("tool"), createdFrom.tool],
    [words("signature"), describeSigned(description, words)],
    [words("rehearsal"), describeRehearsal(description, words)],
  ];
  const width = Math.max(...facts.map(([fact]) => widthOf(fact)));
  return [
    `${name} ${version}`,
    ...facts.map(([fact, text]) => `${fact}${" ".repeat(width - widthOf(fact))}  ${text}`),
  ].join("\n");
}

function describeSigned({ signature }: BundleDescription, words: Words): string {
  if (signature === null) return words("none");
  return signature.keyId === null
    ? words("notVerified", { option: "--key FILE" })
    : words("verifiedWith", { id: signature.keyId });
}

function describeRehearsal({ rehearsal }: BundleDescription, words: Words): string {
  if (rehearsal === null) return words("none");
  const { outcome, date, kubeVersion, asked, missing } = rehearsal;
  return words("rehearsed", {
    outcome: words(outcome),
    date: date.slice(0, 10),
    version: kubeVersion,
    asked: words("images", { count: asked }),
    missing,
  });
}

function releaseTable({ releases }: BundleDescription, width: number | undefined, words: Words): string {
  if (releases.length === 0) return words("noReleases");
  const columns = (["release", "namespace", "chart", "appVersion"] as const).map(
    (key) => ({ heading: words(key), shorten: "end" }) as const,
  );
  return formatTable(
    columns,
    releases.map(({ name, namespace, chart }) => [
      name,
      namespace,
      `${chart.name}-${chart.version}`,
      chart.appVersion ?? "",
    ]),
    { width },
  );
}

function imageTable({ images }: BundleDescription, width: number | undefined, words: Words): string {
  if (images.length === 0) return "";
  return formatTable(
    [
      { heading: words("image"), shorten: "start", least: 24 },
      { heading: words("imagePlatforms"), shorten: "end" },
      { heading: words("compressed"), align: "right" },
      { heading: words("unpacked"), align: "right" },
    ],
    images.map(({ normalized, platforms, compressedBytes, uncompressedBytes }) => [
      normalized,
      platforms.join(" "),
      formatBytes(compressedBytes),
      uncompressedBytes === null ? words("unknown") : formatBytes(uncompressedBytes),
    ]),
    { width },
  );
}

function foot({ images, hostImages, excluded, warnings }: BundleDescription, words: Words): string {
  return [
    words("images", { count: images.length }),
    ...hostImages.map((image) => words("hostImage", { image })),
    ...excluded.map(({ reference, reason }) => words("excluded", { image: reference, reason })),
    ...(warnings.total === 0 ? [] : [words("warnings", { count: warnings.total })]),
  ].join("\n");
}
