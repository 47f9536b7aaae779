// Opens a bundle together with its bases, as one bundle that has the blobs of all of them.
import { formatIdentity, identityOf, linkBases } from "../core/bundle/base.js";
import type { BlobPlaces } from "../core/bundle/blob-places.js";
import { oneOrMany, settleAll, ViolaError } from "../errors.js";
import type { BundleReader, OpenBundle } from "./ports.js";

export interface OpenPorts {
  readonly reader: Pick<BundleReader, "openBundle">;
}

/**
 * Opens a bundle and the given bases of it, in any order. A blob is looked up in the bundle first and
 * then in its bases, the nearest first. Only `bundle.json` and the layout of the files are read.
 * Bases may be left out, see `missingBase`; `requireBases` refuses that.
 * Throws the errors of opening each file, and `BASE_WRONG` for every given bundle that is not a base.
 */
export async function openWithBases(
  file: string,
  bases: readonly string[],
  ports: OpenPorts,
): Promise<OpenBundle> {
  const [bundle] = await openAllWithBases([file], bases, ports);
  if (bundle === undefined) throw new Error(`${file} was not opened`);
  return bundle;
}

/** Opens several bundles as `openWithBases` does. Each given base is one of at least one of them. */
export async function openAllWithBases(
  files: readonly string[],
  bases: readonly string[],
  { reader }: OpenPorts,
): Promise<readonly OpenBundle[]> {
  const open = (file: string): Promise<OpenBundle> => reader.openBundle(file);
  const [heads, given] = await settleAll("some bundles cannot be opened", [
    settleAll("some bundles cannot be opened", files.map(open)),
    settleAll("some bases cannot be opened", bases.map(open)),
  ]);
  const linked = heads.map((head) => ({ head, ...linkBases(head, given) }));
  const unused = given.filter((one) => linked.every((link) => link.unused.includes(one)));
  const first = linked.find(({ head }) => head.inventory.base !== undefined) ?? linked[0];
  if (first !== undefined && unused.length > 0) {
    const errors = unused.map((one) => refuseBase(first.head, one, first.missing));
    throw oneOrMany("some files are not bases of the bundle", errors);
  }
  return linked.map(({ head, chain, missing }) => ({
    ...head,
    blobs: findPlaces(head, chain, missing === undefined),
    missingBase: missing,
    locate: (path) => holderOf(path, [head, ...chain]).locate(path),
  }));
}

/** Throws `BASE_MISSING` unless the blobs of all bases are at hand. `what` needs them, for the message. */
export function requireBases({ file, missingBase }: OpenBundle, what: string): void {
  if (missingBase === undefined) return;
  throw new ViolaError(
    "BASE_MISSING",
    `${file} is a differential bundle, and ${what} needs its base ${formatIdentity(missingBase)}, which was not given`,
    {
      subject: file,
      hint: "Add --base FILE with that bundle. `viola-airgap show FILE` prints the digest of a bundle.",
    },
  );
}

function refuseBase(head: OpenBundle, given: OpenBundle, missing: OpenBundle["missingBase"]): ViolaError {
  const { base } = head.inventory;
  const wanted =
    missing !== undefined
      ? `the base wanted is ${formatIdentity(missing)}`
      : base === undefined
        ? `${head.file} is a whole bundle and has no base`
        : `the base of ${head.file} is ${formatIdentity(base)}, which was given`;
  return new ViolaError("BASE_WRONG", `${given.file} is ${formatIdentity(identityOf(given))}; ${wanted}`, {
    subject: given.file,
    hint:
      missing === undefined
        ? "Omit this file."
        : "Give the bundle that the difference was built from. `viola-airgap show FILE` prints the digest of a bundle.",
  });
}

/** Returns the first of the bundles that holds the file, or the last that says that its base does. */
function holderOf(path: string, [head, ...chain]: readonly [OpenBundle, ...OpenBundle[]]): OpenBundle {
  const entryIn = ({ inventory }: OpenBundle): OpenBundle["inventory"]["files"][number] | undefined =>
    inventory.files.find((file) => file.path === path);
  const wanted = entryIn(head)?.sha256;
  const having = [head, ...chain].filter((one) => entryIn(one)?.sha256 === wanted);
  return having.find((one) => entryIn(one)?.isInBase !== true) ?? having.at(-1) ?? head;
}

/** Throws `BUNDLE_INVALID` if all bases are there and one of the blobs is in none of them. */
function findPlaces(head: OpenBundle, chain: readonly OpenBundle[], isComplete: boolean): BlobPlaces {
  const places = head.inventory.blobs.flatMap(({ digest, size }) => {
    const found = [head, ...chain].map(({ blobs }) => blobs.get(digest)).find((place) => place !== undefined);
    if (found?.size === size) return [[digest, found] as const];
    if (found === undefined && !isComplete) return [];
    throw new ViolaError(
      "BUNDLE_INVALID",
      `${head.file}: blob ${digest} of ${size} bytes is in none of its bases`,
      { subject: head.file, hint: "Build the differential bundle again." },
    );
  });
  return new Map(places);
}
