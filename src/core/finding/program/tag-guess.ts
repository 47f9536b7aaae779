// Guesses the tag of an image name when the program does not contain it, and lists other tags to
// try.
import { coerce, rcompare } from "semver";
import type { BuildInformation } from "./build-information.js";
import { isVersion, type ImageName } from "./image-name.js";
import type { ProgramString } from "./program-strings.js";

/** A tag, and the reason for it. */
export interface GuessedTag {
  readonly tag: string;
  readonly because: string;
}

/** Sources for the version of a program. */
export interface ProgramVersions {
  readonly build: BuildInformation | undefined;
  /** The tag of the operator's image. */
  readonly operatorTag: string | undefined;
}

/** Limits the number of requests to a registry. */
const MOST_OTHER_TAGS = 60;
/** A version that is not a Go pseudo-version (https://go.dev/ref/mod#pseudo-versions). */
const RELEASE = /^v?\d+\.\d+(?!.*-(?:0\.)?\d{14}-)/;

/**
 * Guesses the tag of a name. An adjacent version takes precedence. A name that ends in `:` or `:v`
 * gets the version of the module with the same organisation, which may be the program's own module.
 * Returns undefined for a name without either.
 */
export function guessTag(
  { repository, open }: ImageName,
  neighbour: string | undefined,
  { build, operatorTag }: ProgramVersions,
): GuessedTag | undefined {
  if (neighbour !== undefined) {
    return { tag: spell(neighbour, open), because: `${neighbour} is adjacent to the name` };
  }
  if (open === undefined) return undefined;
  const organisation = repository.split("/").at(-2);
  const isSame = (path = ""): boolean => path.split("/")[1] === organisation;
  const dependency = isSame(build?.main?.path)
    ? undefined
    : build?.dependencies.find(({ path }) => isSame(path));
  const sources: readonly (readonly [string, string | undefined])[] = [
    [`the program is built with ${dependency?.path ?? ""}`, dependency?.version],
    ["the version in the linker flags is", build?.stampedVersions[0]],
    ["the version of the program's module is", build?.main?.version],
    ["the tag of the operator's image is", operatorTag],
  ];
  for (const [source, version] of sources) {
    if (version === undefined || !RELEASE.test(version)) continue;
    return { tag: spell(version, open), because: `the name ends in ":${open}", and ${source} ${version}` };
  }
  return undefined;
}

/**
 * Returns other versions to try at the registry for this name, the newest first: versions in
 * variables, then versions in code that begin with `v`. Versions in code without a `v` are mostly
 * limits for comparisons.
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

/** Returns the version as a tag for the name: after `:v`, exactly one `v` remains. */
function spell(version: string, open: string | undefined): string {
  return open === "v" ? `v${version.replace(/^v/, "")}` : version;
}
