// `facts`: the parts of the inventory that load.sh needs, as lines that a POSIX shell can read.
import { ViolaError } from "../../errors.js";
import { findReference, kubeletName, spellingsOf } from "../images/reference.js";
import { digestOf, hexOf } from "../oci/digest.js";
import type { Inventory, InventoryBase, InventoryImage } from "./inventory.js";
import { layoutFiles } from "./layout-files.js";
import { FACTS_PATH } from "./paths.js";
import { paddedSize, TAR_BLOCK, TAR_END } from "./tar-header.js";

/**
 * The part of an inventory that facts contain. Offsets in facts count from the end of the facts.
 */
export type FactsInput = Pick<
  Inventory,
  "name" | "version" | "platforms" | "apiVersions" | "releases" | "images" | "hostImages" | "excluded"
> & {
  readonly files: readonly {
    readonly path: string;
    readonly sha256: string;
    readonly size: number;
    readonly isInBase?: boolean;
  }[];
  /** In archive order. Those of the base have no place in this bundle. */
  readonly blobs: readonly { readonly digest: string; readonly size: number; readonly isInBase?: boolean }[];
  readonly base?: InventoryBase;
};

/** Returns the part of a parsed inventory that facts contain. */
export function factsOf(inventory: Inventory): FactsInput {
  const blobs = inventory.blobs.map(({ digest, size, offset }) => ({
    digest,
    size,
    isInBase: offset === undefined,
  }));
  return { ...inventory, blobs };
}

const NUMBER = "[0-9]{1,15}";
const HEX = "[0-9a-f]{64}";
const DIGEST = `sha256:${HEX}`;
const WORD = "[A-Za-z0-9][A-Za-z0-9._+-]*";
/** A reference. The brackets enclose an IPv6 address. */
const NAME = "([A-Za-z0-9]|\\[[0-9A-Fa-f:]+\\])[A-Za-z0-9._:/@-]*";
/** A relative path in which no component is hidden or leads upwards. */
const PATH = "[A-Za-z0-9_+][A-Za-z0-9._+-]*(/[A-Za-z0-9_+][A-Za-z0-9._+-]*)*";
const PLATFORM = "[a-z0-9]+/[a-z0-9]+(/[a-z0-9.]+)?";
const LABEL = "[a-z0-9]([a-z0-9.-]*[a-z0-9])?";

/**
 * The grammar. A fact is a line that matches one of these patterns: a word for its kind, then
 * fields, separated by single spaces. There is no escaping. A value that no pattern matches is
 * rejected when the bundle is built. The patterns are POSIX extended regular expressions that have
 * the same meaning in JavaScript, because load.sh contains the same list and checks every line
 * before it uses any.
 *
 * `N` counts releases or images from 1. Offsets count from the end of the `facts` entry with its
 * padding.
 */
export const FACT_PATTERNS: readonly string[] = [
  // Always the first line. The number changes with every incompatible change of the grammar. That of a
  // differential bundle is 2, so that a load.sh that does not know bases refuses it.
  "viola-airgap-facts [12]",
  // NAME VERSION
  `bundle ${WORD} ${WORD}`,
  `platform ${PLATFORM}`,
  // An API version that the charts were rendered for.
  "api [A-Za-z0-9][A-Za-z0-9./-]*",
  // N NAME NAMESPACE, in installation order.
  `release ${NUMBER} ${LABEL} ${LABEL}`,
  // N PATH
  `chart ${NUMBER} ${PATH}`,
  // N INDEX PATH; later values files override earlier ones.
  `values ${NUMBER} ${NUMBER} ${PATH}`,
  // N: the values of the release were left out, so that installing requires them.
  `withheld ${NUMBER}`,
  // N NAME, and DIGEST SIZE MEDIA-TYPE of the index or manifest that it points to.
  `(host-)?name ${NUMBER} ${NAME} ${DIGEST} ${NUMBER} [A-Za-z0-9][A-Za-z0-9._+/-]*`,
  // N PLATFORM ROLE DIGEST. `root` is the manifest of the platform. `*` lists every manifest again.
  `(host-)?content ${NUMBER} (${PLATFORM} (root|config|layer)|\\* manifest) ${DIGEST}`,
  // SPELLING NAME, for every way to write a name; see `spellingsOf`.
  `spelling ${NAME} ${NAME}`,
  // An image that the spec excludes, by the name that the kubelet uses for it.
  `excluded ${NAME}`,
  // SHA256 SIZE OFFSET PATH, of an entry of the bundle and of a file in images.tar.
  `(file|layout) ${HEX} ${NUMBER} ${NUMBER} ${PATH}`,
  // DIGEST SIZE OFFSET
  `blob ${DIGEST} ${NUMBER} ${NUMBER}`,
  // SHA256 SIZE PATH of an entry that is in the base.
  `based-file ${HEX} ${NUMBER} ${PATH}`,
  // NAME VERSION DIGEST of the base of a differential bundle; see `identityOf`.
  `base ${WORD} ${WORD} ${DIGEST}`,
  // DIGEST SIZE of a blob that is in the base.
  `based ${DIGEST} ${NUMBER}`,
  // Always the last line: the end of the bundle file.
  `end ${NUMBER}`,
];

const FACT = new RegExp(`^(?:${FACT_PATTERNS.join("|")})$`);

/**
 * Returns the text of `facts`. The same inventory gives the same text, with or without `facts` in
 * its `files`. Throws `BUNDLE_INVALID` with the field whose value the grammar does not allow.
 *
 * load.sh verifies facts without parsing JSON: it hashes `facts` and searches bundle.json for an
 * object that contains the path `facts` and this checksum. Objects in `files` are flat, so braces
 * delimit them for any indentation and order of fields. Facts contain the checksums of everything
 * else. A signature of bundle.json therefore covers facts and everything that load.sh uses.
 */
export function formatFacts(inventory: FactsInput): string {
  const { name, version, platforms, apiVersions, releases, images, hostImages = [], excluded } = inventory;
  const { base } = inventory;
  const names = [
    ...images.flatMap((image) => image.names),
    ...excluded.map(({ reference }) => nameOf(reference)),
  ];
  const lines = [
    `viola-airgap-facts ${base === undefined ? 1 : 2}`,
    fact("name", `bundle ${name} ${version}`),
    ...(base === undefined ? [] : [fact("base", `base ${base.name} ${base.version} ${base.digest}`)]),
    ...platforms.map((platform, at) => fact(`platforms.${at}`, `platform ${platform}`)),
    ...apiVersions.map((api, at) => fact(`apiVersions.${at}`, `api ${api}`)),
    ...releases.flatMap((release, at) => [
      fact(`releases.${at}`, `release ${at + 1} ${release.name} ${release.namespace}`),
      fact(`releases.${at}.file`, `chart ${at + 1} ${release.file}`),
      ...release.values.map((path, index) =>
        fact(`releases.${at}.values.${index}`, `values ${at + 1} ${index + 1} ${path}`),
      ),
      ...(release.withheldValues === undefined
        ? []
        : [fact(`releases.${at}.withheldValues`, `withheld ${at + 1}`)]),
    ]),
    ...images.flatMap((image, at) => [...imageFacts(`images.${at}`, "", at + 1, image)]),
    ...hostImages.flatMap((image, at) => [...imageFacts(`hostImages.${at}`, "host-", at + 1, image)]),
    ...excluded.map(({ reference }, at) => fact(`excluded.${at}.reference`, `excluded ${nameOf(reference)}`)),
    ...[...new Set(names)].flatMap((known) =>
      spellingsOf(known).map((spelling) => fact("images", `spelling ${spelling} ${known}`)),
    ),
    ...placeFacts(inventory),
  ];
  return `${lines.join("\n")}\n`;
}

function* imageFacts(field: string, prefix: string, number: number, image: InventoryImage): Iterable<string> {
  const size = image.manifests.find(({ digest }) => digest === image.digest)?.size ?? 0;
  for (const name of image.names)
    yield fact(field, `${prefix}name ${number} ${name} ${image.digest} ${size} ${image.mediaType}`);
  for (const { digest } of image.manifests)
    yield fact(field, `${prefix}content ${number} * manifest ${digest}`);
  for (const { platform, digest, config, layers, attached = [] } of image.platforms) {
    yield fact(field, `${prefix}content ${number} ${platform} root ${digest}`);
    yield fact(field, `${prefix}content ${number} ${platform} config ${config.digest}`);
    // A node needs the blobs of attached manifests as it needs layers.
    for (const layer of [...layers, ...attached.flatMap((other) => [other.config, ...other.layers])])
      yield fact(field, `${prefix}content ${number} ${platform} layer ${layer.digest}`);
  }
}

/** Yields the offset of every entry after `facts`, in archive order. */
function* placeFacts({ files, images, hostImages, blobs }: FactsInput): Iterable<string> {
  let end = 0;
  const place = (size: number): number => {
    const offset = end + TAR_BLOCK;
    end = offset + paddedSize(size);
    return offset;
  };
  const others = files.filter((file) => file.path !== FACTS_PATH);
  for (const [at, { path, sha256, size, isInBase }] of others.entries())
    yield fact(
      `files.${at}`,
      isInBase === true
        ? `based-file ${sha256} ${size} ${path}`
        : `file ${sha256} ${size} ${place(size)} ${path}`,
    );
  // The header of images.tar.
  end += TAR_BLOCK;
  for (const { path, bytes } of layoutFiles(images, hostImages)) {
    const sha256 = hexOf(digestOf(bytes));
    yield fact(path, `layout ${sha256} ${bytes.length} ${place(bytes.length)} ${path}`);
  }
  for (const [at, { digest, size, isInBase }] of blobs.entries())
    yield fact(
      `blobs.${at}`,
      isInBase === true ? `based ${digest} ${size}` : `blob ${digest} ${size} ${place(size)}`,
    );
  // Both archives end here, images.tar and the bundle.
  yield `end ${end + 2 * TAR_END}`;
}

function nameOf(reference: string): string {
  const found = findReference(reference);
  return found === undefined ? reference : kubeletName(found);
}

function fact(field: string, line: string): string {
  if (FACT.test(line)) return line;
  throw new ViolaError(
    "BUNDLE_INVALID",
    `${field} has a value that load.sh does not support: ${JSON.stringify(line)}`,
    {
      subject: field,
      hint: "Use only letters, digits and . _ + -",
    },
  );
}
