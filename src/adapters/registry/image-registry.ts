// ImageRegistry over the registry client. Mirrors in this machine's settings are ignored, because
// nodes do not use them.
import type { ImageRegistry } from "../../core/install/image-registry.js";
import { ViolaError } from "../../errors.js";
import { RegistryClient, type RegistryClientOptions } from "./client.js";

/** An ImageRegistry that the caller closes. */
export interface OpenImageRegistry extends ImageRegistry {
  close(): Promise<void>;
}

/** Returns the registry without sending a request. */
export function openImageRegistry(
  { host, prefix }: Pick<ImageRegistry, "host" | "prefix">,
  options: RegistryClientOptions,
): OpenImageRegistry {
  const settings = { ...options.settings, mirrors: new Map() };
  const client = new RegistryClient({ ...options, settings });
  return {
    name: `registry://${[host, prefix].filter((part) => part !== "").join("/")}`,
    host,
    prefix,
    findManifest: async (repository, reference, signal) => {
      const subject = `${host}/${repository}${reference.includes(":") ? "@" : ":"}${reference}`;
      try {
        const found = await client.pull.fetchManifest(
          { registry: host, repository },
          reference,
          subject,
          signal,
        );
        return found.raw.digest;
      } catch (error) {
        if (error instanceof ViolaError && error.code === "IMAGE_NOT_FOUND") return undefined;
        throw error;
      }
    },
    close: () => client.close(),
  };
}
