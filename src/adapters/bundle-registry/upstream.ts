// What a served bundle has not, from the registries that have it, mirrors and credentials of the user included.
import type { UpstreamRegistry } from "../../core/bundle/bundle-server.js";
import { formatReference } from "../../core/images/reference.js";
import type { Descriptor } from "../../core/oci/descriptor.js";
import { ViolaError } from "../../errors.js";
import { streamBlob } from "../blobs/stream-blob.js";
import type { RegistryClient, RegistryRepository } from "../registry/client.js";

/** Where a blob of an image from upstream is to be had. */
interface Part {
  readonly descriptor: Descriptor;
  readonly repository: RegistryRepository;
  readonly subject: string;
}

/**
 * Fetches manifests and streams blobs for as long as the signal does not fire. What no registry hands out is told to `onRefused`, once per name,
 * with what the registries said.
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
        const { raw, content } = await registry.fetchManifest(repository, reference, subject, signal);
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
      return { size: descriptor.size, chunks: streamBlob(descriptor, source, subject, registry, signal) };
    },
  };
}
