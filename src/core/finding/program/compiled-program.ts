// Finds suspects in compiled programs: image names among the strings, and the versions that belong
// to them.
import { readBuildInformation, type BuildInformation } from "./build-information.js";
import { readElf, type FileBytes, type UnreadableProgram } from "./elf.js";
import {
  isVersion,
  mayBeImage,
  needsVersion,
  readImageName,
  withoutVerbs,
  type ImageName,
} from "./image-name.js";
import { readProgramTexts, type ProgramString } from "./program-strings.js";
import type { VersionVariable } from "./text.js";
import type { FileSuspect } from "./suspect.js";
import { guessTag, otherTags } from "./tag-guess.js";
import { findInDocument } from "./text.js";

/**
 * Maximum distance in bytes of two strings of one declaration: adjacent headers, or a few
 * instructions.
 */
const NEIGHBOURS: Readonly<Record<ProgramString["rule"], number>> = { "string-header": 16, constant: 64 };

/** A string that is an image name or a version. */
interface ProgramToken extends ProgramString {
  readonly name?: ImageName;
}

/** What is known of the operator before its program is read. */
export interface ProgramFacts {
  /** The tag of the operator's image, for tags that the program derives from its own version. */
  readonly operatorTag: string | undefined;
  /**
   * Names that count although nothing shows that they are images, because the operator is known to
   * start images with these names.
   */
  readonly wanted: ReadonlySet<string>;
  /** Variables that give versions of images; for each repository, the first that is set counts. */
  readonly variables?: readonly VersionVariable[];
}

/** Returns the images that a 64-bit ELF program may start, or why it cannot be read. */
export function findInCompiledProgram(
  file: FileBytes,
  { operatorTag, wanted }: ProgramFacts,
): readonly FileSuspect[] | UnreadableProgram {
  const elf = readElf(file);
  if ("unreadable" in elf) return elf;
  const build = readBuildInformation(elf);
  const hosts = foreignHosts(build);
  const isRelevant = (string: string): boolean => {
    const text = withoutVerbs(string);
    return mayBeImage(text) || isVersion(text) || wanted.has(text);
  };
  const { strings, documents } = readProgramTexts(elf, isRelevant);
  const pieces = strings.flatMap((whole): readonly ProgramToken[] => {
    const string = { ...whole, text: withoutVerbs(whole.text) };
    if (isVersion(string.text)) return [string];
    const name = readImageName(string.text, hosts) ?? wantedName(string.text, wanted);
    return name === undefined ? [] : [{ ...string, name }];
  });
  const neighbours = pairNeighbours(pieces);
  const suspects = pieces.flatMap(({ name, text, rule, offset }, index): readonly FileSuspect[] => {
    if (name === undefined) return [];
    const { repository } = name;
    const neighbour = neighbours.get(index)?.text;
    const found = {
      reference: text,
      repository,
      rule,
      offset,
      ...(neighbour !== undefined && { isAdjacent: true }),
      ...(isWantedOnly(name, neighbour) && { isWantedOnly: true }),
    };
    if (name.tag !== undefined) {
      const because = "the program contains the complete reference";
      return [{ ...found, tag: name.tag, certainty: "exact", because }];
    }
    if (neighbour === undefined && needsVersion(name) && !wanted.has(repository)) return [];
    const guess = guessTag(name, neighbour, { build, operatorTag });
    const tags = otherTags(name, strings).filter((tag) => tag !== guess?.tag);
    if (guess === undefined) {
      const because = "the program contains the name without a tag";
      return [{ ...found, reference: repository, certainty: "unknown", because, otherTags: tags }];
    }
    const reference = `${repository}:${guess.tag}`;
    return [{ ...found, ...guess, reference, certainty: "guessed", otherTags: tags }];
  });
  const inDocuments: FileSuspect[] = [];
  for (const { text, offset } of documents) inDocuments.push(...findInDocument(text, offset));
  return [...suspects, ...inDocuments];
}

/** True for a name that would not count if the operator were not known. */
function isWantedOnly(name: ImageName, neighbour: string | undefined): boolean {
  return !name.repository.includes("/") || (neighbour === undefined && needsVersion(name));
}

/** Returns a name that is no image by itself, such as `node`, if the operator starts such an image. */
function wantedName(text: string, wanted: ReadonlySet<string>): ImageName | undefined {
  return wanted.has(text) ? { repository: text, host: "none" } : undefined;
}

/**
 * Pairs each name with an adjacent version; the keys are indexes of names. In `var (V1 = …; A = …;
 * V2 = …; B = …)` every string has two neighbours. Pairs are therefore formed from the start of the
 * list, and no string is in two pairs.
 */
function pairNeighbours(pieces: readonly ProgramToken[]): ReadonlyMap<number, ProgramToken> {
  const pairs = new Map<number, ProgramToken>();
  let isPaired = true;
  for (const [index, piece] of pieces.entries()) {
    const last = pieces[index - 1];
    const isPair: boolean =
      last !== undefined &&
      !isPaired &&
      piece.rule === last.rule &&
      piece.place - last.place <= NEIGHBOURS[piece.rule] &&
      (piece.name === undefined) !== (last.name === undefined);
    if (isPair && last !== undefined) {
      if (piece.name === undefined) pairs.set(index - 1, piece);
      else pairs.set(index, last);
    }
    isPaired = isPair;
  }
  return pairs;
}

/**
 * Returns the hosts of Go modules. The program contains them in package paths, and they are not
 * registries.
 */
function foreignHosts(build: BuildInformation | undefined): ReadonlySet<string> {
  const modules = [...(build?.dependencies ?? []), ...(build?.main ? [build.main] : [])];
  return new Set(modules.map(({ path }) => path.split("/")[0] ?? ""));
}
