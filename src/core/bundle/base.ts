// The bases of a differential bundle: what identifies a bundle, and which bundles form the chain.
import type { Digest } from "../oci/digest.js";
import type { Inventory, InventoryBase } from "./inventory.js";

/** The parts of a bundle that identify it as a base. */
export interface BaseCandidate {
  readonly inventory: Inventory;
  /** Digest of `bundle.json`. */
  readonly digest: Digest;
}

/**
 * Returns what names a bundle: name, version, and the digest of the `bundle.json` of the whole bundle.
 * That digest covers every byte of the content, because `bundle.json` has the sha256 of every file and
 * blob, so no blob must be hashed to compare bundles. A differential bundle has the identity of the
 * bundle that it and its bases make together, because either can be the base of the next one.
 */
export function identityOf({ inventory, digest }: BaseCandidate): InventoryBase {
  const { name, version, whole } = inventory;
  return { name, version, digest: whole?.digest ?? digest };
}

/** Formats an identity: `NAME VERSION (sha256:…)`. */
export function formatIdentity({ name, version, digest }: InventoryBase): string {
  return `${name} ${version} (${digest})`;
}

/** How given bundles are the bases of a bundle. */
export interface BaseChain<B> {
  /** The base, then the base of the base, as far as they were given. */
  readonly chain: readonly B[];
  /** The base that was not given; absent if the chain ends with a whole bundle. */
  readonly missing?: InventoryBase;
  /** Given bundles that are not in the chain. */
  readonly unused: readonly B[];
}

/** Finds the bases of `head` among the given bundles, in any order. A whole bundle has no base. */
export function linkBases<B extends BaseCandidate>(head: BaseCandidate, given: readonly B[]): BaseChain<B> {
  const chain: B[] = [];
  let missing = head.inventory.base;
  while (missing !== undefined) {
    const { digest } = missing;
    const matching = given.filter((one) => !chain.includes(one) && identityOf(one).digest === digest);
    // A whole bundle ends the chain.
    const found = matching.find(({ inventory }) => inventory.base === undefined) ?? matching[0];
    if (found === undefined) break;
    chain.push(found);
    missing = found.inventory.base;
  }
  const used = new Set(chain.map((one) => identityOf(one).digest));
  return {
    chain,
    ...(missing !== undefined && { missing }),
    unused: given.filter((one) => !chain.includes(one) && !used.has(identityOf(one).digest)),
  };
}
