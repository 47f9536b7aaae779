// Pushes a bundle to a registry: the missing blobs, then the manifests with children first, then a
// check of every name.
import { countOf } from "../../core/count-of.js";
import type { PlacedBlob } from "../../core/bundle/blob-places.js";
import type { InventoryBlob } from "../../core/bundle/inventory.js";
import { refuseAbsent } from "../../core/load/absent-content.js";
import type { PushRegistry } from "../../core/load/push-registry.js";
import {
  contentOf,
  orderManifests,
  placeImages,
  reducedRoot,
  type ManifestBytes,
  type PlacedImage,
  type RegistryLayout,
} from "../../core/load/registry-layout.js";
import { oneOrMany, settleAll, ViolaError } from "../../errors.js";
import { referrersIndex } from "../../core/load/referrers-index.js";
import { referrersTag } from "../../core/images/image-artifact.js";
import { OCI_INDEX } from "../../core/oci/descriptor.js";
import { digestOf } from "../../core/oci/digest.js";
import type { BundleReader, OpenBundle } from "../ports.js";
import type { Run } from "../progress.js";
import { verifyDuringQuery } from "../verify/require-intact.js";

/** The adapters that pushing works with. */
export interface PushPorts {
  readonly reader: Pick<BundleReader, "findDamagedBlobs">;
  readonly registry: PushRegistry;
  /** Limits how many requests to the registry run at once. */
  readonly limit: <T>(task: () => Promise<T>) => Promise<T>;
}

/** An image as it is in the registry after the push. */
export interface PushedImage {
  /** The names that it has in the bundle. */
  readonly names: readonly string[];
  /** `HOST[:PORT]/REPOSITORY` */
  readonly repository: string;
  readonly tags: readonly string[];
  /**
   * Digest that the tags point to: the bundle's, or that of the reduced image the registry accepts.
   */
  readonly digest: string;
}

/** A name that nodes cannot pull from this registry, and the reason. */
export interface UnresolvedName {
  readonly name: string;
  readonly reason: string;
}

export interface PushReport {
  readonly bundle: string;
  /** `http(s)://HOST[:PORT][/PREFIX]` */
  readonly registry: string;
  readonly names: number;
  readonly images: readonly PushedImage[];
  /** Names pinned by the digest of an index that the registry refuses. */
  readonly unresolved: readonly UnresolvedName[];
  /** Bytes of blobs and manifests that were uploaded. */
  readonly sentBytes: number;
  readonly uploadedBlobs: number;
  readonly mountedBlobs: number;
  readonly presentBlobs: number;
}

/**
 * Pushes every image to the repositories of the layout. Nothing is sent before the whole bundle is
 * verified. An index is pushed unchanged, although the bundle has only the manifests of platforms
 * that it was not built for. If the registry rejects such an index, the tag points to the platforms
 * in the bundle, and names pinned by the digest of the index are reported as unresolved.
 * Throws every problem of the bundle, and the failures of all repositories at once.
 */
export async function pushBundle(
  run: Run,
  bundle: OpenBundle,
  layout: RegistryLayout,
  ports: PushPorts,
): Promise<PushReport> {
  const { progress } = run;
  const { inventory } = bundle;
  const placed = placeImages(inventory, layout);
  const presence = await verifyDuringQuery(run, bundle, () => findPresent(run, bundle, placed, ports), ports);
  const moved = await pushBlobs(run, presence, ports);

  progress({ kind: "started", step: "manifests", title: "Pushing manifests", total: placed.length });
  let done = 0;
  const pushed = await settleAll(
    "some images could not be pushed",
    placed.map(async (one) => {
      const result = await pushImage(run, bundle, one, ports);
      progress({ kind: "advanced", step: "manifests", done: ++done });
      return result;
    }),
  );
  progress({
    kind: "ended",
    step: "manifests",
    summary: `${countOf(placed.length, "image")}, every name checked`,
  });
  const { host } = new URL(ports.registry.origin);
  return {
    bundle: `${inventory.name} ${inventory.version}`,
    registry: [ports.registry.origin, layout.prefix].filter((part) => part !== "").join("/"),
    names: new Set(inventory.images.flatMap(({ names }) => names)).size,
    images: pushed.map(({ place, digest }) => ({
      names: place.image.names,
      repository: `${host}/${place.repository}`,
      tags: place.tags,
      digest,
    })),
    unresolved: unresolvedNames(pushed, host),
    sentBytes: moved.sentBytes + pushed.reduce((sum, { sentBytes }) => sum + sentBytes, 0),
    uploadedBlobs: moved.uploaded,
    mountedBlobs: moved.mounted,
    presentBlobs: moved.present,
  };
}

function unresolvedNames(pushed: readonly PushedManifests[], host: string): readonly UnresolvedName[] {
  const reasons = pushed.flatMap(({ place: { image }, refusal }) =>
    refusal === undefined
      ? []
      : image.names
          .filter((name) => name.includes("@"))
          .map((name) => [name, `${host} rejects an index with missing platforms: ${refusal}`] as const),
  );
  return [...new Map(reasons)].map(([name, reason]) => ({ name, reason }));
}

/** A blob, and the repositories that need it: those that have it and those that do not. */
interface BlobPresence {
  readonly blob: InventoryBlob;
  /** Absent if its bytes are not at hand. */
  readonly place?: PlacedBlob;
  readonly having: readonly string[];
  readonly missing: readonly string[];
}

/** Checks every repository for every blob that belongs in it. */
async function findPresent(
  { signal, progress }: Run,
  bundle: OpenBundle,
  placed: readonly PlacedImage[],
  ports: PushPorts,
): Promise<readonly BlobPresence[]> {
  const { registry, limit } = ports;
  progress({ kind: "started", step: "survey", title: "Querying the content of the registry" });
  const wanted = new Map<string, Set<string>>();
  for (const { repository, image } of placed) {
    const digests = wanted.get(repository) ?? new Set();
    for (const digest of contentOf(image)) digests.add(digest);
    wanted.set(repository, digests);
  }
  const having = await settleAll(
    "some repositories could not be queried",
    [...wanted].map(async ([repository, digests]) => {
      const found = await Promise.all(
        [...digests].map((digest) => limit(() => registry.hasBlob(repository, digest, signal))),
      );
      return new Set(
        [...digests].filter((_, index) => found[index] === true).map((digest) => `${repository}@${digest}`),
      );
    }),
  );
  const present = new Set(having.flatMap((names) => [...names]));
  const presences = bundle.inventory.blobs.flatMap((blob): readonly BlobPresence[] => {
    const repositories = [...wanted].filter(([, digests]) => digests.has(blob.digest)).map(([name]) => name);
    const has = (name: string): boolean => present.has(`${name}@${blob.digest}`);
    const place = bundle.blobs.get(blob.digest);
    if (repositories.length === 0) return [];
    const [held, lacking] = [repositories.filter(has), repositories.filter((name) => !has(name))];
    return [{ blob, ...(place && { place }), having: held, missing: lacking }];
  });
  const nowhere = new Set<string>(
    presences.flatMap(({ blob, having: held }) => (held.length === 0 ? [blob.digest] : [])),
  );
  const manifests = await Promise.all(
    placed.map((one) => limit(() => absentManifests(bundle, one, registry, signal))),
  );
  const where = new URL(registry.origin).host;
  refuseAbsent(
    bundle,
    placed.map(({ image }, at) => ({
      where,
      image,
      digests: [...[...contentOf(image)].filter((digest) => nowhere.has(digest)), ...(manifests[at] ?? [])],
    })),
  );
  progress({ kind: "ended", step: "survey", summary: countOf(wanted.size, "repository", "repositories") });
  return presences;
}

/**
 * Returns the manifests that must be pushed although their bytes are not at hand: those that the
 * repository does not have, and the one that a tag is to point to.
 */
async function absentManifests(
  { blobs, missingBase }: OpenBundle,
  { image, repository, tags }: PlacedImage,
  registry: PushRegistry,
  signal: AbortSignal,
): Promise<readonly string[]> {
  if (missingBase === undefined) return [];
  const { complete, indexes } = orderManifests(image);
  const artifacts = image.artifacts ?? [];
  const others = artifacts.flatMap(({ manifests }) => manifests.map(({ digest }) => digest));
  const wanted: readonly { readonly digest: string; readonly reference: string }[] = [
    ...[...complete, ...indexes, ...others].map((digest) => ({ digest, reference: digest })),
    ...artifacts.flatMap(({ digest, tags: names }) => names.map((reference) => ({ digest, reference }))),
    ...tags.map((reference) => ({ digest: image.digest, reference })),
  ].filter(({ digest }) => !blobs.has(digest));
  const absent: string[] = [];
  for (const { digest, reference } of wanted)
    if ((await registry.findManifest(repository, reference, signal)) !== digest) absent.push(digest);
  return absent;
}

interface MovedBlobs {
  readonly sentBytes: number;
  readonly uploaded: number;
  readonly mounted: number;
  readonly present: number;
}

/**
 * Uploads each missing blob at most once and mounts it in other repositories; largest blobs first.
 */
async function pushBlobs(
  { signal, progress }: Run,
  presences: readonly BlobPresence[],
  { registry, limit }: PushPorts,
): Promise<MovedBlobs> {
  const missing = presences.filter((one) => one.missing.length > 0).sort((a, b) => b.blob.size - a.blob.size);
  const total = missing.reduce((sum, { blob, having }) => sum + (having.length === 0 ? blob.size : 0), 0);
  progress({ kind: "started", step: "push", title: "Pushing blobs", total, unit: "bytes" });
  let done = 0;
  let sentBytes = 0;
  let uploaded = 0;
  let mounted = 0;
  const failures = new Map<string, ViolaError>();
  let isDown = false;
  const pushBlob = async ({ blob, place, having, missing: repositories }: BlobPresence): Promise<void> => {
    let [from] = having;
    for (const repository of repositories) {
      if (isDown || failures.has(repository)) continue;
      try {
        if (from !== undefined && (await registry.mountBlob(repository, blob.digest, from, signal))) {
          mounted++;
        } else if (place === undefined) {
          throw notMounted(repository, blob.digest);
        } else {
          await registry.uploadBlob(
            repository,
            place,
            (bytes) => {
              done += bytes;
              progress({ kind: "advanced", step: "push", done });
            },
            signal,
          );
          uploaded++;
          sentBytes += blob.size;
        }
        from ??= repository;
      } catch (cause) {
        if (!(cause instanceof ViolaError)) throw cause;
        // A repository that denies access says nothing about others. A registry that is unreachable
        // is unreachable for all repositories.
        failures.set(repository, cause);
        isDown ||= cause.code === "REGISTRY_UNAVAILABLE";
      }
    }
  };
  // An interrupted upload is cancelled in the registry. Wait for that.
  await settleAll(
    "some blobs could not be pushed",
    missing.map((one) => limit(() => pushBlob(one))),
  );
  if (failures.size > 0) throw oneOrMany("some repositories could not be pushed to", [...failures.values()]);
  progress({ kind: "ended", step: "push", summary: `${uploaded} uploaded, ${mounted} mounted` });
  const present = presences.reduce((sum, { having }) => sum + having.length, 0);
  return { sentBytes, uploaded, mounted, present };
}

interface PushedManifests {
  readonly place: PlacedImage;
  /** What the tags point to after the push. */
  readonly digest: string;
  readonly sentBytes: number;
  /** Why the registry rejected the index of this image; absent if it was accepted. */
  readonly refusal?: string;
}

/**
 * Pushes the manifests of one image. When the registry rejects one because blobs that it had were
 * removed meanwhile, sends those blobs and the manifests again.
 */
async function pushImage(
  run: Run,
  bundle: OpenBundle,
  place: PlacedImage,
  ports: PushPorts,
): Promise<PushedManifests> {
  try {
    return await pushManifests(run, bundle, place, ports);
  } catch (cause) {
    if (!(cause instanceof ViolaError) || cause.code !== "REGISTRY_ANSWER_INVALID") throw cause;
    const restoredBytes = await restoreBlobs(run, bundle, place, ports);
    if (restoredBytes === 0) throw cause;
    const pushed = await pushManifests(run, bundle, place, ports);
    return { ...pushed, sentBytes: pushed.sentBytes + restoredBytes };
  }
}

/** Uploads the blobs of the image that its repository does not have. Returns their bytes. */
async function restoreBlobs(
  { signal }: Run,
  { blobs }: OpenBundle,
  { image, repository }: PlacedImage,
  { registry, limit }: PushPorts,
): Promise<number> {
  const content = new Set<string>(contentOf(image));
  const sizes = await Promise.all(
    [...blobs.values()]
      .filter(({ digest }) => content.has(digest))
      .map((blob) =>
        limit(async () => {
          if (await registry.hasBlob(repository, blob.digest, signal)) return 0;
          await registry.uploadBlob(repository, blob, () => undefined, signal);
          return blob.size;
        }),
      ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Pushes the manifests of one image, whose blobs are in the repository, and checks its names. */
async function pushManifests(
  { signal }: Run,
  bundle: OpenBundle,
  place: PlacedImage,
  { registry, limit }: PushPorts,
): Promise<PushedManifests> {
  const { image, repository, tags, isPinned } = place;
  let sentBytes = 0;
  /** A manifest, or the digest of one whose bytes are read only if they are needed. */
  type Manifest = ManifestBytes | string;
  const digestIn = (manifest: Manifest): string =>
    typeof manifest === "string" ? manifest : manifest.digest;
  /** Stores a manifest unless it exists. Returns the reason if the registry rejects it. */
  const put = async (wanted: Manifest, reference = digestIn(wanted)): Promise<string | undefined> => {
    if ((await registry.findManifest(repository, reference, signal)) === digestIn(wanted)) return undefined;
    const manifest = typeof wanted === "string" ? await readManifest(bundle, place, wanted) : wanted;
    const outcome = await registry.putManifest(repository, reference, manifest, signal);
    if (outcome.kind === "refused") return outcome.answer;
    sentBytes += manifest.bytes.length;
    return undefined;
  };
  const mustPut = async (manifest: Manifest, reference?: string): Promise<void> => {
    const refusal = await put(manifest, reference);
    if (refusal !== undefined) throw refused(place, digestIn(manifest), refusal);
  };

  return limit(async () => {
    const { complete, bare, indexes } = orderManifests(image);
    for (const digest of complete) await mustPut(digest);
    const putIndexes = async (): Promise<string | undefined> => {
      for (const digest of indexes) {
        const refusal = await put(digest);
        if (refusal !== undefined) return refusal;
      }
      return undefined;
    };
    let refusal = await putIndexes();
    if (refusal !== undefined && bare.length > 0) {
      // docker-registry 2 requires every child of an index and accepts one that was uploaded as a
      // blob. Pulling such a platform still fails, because its layers do not exist.
      for (const digest of bare) {
        const blob = bundle.blobs.get(digest);
        if (blob === undefined || (await registry.hasBlob(repository, digest, signal))) continue;
        await registry.uploadBlob(repository, blob, () => undefined, signal);
        sentBytes += blob.size;
      }
      refusal = await putIndexes();
    }
    const reduced = refusal === undefined ? image.digest : reducedRoot(image);
    if (reduced === undefined) throw refused(place, image.digest, refusal ?? "");
    const root = digestIn(reduced);
    for (const tag of tags) await mustPut(reduced, tag);
    if (tags.length === 0) await mustPut(reduced);
    const references = [...tags, ...(isPinned || tags.length === 0 ? [root] : [])];
    for (const reference of references) {
      const found = await registry.findManifest(repository, reference, signal);
      if (found !== root) {
        throw refused(place, root, `${reference} is ${found ?? "unknown"} after it was stored`);
      }
    }
    for (const artifact of image.artifacts ?? []) {
      // Children before parents.
      for (const { digest } of artifact.manifests.toReversed()) await mustPut(digest);
      for (const tag of artifact.tags) await mustPut(artifact.digest, tag);
    }
    await putReferrers(place, { registry, put: mustPut }, signal);
    return { place, digest: root, sentBytes, ...(refusal !== undefined && { refusal }) };
  });
}

/**
 * In a registry that does not list referrers itself, the list is an index with a tag. Adds the
 * artifacts of the image to it.
 * https://github.com/opencontainers/distribution-spec/blob/main/spec.md#referrers-tag-schema
 */
async function putReferrers(
  { image, repository }: PlacedImage,
  {
    registry,
    put,
  }: Pick<PushPorts, "registry"> & {
    readonly put: (manifest: ManifestBytes, reference: string) => Promise<void>;
  },
  signal: AbortSignal,
): Promise<void> {
  const artifacts = (image.artifacts ?? []).filter(({ referrer }) => referrer !== undefined);
  for (const subject of new Set(artifacts.map((artifact) => artifact.subject))) {
    if (await registry.hasReferrersApi(repository, subject, signal)) continue;
    const tag = referrersTag(subject);
    const earlier = await registry.readManifest(repository, tag, signal);
    const bytes = referrersIndex(subject, artifacts, earlier);
    await put({ mediaType: OCI_INDEX, digest: digestOf(bytes), bytes }, tag);
  }
}

async function readManifest(
  bundle: OpenBundle,
  { image }: PlacedImage,
  digest: string,
): Promise<ManifestBytes> {
  const blob = bundle.blobs.get(digest);
  const manifests = [...image.manifests, ...(image.artifacts ?? []).flatMap((one) => one.manifests)];
  const mediaType = manifests.find((one) => one.digest === digest)?.mediaType;
  if (blob === undefined || mediaType === undefined) {
    throw new ViolaError("BUNDLE_INVALID", `${image.normalized}: ${digest} is not in the bundle`, {
      subject: image.normalized,
    });
  }
  return { mediaType, digest, bytes: await bundle.readPlace(blob) };
}

function notMounted(repository: string, digest: string): ViolaError {
  return new ViolaError(
    "BASE_MISSING",
    `${repository}: the registry has ${digest} in another repository and did not mount it; it is in the base`,
    { subject: repository, hint: "Add --base FILE with the base of the bundle, and load again." },
  );
}

function refused({ image, repository }: PlacedImage, digest: string, answer: string): ViolaError {
  return new ViolaError(
    "REGISTRY_ANSWER_INVALID",
    `${repository} rejected the manifest ${digest}: ${answer}`,
    {
      subject: image.normalized,
      hint: "What was pushed stays in the registry. Check the rules of the registry for this repository, such as immutable tags, and push again.",
    },
  );
}
