// Images out of registries: a reference becomes digests, with every manifest that belongs to it.
import { choosePlatforms, type PlatformCandidate } from "../../core/images/choose-platforms.js";
import { kubeletName, parseReference } from "../../core/images/reference.js";
import type { BlobSource, RawManifest, ResolvedImage } from "../../core/images/resolved-image.js";
import type { ImageUse } from "../../core/images/image-use.js";
import { MANIFEST_MEDIA_TYPES, type Descriptor, type Platform } from "../../core/oci/descriptor.js";
import { checkRunnable, configPlatform, isImage, type ImageManifest } from "../../core/oci/manifest.js";
import { ViolaError } from "../../errors.js";
import type { FetchedManifest } from "./verify-response.js";
import type { RegistryClient } from "./client.js";
import type { RegistryRepository } from "./pull.js";

/** Deeper nesting than an index in an index has no use; a loop is impossible, as digests cannot contain themselves. */
const NESTING_LIMIT = 4;

/** An image manifest, and the platform that the index says it has. */
interface Leaf {
  readonly platform?: Platform;
  readonly descriptor: Descriptor;
  /** Absent when no registry has it. */
  readonly manifest?: ImageManifest;
}

/** The image that is being resolved. */
interface Resolution {
  readonly repository: RegistryRepository;
  readonly subject: string;
  readonly signal: AbortSignal;
}

/** Everything below a manifest, itself included. */
interface Collected {
  readonly manifests: readonly RawManifest[];
  readonly leaves: readonly Leaf[];
  /** What an index lists and no registry has. */
  readonly absent: readonly Descriptor[];
}

/** Resolves references at registries and their mirrors. */
export class RegistrySource {
  readonly #client: RegistryClient;

  constructor(client: RegistryClient) {
    this.#client = client;
  }

  /**
   * Resolves `use.normalized` for the platforms, at least one: by digest where it has one, else by tag. Of an index every child manifest comes along,
   * other platforms' and attestations included, as importers want them all.
   * Throws an error that names image, registry and what was answered.
   */
  async resolveImage(
    use: ImageUse,
    platforms: readonly Platform[],
    signal: AbortSignal,
  ): Promise<ResolvedImage> {
    const subject = use.normalized;
    const reference = parseReference(subject);
    const repository = { registry: reference.registry, repository: reference.repository };
    const root = await this.#client.pull.fetchManifest(
      repository,
      reference.digest ?? reference.tag ?? "latest",
      subject,
      signal,
    );
    const { manifests, leaves, absent } = await this.#collect(
      { repository, subject, signal },
      root,
      undefined,
      0,
    );
    const candidates = await this.#candidates({ repository, subject, signal }, leaves);
    const chosen = choosePlatforms(candidates, platforms, subject);
    const source: BlobSource = { kind: "registry", ...repository };
    return {
      use,
      names: [kubeletName(reference)],
      root: toDescriptor(root.raw),
      manifests: [...new Map(manifests.map((manifest) => [manifest.digest, manifest])).values()],
      ...(absent.length > 0 && { absent }),
      platforms: chosen,
      sources: new Map(
        chosen.flatMap(({ config, layers }) => [config, ...layers].map(({ digest }) => [digest, source])),
      ),
      rebuilt: false,
    };
  }

  /** Returns the last bytes of a blob; undefined when the registry hands out whole blobs only, and for blobs of other sources. */
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

  /** Returns the manifest and everything below it, in the order of the indexes. */
  async #collect(
    resolution: Resolution,
    { raw, content }: FetchedManifest,
    platform: Platform | undefined,
    depth: number,
  ): Promise<Collected> {
    const { subject } = resolution;
    if (content.kind === "manifest") {
      const leaf = { ...(platform && { platform }), descriptor: toDescriptor(raw), manifest: content };
      return { manifests: [raw], leaves: [leaf], absent: [] };
    }
    if (depth === NESTING_LIMIT) {
      throw new ViolaError("IMAGE_UNSUPPORTED", `${subject}: its indexes are nested too deeply`, { subject });
    }
    // What is neither index nor manifest is no part of an image: containerd leaves it alone, too.
    const entries = content.entries.filter(({ mediaType }) => MANIFEST_MEDIA_TYPES.includes(mediaType));
    const children = await Promise.all(
      entries.map((entry) => this.#collectEntry(resolution, entry, platform, depth)),
    );
    return {
      manifests: [raw, ...children.flatMap(({ manifests }) => manifests)],
      leaves: children.flatMap(({ leaves }) => leaves),
      absent: children.flatMap(({ absent }) => absent),
    };
  }

  /** An entry that no registry has is fatal only when it is chosen: mirrors hold what was pulled through them. */
  async #collectEntry(
    resolution: Resolution,
    entry: Descriptor,
    parent: Platform | undefined,
    depth: number,
  ): Promise<Collected> {
    const { repository, subject, signal } = resolution;
    const platform = entry.platform ?? parent;
    let child: FetchedManifest;
    try {
      child = await this.#client.pull.fetchManifest(repository, entry.digest, subject, signal);
    } catch (cause) {
      if (!(cause instanceof ViolaError) || cause.code !== "IMAGE_NOT_FOUND") throw cause;
      const leaf = { ...(platform && { platform }), descriptor: toDescriptor(entry) };
      return { manifests: [], leaves: [leaf], absent: [entry] };
    }
    if (child.raw.size !== entry.size || child.raw.mediaType !== entry.mediaType) {
      throw new ViolaError(
        "REGISTRY_ANSWER_INVALID",
        `${subject}: its index says ${entry.mediaType} of ${entry.size} bytes for ${entry.digest}, which is ${child.raw.mediaType} of ${child.raw.size}`,
        { subject },
      );
    }
    return this.#collect(resolution, child, platform, depth + 1);
  }

  /** Looks into the configs of manifests whose index states no platform; they come last, as containerd sorts them. */
  async #candidates(
    { repository, subject, signal }: Resolution,
    leaves: readonly Leaf[],
  ): Promise<readonly PlatformCandidate[]> {
    const stated = leaves.flatMap(({ platform, ...leaf }) => (platform ? [{ ...leaf, platform }] : []));
    // An artifact as the root is kept, so that the user hears what it is and not that a platform is missing.
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

function toDescriptor({ mediaType, digest, size }: Descriptor): Descriptor {
  return { mediaType, digest, size };
}
