// Loads a bundle into the image store of a container engine, and unloads it again.
import { blobsOf, type Inventory } from "../../core/bundle/inventory.js";
import { refuseAbsent, type NeededContent } from "../../core/load/absent-content.js";
import { countStoredLayers } from "../../core/load/stored-layers.js";
import { diffIdsOf } from "../../core/oci/image-config.js";
import {
  isDigestName,
  missingInStore,
  resolvesTo,
  storedAs,
  type ImageStore,
  type StoredImage,
} from "../../core/load/image-store.js";
import {
  describeMissingPlatform,
  wantedNames,
  type MissingContent,
} from "../../core/load/missing-content.js";
import { hasNeeds, requireFit } from "../../core/load/engine-limits.js";
import type { KeptName } from "../../core/load/unload-plan.js";
import { formatPlatform } from "../../core/oci/platform.js";
import { ViolaError } from "../../errors.js";
import type { OpenBundle } from "../ports.js";
import type { Run } from "../progress.js";
import { LoadProgress } from "./progress.js";
import type { LoadReport } from "./nodes.js";
import type { UnloadReport } from "./unload-nodes.js";
import { requireIntact } from "../verify/require-intact.js";
import type { VerifyPorts } from "../verify/verify.js";

/** What was removed from a store while it was loaded is loaded once more. */
const LOAD_TRIES = 2;

/**
 * Loads what the store is missing, then queries the store again. Names with a digest that do not
 * resolve in the store are reported as `unresolved`. Throws `BUNDLE_INVALID` before anything is
 * sent, `IMAGE_PLATFORM_MISSING`, `BASE_MISSING` for content that neither
 * the store nor a given file has, `IMAGE_UNSUPPORTED` for what the engine cannot hold, and
 * `NODE_LOAD_FAILED` with the first name that is still missing.
 */
export async function loadStore(
  run: Run,
  bundle: OpenBundle,
  store: ImageStore,
  ports: VerifyPorts,
): Promise<LoadReport> {
  const { inventory } = bundle;
  const { signal } = run;
  const { keepsDigests } = store;
  const platform = await store.platform(signal);
  const survey = async (): Promise<ReturnType<typeof missingInStore>> =>
    missingInStore(inventory.images, await store.listImages(signal), { platform, keepsDigests });
  const { missing, withoutPlatform } = await survey();
  if (withoutPlatform.length > 0) {
    const message = describeMissingPlatform(store.name, platform, withoutPlatform, inventory);
    throw new ViolaError("IMAGE_PLATFORM_MISSING", message, {
      subject: store.name,
      hint: `Build the bundle with --platform ${formatPlatform(platform)}.`,
    });
  }
  const special = missing
    .map(({ image, platform: only }) => ({ ...image, platforms: [only] }))
    .filter(hasNeeds);
  if (special.length > 0) requireFit(special, await store.findLimits(signal));
  const needed = await findNeeded(bundle, missing, store, signal);
  refuseAbsent(bundle, needed);
  await requireIntact(run, bundle, ports);
  let sentBytes = 0;
  if (missing.length > 0) {
    const wanted = new Set(needed.flatMap(({ digests }) => digests));
    const total = [...bundle.blobs.values()].reduce(
      (sum, { digest, size }) => sum + (wanted.has(digest) ? size : 0),
      0,
    );
    const progress = new LoadProgress(new Map([[store.name, total]]), run.progress);
    const onBytes = (bytes: number): void => {
      sentBytes += bytes;
      progress.add(store.name, bytes);
    };
    let lacking = missing;
    for (let tries = 0; lacking.length > 0 && tries < LOAD_TRIES; tries++) {
      const again = tries === 0 ? needed : await findNeeded(bundle, lacking, store, signal);
      const content = { bundle, needed: new Set(again.flatMap(({ digests }) => digests)) };
      await store.loadImages(lacking, content, onBytes, signal);
      lacking = (await survey()).missing;
    }
    progress.end(store.name);
    const [absent] = wantedNames(lacking);
    if (absent !== undefined) {
      throw new ViolaError("NODE_LOAD_FAILED", `${store.name}: ${absent.name} is missing after loading`, {
        subject: absent.name,
        hint: "Load again. If that fails too, check the free disk space of the engine.",
      });
    }
  }
  const names = inventory.images.flatMap((image) => image.names);
  const stored = await store.listImages(signal);
  const unresolved = inventory.images.flatMap((image) =>
    image.names.filter((name) => !resolvesTo(name, storedAs(image, stored))),
  );
  const loaded = wantedNames(missing).map(({ name }) => name);
  return {
    bundle: `${inventory.name} ${inventory.version}`,
    names: names.length,
    nodes: [
      {
        node: store.name,
        platform: formatPlatform(platform),
        route: loaded.length === 0 ? "none" : keepsDigests ? "fetch" : "import",
        presentNames: names.length - loaded.length,
        loadedNames: loaded.sort(),
        sentBytes,
        ...(unresolved.length > 0 && { unresolved }),
      },
    ],
  };
}

/**
 * Returns what the store must be sent of each image: without the layers that it has as part of other
 * images. The diff ids of an image are in its config; without it, everything is needed.
 */
async function findNeeded(
  bundle: OpenBundle,
  missing: readonly MissingContent[],
  store: ImageStore,
  signal: AbortSignal,
): Promise<readonly NeededContent[]> {
  if (missing.length === 0) return [];
  const stored = await store.listLayers(signal);
  return Promise.all(
    missing.map(async ({ image, platform }) => {
      const { config, layers } = platform;
      const place = bundle.blobs.get(config.digest);
      const diffIds = place === undefined ? [] : diffIdsOf(await bundle.readPlace(place));
      const isConsistent = diffIds.length === layers.length;
      const present = isConsistent ? countStoredLayers(diffIds, stored) : 0;
      const other = blobsOf(platform).slice(1 + layers.length);
      const digests = [config, ...layers.slice(present), ...other].map(({ digest }) => digest);
      return { where: store.name, image, digests };
    }),
  );
}

/**
 * Removes the bundle's images from the store. Engines cannot record which bundle loaded a name.
 * Therefore every tag of the bundle that still points to the bundle's content is removed, unless a
 * running or stopped container was created from that content. Content without tags is removed if
 * the bundle names it by digest. Other tags are kept.
 */
export async function unloadStore(
  inventory: Inventory,
  store: ImageStore,
  signal: AbortSignal,
): Promise<UnloadReport> {
  const [before, used] = [await store.listImages(signal), await store.usedImages(signal)];
  const removed: string[] = [];
  const kept: KeptName[] = [];
  const isTag = (name: string, { id, tags }: StoredImage): boolean =>
    resolvesTo(name, [{ id, tags, digests: [] }]);
  const unused: { readonly stored: StoredImage; readonly pinned: readonly string[] }[] = [];
  for (const image of inventory.images) {
    for (const stored of storedAs(image, before)) {
      const matching = image.names.filter((name) => isTag(name, stored));
      const pinned = image.names.filter(isDigestName);
      if (used.has(stored.id)) {
        kept.push(...[...matching, ...pinned].map((name) => ({ name, reason: "a container uses it" })));
        continue;
      }
      for (const name of matching) await store.removeImage(name, signal);
      removed.push(...matching);
      if (pinned.length > 0) unused.push({ stored, pinned });
    }
  }
  // Another image of the bundle may have had the last tag of the content.
  for (const { stored, pinned } of unused) {
    const isLast = stored.tags.every((tag) =>
      removed.some((name) => isTag(name, { ...stored, tags: [tag] })),
    );
    if (!isLast) continue;
    const isLeft = (await store.listImages(signal)).some(
      (one) => one.id === stored.id && one.tags.length === 0,
    );
    if (isLeft) await store.removeImage(stored.id, signal);
    removed.push(...pinned);
  }
  const after = new Set((await store.listImages(signal)).map(({ id }) => id));
  const goneImages = inventory.images.filter((image) => {
    const matching = storedAs(image, before);
    return matching.length > 0 && matching.every(({ id }) => !after.has(id));
  });
  const stays = new Set(
    inventory.images
      .filter((image) => !goneImages.includes(image))
      .flatMap(({ platforms }) => platforms.flatMap(({ layers }) => layers.map(({ digest }) => digest))),
  );
  const freed = new Map(
    goneImages.flatMap(({ platforms }) =>
      platforms
        .slice(0, 1)
        .flatMap(({ layers }) => layers.filter(({ digest }) => !stays.has(digest)))
        .map(({ digest, size }) => [digest, size] as const),
    ),
  );
  return {
    node: store.name,
    removed: removed.sort(),
    kept,
    freedBytes: [...freed.values()].reduce((sum, size) => sum + size, 0),
  };
}
