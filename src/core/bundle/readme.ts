// README.txt and README.ko.txt of a bundle: what is in this bundle, and how to load, install, upgrade
// and remove it, with and without this program.
import { formatBytes } from "../format-bytes.js";
import { LANGUAGES, type Language } from "../words/language.js";
import { phrasesOf, type Phrase } from "../words/phrase.js";
import { README_WORDS } from "../words/readme.js";
import type { Inventory, InventoryImage, InventoryRelease } from "./inventory.js";
import type { SmallFile } from "./layout-files.js";
import { BUNDLE_LABEL_PREFIX, BUNDLE_LABEL_VALUE, bundleId } from "./names.js";
import { README_PATHS } from "./paths.js";

/** What the files describe. */
export interface ReadmeContents {
  /** The part of the inventory that is known before files have their checksums. */
  readonly inventory: Omit<Inventory, "blobs" | "files">;
  /** Names of the programs in bin/. */
  readonly programs: readonly string[];
  /** The rehearsal whose record is in the bundle. `date` is ISO 8601. */
  readonly rehearsal?: { readonly date: string; readonly kubeVersion: string };
  /** True if the bundle is signed. */
  readonly isSigned?: boolean;
}

type Words = Phrase<typeof README_WORDS>;

/**
 * Returns the file in every language. A bundle has all of them, because the same inputs must give
 * the same bytes on machines with different locales.
 */
export function bundleReadmes(contents: ReadmeContents): readonly SmallFile[] {
  return LANGUAGES.map((language) => ({
    path: README_PATHS[language],
    bytes: Buffer.from(readmeText(contents, language)),
  }));
}

function readmeText(contents: ReadmeContents, language: Language): string {
  const words = phrasesOf(README_WORDS, language);
  const { name, version } = contents.inventory;
  const sections: readonly (readonly string[])[] = [
    [`${name} ${version}`],
    [words("introduction")],
    [words("placeholders")],
    contentLines(contents, words),
    releaseLines(contents.inventory, words),
    imageLines(contents.inventory, words),
    diskLines(contents.inventory, words),
    verificationLines(contents, words),
    kindLines(contents.inventory, words),
    programLines(contents.inventory, words),
    scriptLines(contents, words),
    manualLines(contents.inventory, words),
    [words("upgrade"), words("upgradeNote")],
    rollBackLines(contents.inventory, words),
    removalLines(contents.inventory, words),
    [words("otherTools"), words("otherToolsNote")],
  ];
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n")}\n`;
}

function contentLines({ inventory, rehearsal }: ReadmeContents, words: Words): readonly string[] {
  const { platforms, kubeVersion, images, createdFrom } = inventory;
  const size = formatBytes(sizeOfBlobs(images));
  return [
    words("content"),
    ...facts([
      [words("platforms"), platforms.join(", ")],
      [
        words("kubernetes"),
        kubeVersion === undefined ? words("notSpecified") : words("renderedFor", { version: kubeVersion }),
      ],
      [words("images"), words("imagesOfSize", { count: images.length, size })],
      [words("tool"), createdFrom.tool],
      [words("specDigest"), createdFrom.spec],
      ...(rehearsal === undefined
        ? []
        : [
            [
              words("rehearsal"),
              words("rehearsedOn", { date: rehearsal.date.slice(0, 10), version: rehearsal.kubeVersion }),
            ] as const,
          ]),
    ]),
  ];
}

function releaseLines({ releases }: ReadmeContents["inventory"], words: Words): readonly string[] {
  if (releases.length === 0) return [];
  return [
    words("releases"),
    ...releases.flatMap((release) => {
      const { name, namespace, chart, file, sha256, values, withheldValues } = release;
      const given = values.length === 0 ? words("noValues") : values.join(" ");
      return [
        `  ${words("inNamespace", { release: name, namespace })}`,
        ...facts([
          [words("chart"), `${chart.name} ${chart.version}, ${file}`],
          ["sha256", sha256],
          [words("values"), withheldValues === undefined ? given : words("withheld")],
        ]).map((line) => `  ${line}`),
      ];
    }),
  ];
}

function imageLines(
  { images, hostImages = [] }: ReadmeContents["inventory"],
  words: Words,
): readonly string[] {
  const linesOf = (image: InventoryImage): readonly string[] => [
    `  ${image.normalized}  ${formatBytes(sizeOfBlobs([image]))}`,
    ...(image.normalized.includes("@") ? [] : [`    ${image.digest}`]),
  ];
  return [
    ...(images.length === 0 ? [] : [words("imageList"), ...images.flatMap(linesOf)]),
    ...(hostImages.length === 0 ? [] : [words("hostImages"), ...hostImages.flatMap(linesOf)]),
  ];
}

function diskLines({ images, platforms }: ReadmeContents["inventory"], words: Words): readonly string[] {
  if (images.length === 0) return [];
  const sizes = platforms.map((platform) => {
    const own = images.map((image) => ({
      ...image,
      platforms: image.platforms.filter((one) => one.platform === platform),
    }));
    return [words("diskFor", { platform }), formatBytes(sizeOfBlobs(own))] as const;
  });
  return [words("disk"), ...facts(sizes), words("diskNote")];
}

function verificationLines({ isSigned = false }: ReadmeContents, words: Words): readonly string[] {
  return [
    words("verification"),
    words("digestNote"),
    "  viola-airgap show BUNDLE",
    words("or"),
    "  tar -xOf BUNDLE bundle.json | sha256sum",
    words("checksNote"),
    ...(isSigned
      ? [
          words("signatureNote"),
          "  viola-airgap verify BUNDLE --key KEY",
          words("or"),
          "  tar -xf BUNDLE bundle.json bundle.json.sig",
          "  openssl pkeyutl -verify -pubin -inkey KEY -rawin -in bundle.json -sigfile bundle.json.sig",
          words("signedDigestNote"),
        ]
      : []),
  ];
}

function kindLines({ hostImages = [] }: ReadmeContents["inventory"], words: Words): readonly string[] {
  return hostImages.length === 0
    ? []
    : [
        words("kindCluster"),
        words("kindNote"),
        "  tar -xf BUNDLE load.sh",
        "  sh load.sh BUNDLE --to kind-node-image",
        ...hostImages.map(({ normalized }) => `  kind create cluster --name CLUSTER --image ${normalized}`),
      ];
}

function programLines({ releases }: ReadmeContents["inventory"], words: Words): readonly string[] {
  const load = "  viola-airgap load BUNDLE --to kind:CLUSTER";
  const verify = "  viola-airgap verify BUNDLE";
  if (releases.length === 0) return [words("withNode"), verify, load];
  const given = userValues(releases);
  return [
    words("withNode"),
    verify,
    `${load} --install${given}`,
    words("twoSteps"),
    load,
    `  viola-airgap install BUNDLE --to kind:CLUSTER${given}`,
    words("afterwards"),
    "  viola-airgap check BUNDLE --context kind-CLUSTER",
  ];
}

function scriptLines({ inventory: { releases }, programs }: ReadmeContents, words: Words): readonly string[] {
  const load = "  sh load.sh BUNDLE --to kind:CLUSTER";
  return [
    words("withoutNode"),
    words("scriptNote"),
    "  tar -xf BUNDLE load.sh",
    "  sh load.sh BUNDLE --list",
    `${load} --check`,
    releases.length === 0 ? load : `${load} --install${userValues(releases)}`,
    ...(programs.length === 0 ? [] : [words("programs", { programs: programs.join(", ") })]),
  ];
}

function manualLines(
  { platforms, releases, images }: ReadmeContents["inventory"],
  words: Words,
): readonly string[] {
  const [only = "PLATFORM", ...others] = platforms;
  const platform = others.length === 0 ? only : "PLATFORM";
  const load = [
    words("forEachNode"),
    `  tar -xOf BUNDLE images.tar | docker exec -i NODE ctr -n k8s.io images import --no-unpack --platform ${platform} -`,
    ...(others.length === 0 ? [] : [words("platformOfNode", { platforms: platforms.join(", ") })]),
  ];
  const install = [
    ...(images.length === 0 ? [] : [words("then")]),
    `  tar -xf BUNDLE charts${releases.some(({ values }) => values.length > 0) ? " values" : ""}`,
    ...releases.map(({ name, namespace, file, values, withheldValues }) =>
      [
        `  helm upgrade --install ${name} ${file} --namespace ${namespace} --create-namespace`,
        ...values.map((path) => `-f ${path}`),
        ...(withheldValues === undefined ? [] : ["-f FILE"]),
      ].join(" "),
    ),
  ];
  return [words("manually"), ...(images.length === 0 ? [] : load), ...(releases.length === 0 ? [] : install)];
}

function rollBackLines({ releases }: ReadmeContents["inventory"], words: Words): readonly string[] {
  if (releases.length === 0) return [];
  return [
    words("rollBack"),
    words("rollBackNote"),
    ...releases.map(({ name, namespace }) => `  helm rollback ${name} --namespace ${namespace} --wait`),
  ];
}

function removalLines(inventory: ReadmeContents["inventory"], words: Words): readonly string[] {
  const releases = inventory.releases.toReversed();
  const label = `labels.\\"${BUNDLE_LABEL_PREFIX}${bundleId(inventory)}\\"==${BUNDLE_LABEL_VALUE}`;
  return [
    words("removal"),
    words("removalNote"),
    ...(releases.length === 0 ? [] : ["  viola-airgap uninstall BUNDLE --to kind:CLUSTER"]),
    "  viola-airgap unload BUNDLE --to kind:CLUSTER",
    words("removalByHand"),
    ...releases.map(({ name, namespace }) => `  helm uninstall ${name} --namespace ${namespace} --wait`),
    `  docker exec NODE sh -c 'ctr -n k8s.io images ls -q "${label}" | xargs -r ctr -n k8s.io images rm'`,
  ];
}

/** The option for values that the bundle does not have. */
function userValues(releases: readonly InventoryRelease[]): string {
  return releases.some(({ withheldValues }) => withheldValues !== undefined) ? " -f FILE" : "";
}

/** Returns lines of two columns. */
function facts(rows: readonly (readonly [string, string])[]): readonly string[] {
  const width = Math.max(...rows.map(([name]) => widthOf(name)));
  return rows.map(([name, text]) => `  ${name}${" ".repeat(width - widthOf(name))}  ${text}`);
}

/** Columns on a terminal: Hangul is two columns wide. */
function widthOf(text: string): number {
  return text.length + (text.match(/\p{Script=Hangul}/gu)?.length ?? 0);
}

/** Sum of the configs and layers of the images, each blob once. */
function sizeOfBlobs(images: readonly Pick<InventoryImage, "platforms">[]): number {
  const blobs = new Map(
    images.flatMap(({ platforms }) =>
      platforms.flatMap(({ config, layers }) =>
        [config, ...layers].map(({ digest, size }) => [digest, size] as const),
      ),
    ),
  );
  return [...blobs.values()].reduce((sum, size) => sum + size, 0);
}
