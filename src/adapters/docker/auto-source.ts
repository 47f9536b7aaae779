// Registry first, Docker engine second: what `--source auto` means.
import type { ImageUse } from "../../core/images/image-use.js";
import type { BlobSource, ResolvedImage } from "../../core/images/resolved-image.js";
import type { Descriptor, Platform } from "../../core/oci/descriptor.js";
import { ViolaError } from "../../errors.js";
import type { DockerSource } from "./docker-source.js";
import type { RegistrySource } from "../registry/registry-source.js";

/** Resolves references at registries, and at the engine those that no registry has or gives. */
export class AutoSource {
  readonly #registry: RegistrySource;
  readonly #docker: () => Promise<DockerSource>;

  /** `docker` is called when the engine is needed for the first time. */
  constructor(registry: RegistrySource, docker: () => Promise<DockerSource>) {
    this.#registry = registry;
    this.#docker = docker;
  }

  /**
   * Asks the engine only when every registry endpoint answered that the image is absent or denied: a registry that cannot be reached, or sends
   * something wrong, must not lead to another image than the one it has. Throws the registry's error when the engine has no such image or there is none.
   */
  async resolveImage(
    use: ImageUse,
    platforms: readonly Platform[],
    signal: AbortSignal,
  ): Promise<ResolvedImage> {
    try {
      return await this.#registry.resolveImage(use, platforms, signal);
    } catch (refused) {
      if (!isOneOf(refused, ["IMAGE_NOT_FOUND", "REGISTRY_AUTH"])) throw refused;
      try {
        return await (await this.#docker()).resolveImage(use, platforms, signal);
      } catch (cause) {
        throw isOneOf(cause, ["IMAGE_NOT_FOUND", "IMAGE_UNSUPPORTED", "DOCKER_UNAVAILABLE"])
          ? refused
          : cause;
      }
    }
  }

  /** Returns the last bytes of a blob, or undefined when its place hands out whole blobs only. */
  async readBlobTail(
    source: BlobSource,
    blob: Descriptor,
    bytes: number,
    signal: AbortSignal,
  ): Promise<Uint8Array | undefined> {
    return source.kind === "registry"
      ? this.#registry.readBlobTail(source, blob, bytes, signal)
      : (await this.#docker()).readBlobTail(source, blob, bytes);
  }
}

function isOneOf(cause: unknown, codes: readonly string[]): boolean {
  return cause instanceof ViolaError && codes.includes(cause.code);
}
