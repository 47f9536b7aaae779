// Implements `--source auto`: the registry first, then the Docker engine.
import type { ImageUse } from "../../core/images/image-use.js";
import type { BlobSource, ResolvedImage } from "../../core/images/resolved-image.js";
import type { Descriptor, Platform } from "../../core/oci/descriptor.js";
import { ViolaError } from "../../errors.js";
import type { DockerSource } from "./docker-source.js";
import type { RegistrySource } from "../registry/registry-source.js";

/**
 * Resolves references at registries, and with the Docker engine when no registry has the image or
 * permits access to it.
 */
export class AutoSource {
  readonly #registry: RegistrySource;
  readonly #docker: () => Promise<DockerSource>;

  /** `docker` is called each time the engine is needed. */
  constructor(registry: RegistrySource, docker: () => Promise<DockerSource>) {
    this.#registry = registry;
    this.#docker = docker;
  }

  /**
   * Uses the engine only when every registry endpoint responded that the image does not exist or
   * that access is denied. When a registry is unreachable or sends an invalid response, it may have
   * a different image under this name, so the engine must not be used.
   * Throws the registry's error when the engine does not have the image or is not available.
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

  /** See `ImageSource`. */
  async readBlob(
    source: BlobSource,
    blob: Descriptor,
    subject: string,
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    return source.kind === "registry"
      ? this.#registry.readBlob(source, blob, subject, signal)
      : (await this.#docker()).readBlob(source, blob);
  }

  /** Returns the last bytes of a blob, or undefined when its source does not support ranges. */
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
