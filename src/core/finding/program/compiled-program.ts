// Compiled programs -> suspects: names of images among the strings, and the versions that belong to them.
import { readBuildInformation, type BuildInformation } from "./build-information.js";
import { readElf } from "./elf.js";
import { isVersion, mayBeImage, needsVersion, readImageName, type ImageName } from "./image-name.js";
import { readProgramTexts, type ProgramString } from "./program-strings.js";
import type { FileSuspect } from "./suspect.js";
import { findInDocument } from "./text.js";

/** How far apart two strings of one declaration lie: header beside header, or a few instructions. */
const NEIGHBOURS: Readonly<Record<ProgramString["rule"], number>> = { "string-header": 16, constant: 64 };

/** A string that is a name, or the version of one. */
interface Piece extends ProgramString {
  readonly name?: ImageName;
}

interface GuessedTag {
  readonly tag: string;
  readonly because: string;
}

/**
 * Returns what an ELF program of 64 bits may start; undefined when it cannot be read. `operatorTag` is the tag of the operator's own image: what
 * the program composes with its own version is guessed from that.
 */
export function findInCompiledProgram(
  bytes: Buffer,
  operatorTag: string | undefined,
): readonly FileSuspect[] | undefined {
  const elf = readElf(bytes);
  if (elf === undefined) return undefined;
  const build = readBuildInformation(elf);
  const hosts = foreignHosts(build);
  const { strings, documents } = readProgramTexts(elf, (text) => mayBeImage(text) || isVersion(text));
  const pieces = strings.flatMap((string): readonly Piece[] => {
    if (isVersion(string.text)) return [string];
    const name = readImageName(string.text, hosts);
    return name === undefined ? [] : [{ ...string, name }];
  });
  const neighbours = pairNeighbours(pieces);
  const suspects = pieces.flatMap((piece) =>
    piece.name === undefined ? [] : toSuspect(piece, piece.name, neighbours.get(piece), build, operatorTag),
  );
  return [...suspects, ...documents.flatMap(({ text, offset }) => findInDocument(text, offset))];
}

/**
 * Gives each name without a tag the version that stands beside it. In `var (V1 = …; A = …; V2 = …; B = …)` every string has two neighbours, so pairs are
 * made from the front, and what is in a pair is in no other.
 */
function pairNeighbours(pieces: readonly Piece[]): ReadonlyMap<Piece, Piece> {
  const pairs = new Map<Piece, Piece>();
  let last: Piece | undefined;
  for (const piece of pieces) {
    const isBeside =
      last !== undefined &&
      piece.rule === last.rule &&
      piece.place - last.place <= NEIGHBOURS[piece.rule] &&
      (piece.name === undefined) !== (last.name === undefined);
    if (!isBeside || last === undefined) {
      last = piece;
      continue;
    }
    const [name, version] = piece.name === undefined ? [last, piece] : [piece, last];
    if (name.name?.tag === undefined && name.name?.open === undefined) pairs.set(name, version);
    last = undefined;
  }
  return pairs;
}

function toSuspect(
  { text, rule, offset }: Piece,
  name: ImageName,
  neighbour: Piece | undefined,
  build: BuildInformation | undefined,
  operatorTag: string | undefined,
): readonly FileSuspect[] {
  const { repository, tag } = name;
  if (tag !== undefined) {
    const because = "the program holds the whole reference";
    return [{ reference: text, repository, tag, certainty: "exact", rule, offset, because }];
  }
  if (neighbour === undefined && needsVersion(name)) return [];
  const guess: GuessedTag | undefined =
    neighbour === undefined
      ? guessTag(name, build, operatorTag)
      : { tag: neighbour.text, because: `${neighbour.text} stands beside the name` };
  if (guess === undefined) {
    const because = "the program holds the name alone";
    return [{ reference: repository, repository, certainty: "unknown", rule, offset, because }];
  }
  return [
    {
      reference: `${repository}:${guess.tag}`,
      repository,
      tag: guess.tag,
      certainty: "guessed",
      rule,
      offset,
      because: guess.because,
    },
  ];
}

/**
 * Guesses the version that a program adds to a name that ends in `:` or `:v`: that of the module which has the name's organisation, the program's own
 * among them.
 */
function guessTag(
  { repository, open }: ImageName,
  build: BuildInformation | undefined,
  operatorTag: string | undefined,
): GuessedTag | undefined {
  if (open === undefined) return undefined;
  const spell = (version: string): string => (open === "" ? version : `${open}${version.replace(/^v/, "")}`);
  const organisation = repository.split("/").at(-2);
  const isSame = (path: string): boolean => path.split("/").at(1) === organisation;
  const own = build?.main;
  const dependency = build?.dependencies.find(({ path }) => isSame(path));
  if (dependency !== undefined && (own === undefined || !isSame(own.path))) {
    return {
      tag: spell(dependency.version),
      because: `the name ends in ":${open}", and ${dependency.path} ${dependency.version} is built in`,
    };
  }
  const known = [
    ["the program was built as", build?.stampedVersions[0]],
    ["the program's own module is", own?.version],
    ["the operator's own tag is", operatorTag],
  ] as const;
  const [source, version] =
    known.find(([, text]) => text !== undefined && /^v?\d+\.\d+(?!.*-\d{14}-)/.test(text)) ?? [];
  if (source === undefined || version === undefined) return undefined;
  return { tag: spell(version), because: `the name ends in ":${open}", and ${source} ${version}` };
}

/** Hosts that modules come from: they are in the program as package paths, and are no registries. */
function foreignHosts(build: BuildInformation | undefined): ReadonlySet<string> {
  const modules = [...(build?.dependencies ?? []), ...(build?.main ? [build.main] : [])];
  return new Set(modules.map(({ path }) => path.split("/")[0] ?? ""));
}
