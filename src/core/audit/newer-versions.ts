// Compares tags of images and versions of charts: which are newer, by patch, minor and major version.
import { compare, parse, type SemVer } from "semver";

export const LEVELS = ["patch", "minor", "major"] as const;
export type Level = (typeof LEVELS)[number];

/** The newest version that differs in the patch, minor or major version, as far as there are any. */
export type Newer<T> = Readonly<Partial<Record<Level, T>>>;

/** A tag that has a version. */
interface VersionTag {
  readonly tag: string;
  readonly hasV: boolean;
  readonly numbers: readonly number[];
  /** Undefined for a release. */
  readonly preRelease: readonly number[] | undefined;
  /** What follows the version, such as `-alpine3.19` or `-debian-12-r5`. */
  readonly suffix: string;
  /** Only tags of one family are compared. */
  readonly family: string;
}

/**
 * A word and its number before the version, as in `release-1.2` and `ubi9-5.8`; `v`; up to four
 * numbers; and the rest.
 */
const TAG =
  /^(?<prefix>(?:[a-z]+[-_.]|[a-z]{2,}\d+[-_])*)(?<v>v?)(?<numbers>\d{1,15}(?:\.\d{1,15}){0,3})(?<rest>(?!\d).*)$/i;
/** A checksum, as in the tags of signatures and of builds for each commit. */
const CHECKSUM_PREFIX = /^(?:sha\d*|commit|git)[-_.]/i;
/** The output of `git describe` for a commit after a release, as in `v1.2.0-14-g1a2b3c4`. */
const DESCRIBED_COMMIT = /^-\d+-g[0-9a-f]{7,}/;
/** Digits and letters of a commit. Digits alone are a build number or a date. */
const COMMIT = /^(?=.*\d)(?=.*[a-f])[0-9a-f]{7,40}$/;
const DATE = /^(?:19|20)\d\d(?:[-_]?(?:0[1-9]|1[0-2])[-_]?(?:0[1-9]|[12]\d|3[01])|\.(?:0\d|\d\d\.0\d))/;
/** Longer numbers are dates and build numbers. */
const MOST_DIGITS = 5;
/** From this number on, the first one is a year. Versions with a year are compared with their like. */
const FIRST_YEAR = 1900;

/** Words of tags that are older than the release of their version, oldest first. */
const PRE_RELEASES: readonly RegExp[] = [
  /^(?:dev|snapshot|nightly|canary|edge|unstable|next|test|main|master)$/,
  /^(?:alpha|a)$/,
  /^(?:beta|b)$/,
  /^(?:m|milestone|pre|preview)$/,
  /^(?:rc|cr|c)$/,
];
/** A word of these with an optional number. Single letters need one: `3.13.0a1`, `1.0-m2`. */
const PRE_RELEASE =
  /(?:^|[-._+~])(?<word>dev|snapshot|nightly|canary|edge|unstable|next|test|main|master|alpha|beta|milestone|preview|pre|rc|cr|m(?=\d)|(?<=^)[abc](?=\d))(?![a-z])[-._]?(?<numbers>\d+(?:\.\d+)*)?(?![a-z])/i;
/** The number of a rebuild at the end of a suffix, as in `-r5`, `-debian-12-r5`, `_9`. */
const REVISION = /^(?<variant>.*[-_.+]r?)(?<revision>\d+)$/;

/**
 * Returns the newest tags of the same kind as `current`, or undefined when `current` is not a
 * version: dates, commits and words such as `latest` are not. Tags are of one kind when they have as
 * many numbers and the same words around them: `1.24-alpine` is compared with `1.25-alpine`, and
 * not with `1.25`, `1.25.3-alpine` or `1.25-perl`. A `v` does not matter. Numbers in the suffix may
 * differ (`1.24-alpine3.18`), but are newer by themselves only when they count rebuilds (`1.24-r5`).
 * Pre-releases count only when `current` is one.
 */
export function findNewerTags(current: string, tags: readonly string[]): Newer<string> | undefined {
  const now = readTag(current);
  if (now === undefined) return undefined;
  const newer = tags
    .flatMap((tag) => readTag(tag) ?? [])
    .filter(
      ({ family, preRelease }) =>
        family === now.family && (preRelease === undefined || now.preRelease !== undefined),
    )
    .filter((other) => compareVersions(other, now) > 0 || isRebuild(other, now));
  return newestByLevel(
    newer,
    (other) => levelOf(now.numbers, other.numbers),
    (one, other) =>
      compareVersions(one, other) ||
      Number(one.hasV === now.hasV) - Number(other.hasV === now.hasV) ||
      Number(one.suffix === now.suffix) - Number(other.suffix === now.suffix) ||
      compareNumbers(numbersIn(one.suffix), numbersIn(other.suffix)),
    ({ tag }) => tag,
  );
}

/**
 * Returns the newest versions of a chart, or undefined when `current` is not a semantic version.
 * Pre-releases count only when `current` is one.
 */
export function findNewerVersions(current: string, versions: readonly string[]): Newer<string> | undefined {
  const now = parse(current);
  if (now === null) return undefined;
  const numbersOf = ({ major, minor, patch }: SemVer): readonly number[] => [major, minor, patch];
  const newer = versions
    .flatMap((text) => parse(text) ?? [])
    .filter((other) => other.prerelease.length === 0 || now.prerelease.length > 0)
    .filter((other) => compare(other, now) > 0);
  return newestByLevel(
    newer,
    (other) => levelOf(numbersOf(now), numbersOf(other)),
    compare,
    ({ raw }) => raw,
  );
}

function newestByLevel<T>(
  newer: readonly T[],
  levelOfOne: (one: T) => Level,
  compareTwo: (one: T, other: T) => number,
  textOf: (one: T) => string,
): Newer<string> {
  const best = new Map<Level, T>();
  for (const one of newer) {
    const level = levelOfOne(one);
    const known = best.get(level);
    if (known === undefined || compareTwo(one, known) > 0) best.set(level, one);
  }
  return Object.fromEntries(
    LEVELS.flatMap((level) => {
      const found = best.get(level);
      return found === undefined ? [] : [[level, textOf(found)]];
    }),
  );
}

function readTag(tag: string): VersionTag | undefined {
  const { prefix = "", v = "", numbers: digits = "", rest = "" } = TAG.exec(tag)?.groups ?? {};
  const numbers = digits.split(".").map(Number);
  const [first = 0] = numbers;
  if (digits === "" || CHECKSUM_PREFIX.test(prefix) || isPreReleaseWord(prefix)) return undefined;
  if (digits.search(/\.|$/) > MOST_DIGITS || DATE.test(digits + rest)) return undefined;
  if (DESCRIBED_COMMIT.test(rest) || rest.split(/[-_.+~]/).some(isCommit)) return undefined;
  const found = PRE_RELEASE.exec(rest);
  const suffix =
    found === null ? rest : rest.slice(0, found.index) + rest.slice(found.index + found[0].length);
  const words = suffix.toLowerCase().replaceAll(/\d+/g, "#");
  return {
    tag,
    hasV: v !== "",
    numbers,
    preRelease: found === null ? undefined : preReleaseOf(found.groups),
    suffix,
    family: [prefix.toLowerCase(), numbers.length, first >= FIRST_YEAR ? "year" : "", words].join("|"),
  };
}

function isCommit(part: string): boolean {
  return part.length >= 7 && COMMIT.test(part);
}

/** True for a prefix such as `main-`: the number after it counts builds of a branch. */
function isPreReleaseWord(prefix: string): boolean {
  const [word = ""] = /[a-z]+/i.exec(prefix) ?? [];
  return PRE_RELEASES[0]?.test(word.toLowerCase()) === true;
}

function preReleaseOf({ word = "", numbers = "" }: Partial<Record<string, string>> = {}): readonly number[] {
  const rank = PRE_RELEASES.findIndex((words) => words.test(word.toLowerCase()));
  return [rank, ...numbersIn(numbers)];
}

function compareVersions(one: VersionTag, other: VersionTag): number {
  const byNumbers = compareNumbers(one.numbers, other.numbers);
  if (byNumbers !== 0) return byNumbers;
  if (one.preRelease === undefined || other.preRelease === undefined) {
    return Number(one.preRelease === undefined) - Number(other.preRelease === undefined);
  }
  return compareNumbers(one.preRelease, other.preRelease);
}

/** True if the tag has the same version as `now`, built again. */
function isRebuild(other: VersionTag, now: VersionTag): boolean {
  if (compareVersions(other, now) !== 0) return false;
  const [then, later] = [now, other].map(({ suffix }) => REVISION.exec(suffix)?.groups);
  return then?.["variant"] === later?.["variant"] && Number(later?.["revision"]) > Number(then?.["revision"]);
}

function levelOf(now: readonly number[], other: readonly number[]): Level {
  const at = other.findIndex((number, index) => number !== now[index]);
  if (at === 0) return "major";
  return at === 1 ? "minor" : "patch";
}

/** Compares numbers in order. A missing number is less than any. */
function compareNumbers(one: readonly number[], other: readonly number[]): number {
  for (const [index, number] of one.entries()) {
    const against = other[index];
    if (against === undefined) return 1;
    if (number !== against) return number - against;
  }
  return one.length - other.length;
}

function numbersIn(text: string): readonly number[] {
  return (text.match(/\d+/g) ?? []).map(Number);
}
