// Resolves image references in registries to digests and manifests.
import { blobsOf } from "../../core/bundle/inventory.js";
import {
  attachManifests,
  choosePlatforms,
  type IndexedManifest,
  type PlatformCandidate,
} from "../../core/images/choose-platforms.js";
import { kubeletName, parseReference } from "../../core/images/reference.js";
import type { BlobSource, ResolvedImage } from "../../core/images/resolved-image.js";
import type { ImageUse } from "../../core/images/image-use.js";
import {
  MANIFEST_MEDIA_TYPES,
  type Descriptor,
  type Platform,
  type RawManifest,
} from "../../core/oci/descriptor.js";
import { checkRunnable, configPlatform, isImage } from "../../core/oci/manifest.js";
import { ViolaError } from "../../errors.js";
import type { FetchedManifest } from "./verify-response.js";
import type { RegistryClient } from "./client.js";
import type { RegistryRepository } from "./pull.js";

/** Limits nested indexes. A loop is impossible, because a digest cannot contain itself. */
const NESTING_LIMIT = 4;

/** The image that is being resolved. */
interface Resolution {
  readonly repository: RegistryRepository;
  readonly subject: string;
  readonly signal: AbortSignal;
}

/** The position of a manifest below the root. */
interface Position {
  /** The platform that the nearest index states. */
  readonly platform?: Platform;
  /** The number of indexes above. */
  readonly depth: number;
}

/** The manifests below a manifest, and the manifest itself. */
interface Collected {
  readonly manifests: readonly RawManifest[];
  readonly leaves: readonly IndexedManifest[];
  /** Manifests that are listed in an index but are in no registry. */
  readonly absent: readonly Descriptor[];
}

/** Resolves references in registries and their mirrors. */
export class RegistrySource {
  readonly #client: RegistryClient;

  constructor(client: RegistryClient) {
    this.#client = client;
  }

  /**
   * Resolves `use.normalized` for one or more platforms, by digest if it has one, otherwise by tag.
   * The result has all manifests of an index, including other platforms and attestations, because
   * importers require them.
   * Throws an error with the image, the registry and its response.
   */
  async resolveImage(
    use: ImageUse,
    platforms: readonly Platform[],
    signal: AbortSignal,
  ): Promise<ResolvedImage> {
    const subject = use.normalized;
    const reference = parseReference(subject);
    const repository = {
      registry: reference.registry,
      repository: reference.repository,
    };
    const root = await this.#client.pull.fetchManifest(
      repository,
      reference.digest ?? reference.tag ?? "latest",
      subject,
      signal,
    );
    const resolution: Resolution = { repository, subject, signal };
    const { manifests, leaves, absent } = await this.#collect(resolution, root, { depth: 0 });
    const stated = await this.#candidates(resolution, leaves);
    const candidates = stated.length > 0 ? stated : assumePlatform(leaves, platforms);
    const chosen = choosePlatforms(candidates, platforms, subject).map((image) =>
      attachManifests(image, leaves, subject),
    );
    const source: BlobSource = { kind: "registry", ...repository };
    return {
      use,
      names: [kubeletName(reference)],
      root: toDescriptor(root.raw),
      manifests: [...new Map(manifests.map((manifest) => [manifest.digest, manifest])).values()],
      ...(absent.length > 0 && { absent }),
      platforms: chosen,
      sources: new Map(
        chosen.flatMap((platform) => blobsOf(platform).map(({ digest }) => [digest, source] as const)),
      ),
      rebuilt: false,
    };
  }

  /** See `ImageSource`. */
  readBlob(source: BlobSource, blob: Descriptor, subject: string, signal: AbortSignal): Promise<Uint8Array> {
    if (source.kind !== "registry") throw new TypeError("the blob is not in a registry");
    return this.#client.pull.readBlob(source, blob, subject, signal);
  }

  /**
   * Returns the last bytes of a blob. Returns undefined when the registry does not support range
   * requests, and for blobs of other sources.
   */
  async readBlobTail(
    source: BlobSource,
    blob: Descriptor,
    bytes: number,
    signal: AbortSignal,
  ): Promise<Uint8Array | undefined> {
    return source.kind === "registry"
      ? this.#client.pull.readBlobTail(source, blob, bytes, signal)
      : undefined;
  }

  /** Returns the manifest and all manifests below it, in the order of the indexes. */
  async #collect(
    resolution: Resolution,
    { raw, content }: FetchedManifest,
    position: Position,
  ): Promise<Collected> {
    const { subject } = resolution;
    const { platform, depth } = position;
    if (content.kind === "manifest") {
      const leaf = {
        ...(platform && { platform }),
        descriptor: toDescriptor(raw),
        manifest: content,
      };
      return { manifests: [raw], leaves: [leaf], absent: [] };
    }
    if (depth === NESTING_LIMIT) {
      throw new ViolaError("IMAGE_UNSUPPORTED", `${subject}: its indexes are nested too deeply`, { subject });
    }
    // Other media types are not part of an image, and containerd also ignores them.
    const entries = content.entries.filter(({ mediaType }) => MANIFEST_MEDIA_TYPES.includes(mediaType));
    const children = await Promise.all(
      entries.map((entry) => this.#collectEntry(resolution, entry, position)),
    );
    return {
      manifests: [raw, ...children.flatMap(({ manifests }) => manifests)],
      leaves: children.flatMap(({ leaves }) => leaves),
      absent: children.flatMap(({ absent }) => absent),
    };
  }

  /**
   * Fetches an entry of an index. An entry that is in no registry is an error only when it is chosen,
   * because a mirror may hold only the platforms that were pulled through it.
   */
  async #collectEntry(resolution: Resolution, entry: Descriptor, parent: Position): Promise<Collected> {
    const { repository, subject, signal } = resolution;
    const platform = entry.platform ?? parent.platform;
    let child: FetchedManifest;
    try {
      child = await this.#client.pull.fetchManifest(repository, entry.digest, subject, signal);
    } catch (cause) {
      if (!(cause instanceof ViolaError) || cause.code !== "IMAGE_NOT_FOUND") throw cause;
      const leaf = {
        ...(platform && { platform }),
        descriptor: toDescriptor(entry),
      };
      return { manifests: [], leaves: [leaf], absent: [entry] };
    }
    if (child.raw.size !== entry.size || child.raw.mediaType !== entry.mediaType) {
      throw new ViolaError(
        "REGISTRY_ANSWER_INVALID",
        `${subject}: its index says ${entry.mediaType} of ${entry.size} bytes for ${entry.digest}, which is ${child.raw.mediaType} of ${child.raw.size}`,
        { subject },
      );
    }
    return this.#collect(resolution, child, {
      ...(platform && { platform }),
      depth: parent.depth + 1,
    });
  }

  /**
   * Reads the platform of manifests without one in the index from their configs. They come last, as
   * in containerd.
   */
  async #candidates(
    { repository, subject, signal }: Resolution,
    leaves: readonly IndexedManifest[],
  ): Promise<readonly PlatformCandidate[]> {
    const stated = leaves.flatMap(({ platform, ...leaf }) => (platform ? [{ ...leaf, platform }] : []));
    // An artifact as the root is kept, so that the error names its type and not a missing platform.
    const isRoot = leaves.length === 1;
    const silent = leaves.flatMap(({ platform, manifest, descriptor }) =>
      platform === undefined && manifest !== undefined && (isImage(manifest) || isRoot)
        ? [{ descriptor, manifest }]
        : [],
    );
    const read = await Promise.all(
      silent.map(async (leaf) => {
        checkRunnable(leaf.manifest, subject);
        const config = await this.#client.pull.readBlob(repository, leaf.manifest.config, subject, signal);
        const platform = configPlatform(config);
        return platform === undefined ? [] : [{ ...leaf, platform }];
      }),
    );
    return [...stated, ...read.flat()];
  }
}

/**
 * Some builders write no platform. Engines run such an image on any platform when it is not in an
 * index, so it counts as one for the only wanted platform.
 */
function assumePlatform(
  leaves: readonly IndexedManifest[],
  [platform, ...others]: readonly Platform[],
): readonly PlatformCandidate[] {
  const [leaf, ...more] = leaves;
  if (platform === undefined || others.length > 0 || leaf?.manifest === undefined || more.length > 0)
    return [];
  return [{ ...leaf, platform }];
}

function toDescriptor({ mediaType, digest, size }: Descriptor): Descriptor {
  return { mediaType, digest, size };
}
