// References split over values with a common prefix: X_IMAGE and X_TAG, x.repository and x.tag.
import { findFullImage, findImage, hasTagOrDigest, joinReference } from "./candidate.js";

/** A joined reference. `name` is the name of the value with the repository. */
export interface SplitValue {
  readonly name: string;
  readonly reference: string;
  /** True if a name indicates an image, because a repository may be a code repository. */
  readonly isNamedImage: boolean;
}

const REPOSITORY = /^(.*?)([_.-]?)((?:image)(?:[_.-]?(?:name|repository|repo))?|repository|repo)$/i;

/** Yields the joined references, each once. Values that are whole references are not included. */
export function* findSplitValues(values: Readonly<Record<string, string>>): Iterable<SplitValue> {
  const byName = new Map(Object.entries(values).map(([name, value]) => [name.toLowerCase(), value.trim()]));
  for (const [name, value] of Object.entries(values)) {
    const repository = value.trim();
    if (repository === "" || hasTagOrDigest(repository) || findImage(repository) === undefined) continue;
    const match = REPOSITORY.exec(name);
    if (match === null) continue;
    const [, prefix = "", separator = "", word = ""] = match;
    const joint = separator === "" ? (/[_.-]/.exec(name)?.[0] ?? "_") : separator;
    const beside = (...words: readonly string[]): string | undefined => {
      const stems = [name, `${prefix}${separator}image`, prefix];
      const names = stems.flatMap((stem) =>
        words.map((one) => (stem === "" ? one : `${stem}${joint}${one}`)),
      );
      return names
        .map((one) => byName.get(one.toLowerCase()))
        .find((found) => found !== undefined && found !== "");
    };
    const digest = beside("digest", "sha256", "sha");
    const tag = beside("tag", "version");
    if (tag === undefined && digest === undefined) continue;
    const registry = beside("registry");
    const whole =
      registry === undefined || repository.startsWith(`${registry}/`)
        ? repository
        : `${registry}/${repository}`;
    const reference = joinReference(whole, tag, digest);
    // A single component is a whole name only if no other value may be its beginning.
    const isWhole = /image/i.test(word) && tag !== undefined && beside("hub", "prefix", "org") === undefined;
    if (findFullImage(reference) === undefined) {
      if (whole.includes("/") || !isWhole || !/\d/.test(tag)) continue;
    }
    yield { name, reference, isNamedImage: /image/i.test(word) || registry !== undefined };
  }
}
