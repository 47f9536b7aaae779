// Fetches content that is not in the served bundle from its registry, with the user's mirrors and
// credentials.
import type { UpstreamRegistry } from "../../core/bundle/bundle-server.js";
import { formatReference } from "../../core/images/reference.js";
import type { Descriptor } from "../../core/oci/descriptor.js";
import { ViolaError } from "../../errors.js";
import { streamBlob } from "../blobs/stream-blob.js";
import type { RegistryClient } from "../registry/client.js";
import type { RegistryRepository } from "../registry/pull.js";

/** A manifest or blob of an upstream image, and its repository. */
interface Part {
  readonly descriptor: Descriptor;
  readonly repository: RegistryRepository;
  readonly subject: string;
}

/**
 * Returns the upstream for a bundle server. It stops when the signal fires. `onRefused` is called
 * once for each name that cannot be fetched, with the error message.
 */
export function upstreamRegistry(
  registry: RegistryClient,
  onRefused: (name: string, why: string) => void,
  signal: AbortSignal,
): UpstreamRegistry {
  const parts = new Map<string, Part>();
  const refused = new Set<string>();
  return {
    isPart: (digest) => parts.has(digest),
    findManifest: async ({ reference, ...repository }) => {
      const known = parts.get(reference);
      const subject =
        known?.subject ??
        formatReference({
          ...repository,
          ...(reference.includes(":") ? { digest: reference } : { tag: reference }),
        });
      try {
        const { raw, content } = await registry.pull.fetchManifest(repository, reference, subject, signal);
        const below = content.kind === "index" ? content.entries : [content.config, ...content.layers];
        for (const descriptor of [raw, ...below]) {
          parts.set(descriptor.digest, { descriptor, repository, subject });
        }
        return raw;
      } catch (error) {
        if (!(error instanceof ViolaError)) throw error;
        if (!refused.has(subject)) onRefused(subject, error.message);
        refused.add(subject);
        return undefined;
      }
    },
    openBlob: (digest) => {
      const part = parts.get(digest);
      if (part === undefined) return undefined;
      const { descriptor, repository, subject } = part;
      const source = { kind: "registry", ...repository } as const;
      return {
        size: descriptor.size,
        chunks: streamBlob({ descriptor, source, image: subject }, registry, signal),
      };
    },
  };
}
