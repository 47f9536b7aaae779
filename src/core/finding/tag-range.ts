// Ranges of image tags, as facts of the knowledge base are bound to them.
import { compare, satisfies } from "semver";

/** The version in a tag, and what stands before it, such as `edge-` in `edge-25.1.1`. */
export interface TagVersion {
  readonly prefix: string;
  /** A semantic version. It has a pre-release only if the tag is older than the release. */
  readonly version: string;
}

/** A base image before the version, as in `ubi9-5.8.9`, does not change the version. */
const TAG_PATTERN =
  /^(?:ubi\d+-)?(?<prefix>(?:[a-z]+|v\d+(?:alpha|beta)\d+)-)?v?(?<numbers>\d+\.\d+(?:\.\d+)?)(?<rest>.*)$/;

/** A suffix that makes a tag older than the release, as in `v1.2.0-rc.1` and `1.2.0-m2`. */
const PRE_RELEASE_PATTERN =
  /^[-.+_~]?(?<name>(?:alpha|beta|rc|pre|preview|dev|snapshot|nightly|next|canary|test|main|master|m)(?![a-z]).*)$/i;

/** The output of `git describe` for a commit after the release, as in `v1.2.0-14-g1a2b3c4`. */
const COMMIT_PATTERN = /^-\d+-g[0-9a-f]{7,}/;

/**
 * Returns the version of a tag, or undefined if the tag has none that a range can contain. A suffix
 * that is neither a pre-release nor a commit names a variant or a rebuild of the release
 * (`v1.2.0-ubi9`, `v1.2.0-rke2r1`), which has the version of the release.
 */
export function readTagVersion(tag: string | undefined): TagVersion | undefined {
  const { prefix = "", numbers = "", rest = "" } = TAG_PATTERN.exec(tag ?? "")?.groups ?? {};
  if (numbers === "" || COMMIT_PATTERN.test(rest)) return undefined;
  const [major = 0, minor = 0, patch = 0] = numbers.split(".").map(Number);
  const release = `${major}.${minor}.${patch}`;
  const preRelease = PRE_RELEASE_PATTERN.exec(rest)?.groups?.["name"];
  if (preRelease === undefined) return { prefix, version: release };
  const identifiers = preRelease
    .split(/[^0-9A-Za-z-]+/)
    .filter((part) => part !== "")
    .map((part) => part.replace(/^0+(?=\d+$)/, ""));
  return { prefix, version: `${release}-${identifiers.join(".")}` };
}

/**
 * True if the version is in the range. Unlike in npm, a range contains pre-releases, and `<1.2.0`
 * does not contain those of 1.2.0.
 */
export function isInRange(version: string, range: string): boolean {
  const bounded = range.replaceAll(/<(\d+\.\d+\.\d+)(?=\s|$)/g, "<$1-0");
  return satisfies(version, bounded, { includePrerelease: true });
}

/** More ranges than this are summarized in messages. */
const MAX_LISTED_RANGES = 3;

/** Describes ranges of tags for a message: all of them, or the oldest and the newest version. */
export function describeReleases(
  releases: readonly { readonly tags: string; readonly prefix: string }[],
): string {
  if (releases.length <= MAX_LISTED_RANGES)
    return releases.map(({ prefix, tags }) => `${prefix}${tags}`).join(", ");
  const versions = releases
    .flatMap(({ prefix, tags }) =>
      Array.from(tags.matchAll(/\d+\.\d+\.\d+[-+.\w]*/g), ([version]) => ({ prefix, version })),
    )
    .sort((a, b) => compare(a.version, b.version));
  const [first, last] = [versions.at(0), versions.at(-1)].map(
    (end) => `${end?.prefix ?? ""}${end?.version ?? ""}`,
  );
  return `releases from ${first ?? ""} to ${last ?? ""}, and this is none of them`;
}
