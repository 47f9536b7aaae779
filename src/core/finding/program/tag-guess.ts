// Tags that a program does not write behind a name: what it will most likely add, and what else the registry may be asked for.
import { coerce, rcompare } from "semver";
import type { BuildInformation } from "./build-information.js";
import { isVersion, type ImageName } from "./image-name.js";
import type { ProgramString } from "./program-strings.js";

/** A tag, and what speaks for it. */
export interface GuessedTag {
  readonly tag: string;
  readonly because: string;
}

/** What the versions of a program are known from. */
export interface ProgramVersions {
  readonly build: BuildInformation | undefined;
  /** Of the operator's own image. */
  readonly operatorTag: string | undefined;
}

/** As many as one would ask a registry for without shame. */
const MOST_OTHER_TAGS = 60;
/** A version, but not Go's name for a commit (https://go.dev/ref/mod#pseudo-versions). */
const RELEASE = /^v?\d+\.\d+(?!.*-(?:0\.)?\d{14}-)/;

/**
 * Guesses the version of a name. One that stands beside it wins; a name that ends in `:` or `:v` gets the version of the module that has the name's
 * organisation, the program's own among them. Undefined for a name alone.
 */
export function guessTag(
  { repository, open }: ImageName,
  neighbour: string | undefined,
  { build, operatorTag }: ProgramVersions,
): GuessedTag | undefined {
  if (neighbour !== undefined) {
    return { tag: spell(neighbour, open), because: `${neighbour} stands beside the name` };
  }
  if (open === undefined) return undefined;
  const organisation = repository.split("/").at(-2);
  const isSame = (path = ""): boolean => path.split("/")[1] === organisation;
  const dependency = isSame(build?.main?.path)
    ? undefined
    : build?.dependencies.find(({ path }) => isSame(path));
  const sources: readonly (readonly [string, string | undefined])[] = [
    [`it is built with ${dependency?.path ?? ""}`, dependency?.version],
    ["the program was built as", build?.stampedVersions[0]],
    ["the program's own module is", build?.main?.version],
    ["the operator's own tag is", operatorTag],
  ];
  for (const [source, version] of sources) {
    if (version === undefined || !RELEASE.test(version)) continue;
    return { tag: spell(version, open), because: `the name ends in ":${open}", and ${source} ${version}` };
  }
  return undefined;
}

/**
 * Returns versions of the program that a registry can be asked for, for this name: those of variables, then those that the code holds with a `v` (without one
 * they are mostly limits to compare with); the newest first.
 */
export function otherTags({ open }: ImageName, strings: readonly ProgramString[]): readonly string[] {
  const versions = (rule: ProgramString["rule"]): readonly string[] =>
    strings
      .filter((string) => string.rule === rule && isVersion(string.text))
      .map(({ text }) => text)
      .toSorted((one, other) => rcompare(coerce(one) ?? "0.0.0", coerce(other) ?? "0.0.0"));
  const inCode = versions("constant").filter((version) => version.startsWith("v"));
  const tags = [...versions("string-header"), ...inCode].map((version) => spell(version, open));
  return [...new Set(tags)].slice(0, MOST_OTHER_TAGS);
}

/** Writes a version the way the name wants it: `:v` has its `v` already. */
function spell(version: string, open: string | undefined): string {
  return open === "v" ? `v${version.replace(/^v/, "")}` : version;
}
