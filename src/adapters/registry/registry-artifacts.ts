// Finds the artifacts of images in registries: by tags of cosign, and in the list of referrers.
import {
  ARTIFACT_TAG_ENDS,
  readReferrer,
  referrersTag,
  type ImageArtifact,
} from "../../core/images/image-artifact.js";
import { parseReference } from "../../core/images/reference.js";
import type { ResolvedImage } from "../../core/images/resolved-image.js";
import { MANIFEST_MEDIA_TYPES, type Descriptor, type RawManifest } from "../../core/oci/descriptor.js";
import type { Digest } from "../../core/oci/digest.js";
import { ViolaError } from "../../errors.js";
import type { ArtifactSource } from "../../workflows/ports.js";
import type { RegistryClient } from "./client.js";
import type { Puller, RegistryRepository } from "./pull.js";
import type { FetchedManifest } from "./verify-response.js";

/** An index of artifacts has no further indexes in practice. */
const NESTING_LIMIT = 2;

/** Where an artifact is looked for. */
interface Lookup {
  readonly repository: RegistryRepository;
  /** The image, for messages. */
  readonly image: string;
  readonly subject: Digest;
  readonly signal: AbortSignal;
}

/** Finds artifacts in registries and their mirrors. */
export class RegistryArtifacts implements ArtifactSource {
  readonly #pull: Puller;

  constructor({ pull }: RegistryClient) {
    this.#pull = pull;
  }

  /** See `ArtifactSource`. */
  async findArtifacts(image: ResolvedImage, signal: AbortSignal): Promise<readonly ImageArtifact[]> {
    const { registry, repository } = parseReference(image.use.normalized);
    const subjects = new Set([image.root.digest, ...image.platforms.map(({ manifest }) => manifest.digest)]);
    const found = await Promise.all(
      [...subjects].map((subject) =>
        this.#artifactsOf({
          repository: { registry, repository },
          image: image.use.normalized,
          subject,
          signal,
        }),
      ),
    );
    return found.flat();
  }

  async #artifactsOf(lookup: Lookup): Promise<readonly ImageArtifact[]> {
    const { repository, subject, image, signal } = lookup;
    const tags = ARTIFACT_TAG_ENDS.map((end) => `${referrersTag(subject)}${end}`);
    const [tagged, listed] = await Promise.all([
      Promise.all(tags.map((tag) => this.#pull.findManifest(repository, tag, image, signal))),
      this.#listReferrers(lookup),
    ]);
    const byTag = await Promise.all(
      tagged.map(async (root, index) =>
        root === undefined ? [] : [await this.#collect(lookup, root, [tags[index] ?? ""])],
      ),
    );
    const byList = await Promise.all(
      listed.map(async ({ digest }) => {
        const root = await this.#pull.fetchManifest(repository, digest, image, signal);
        const artifact = await this.#collect(lookup, root, []);
        if (artifact.referrer !== undefined) return artifact;
        throw new ViolaError(
          "REGISTRY_ANSWER_INVALID",
          `${image}: ${digest} is listed as referring to ${subject}, but it does not`,
          { subject: image },
        );
      }),
    );
    // A later artifact with the same digest has no tag, so the one with a tag stays.
    const artifacts = [...byTag.flat(), ...byList].reverse();
    return [...new Map(artifacts.map((artifact) => [artifact.root.digest, artifact])).values()].sort(
      (one, other) => (one.root.digest < other.root.digest ? -1 : 1),
    );
  }

  /** Lists the referrers, from the tag of the list where a registry has no API for it. */
  async #listReferrers({ repository, subject, image, signal }: Lookup): Promise<readonly Descriptor[]> {
    const list =
      (await this.#pull.findReferrers(repository, subject, image, signal)) ??
      (await this.#pull.findManifest(repository, referrersTag(subject), image, signal));
    if (list?.content.kind !== "index") return [];
    return list.content.entries.filter(({ mediaType }) => MANIFEST_MEDIA_TYPES.includes(mediaType));
  }

  async #collect(lookup: Lookup, root: FetchedManifest, tags: readonly string[]): Promise<ImageArtifact> {
    const { manifests, blobs } = await this.#below(lookup, root, 0);
    const referrer = readReferrer(root.raw.bytes);
    const { mediaType, digest, size } = root.raw;
    return {
      subject: lookup.subject,
      tags,
      root: { mediaType, digest, size },
      manifests,
      blobs: [...new Map(blobs.map((blob) => [blob.digest, blob])).values()],
      ...(referrer?.subject === lookup.subject && {
        referrer: {
          artifactType: referrer.artifactType,
          ...(referrer.annotations !== undefined && {
            annotations: referrer.annotations,
          }),
        },
      }),
    };
  }

  async #below(
    lookup: Lookup,
    { raw, content }: FetchedManifest,
    depth: number,
  ): Promise<{
    readonly manifests: readonly RawManifest[];
    readonly blobs: readonly Descriptor[];
  }> {
    if (content.kind === "manifest") return { manifests: [raw], blobs: [content.config, ...content.layers] };
    const { repository, image, signal } = lookup;
    if (depth === NESTING_LIMIT) {
      throw new ViolaError("IMAGE_UNSUPPORTED", `${image}: the artifact ${raw.digest} is nested too deeply`, {
        subject: image,
      });
    }
    const children = await Promise.all(
      content.entries.map(async ({ digest }) =>
        this.#below(lookup, await this.#pull.fetchManifest(repository, digest, image, signal), depth + 1),
      ),
    );
    return {
      manifests: [raw, ...children.flatMap((child) => child.manifests)],
      blobs: children.flatMap((child) => child.blobs),
    };
  }
}
