// Collects the names of the images that nodes requested from a served bundle.
import type { Inventory } from "../bundle/inventory.js";
import type { ManifestRequest } from "../bundle/bundle-server.js";
import { formatReference, parseReference } from "../images/reference.js";

/** A name that was requested. */
export interface PulledName {
  /**
   * `registry/repository:tag` or `registry/repository@digest`. For an image of the bundle, requests
   * by tag and by digest have one entry.
   */
  readonly name: string;
  readonly isInBundle: boolean;
  readonly nodes: ReadonlySet<string>;
}

/** Collects requests and removes duplicates. */
export interface PullRequests {
  add(request: ManifestRequest): void;
  /** Returns the names in the order of their first request. */
  list(): readonly PulledName[];
}

export function collectPullRequests({ images }: Pick<Inventory, "images">): PullRequests {
  const tags = new Map<string, string>();
  for (const { names, digest, manifests } of images) {
    for (const { repository, registry, tag } of names.map(parseReference)) {
      if (tag === undefined) continue;
      for (const one of [digest, ...manifests.map((manifest) => manifest.digest)]) {
        tags.set(formatReference({ registry, repository, digest: one }), tag);
      }
    }
  }
  const asked = new Map<
    string,
    { readonly name: string; isInBundle: boolean; readonly nodes: Set<string> }
  >();
  return {
    add: ({ registry, repository, reference, status, client }) => {
      const isDigest = reference.includes(":");
      const digest = formatReference({ registry, repository, digest: reference });
      const tag = isDigest ? tags.get(digest) : reference;
      const name = tag === undefined ? digest : formatReference({ registry, repository, tag });
      const one = asked.get(name) ?? { name, isInBundle: status === 200, nodes: new Set<string>() };
      one.nodes.add(client);
      asked.set(name, one);
    },
    list: () => [...asked.values()],
  };
}
