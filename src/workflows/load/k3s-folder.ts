// Writes a bundle's images to a folder that a node imports at startup, and removes them again.
import type { Inventory } from "../../core/bundle/inventory.js";
import { contentToRun, refuseAbsent } from "../../core/load/absent-content.js";
import type { ImageFolder } from "../../core/load/image-folder.js";
import {
  describeMissingPlatform,
  missingBlobs,
  manifestsOf,
  surveyNode,
} from "../../core/load/missing-content.js";
import { planPartialArchive } from "../../core/bundle/partial-archive.js";
import { formatPlatform } from "../../core/oci/platform.js";
import { ViolaError } from "../../errors.js";
import type { OpenBundle } from "../ports.js";
import type { Run } from "../progress.js";
import { megabytes } from "./node-plan.js";
import { LoadProgress } from "./progress.js";
import type { LoadPorts, LoadReport } from "./nodes.js";
import type { UnloadReport } from "./unload-nodes.js";
import { allNames, bundleId } from "../../core/bundle/names.js";
import { counted } from "../../core/load/counted.js";
import { requireIntact } from "../verify/require-intact.js";

/**
 * Writes one archive with the content for the folder's platform. An archive that already exists is
 * left unchanged. The names resolve after the node has started. Throws `BUNDLE_INVALID`,
 * `BASE_MISSING` and `IMAGE_PLATFORM_MISSING` before anything is written, and `NODE_LOAD_FAILED`.
 */
export async function loadFolder(
  run: Run,
  bundle: OpenBundle,
  folder: ImageFolder,
  ports: Pick<LoadPorts, "reader" | "readSegments">,
): Promise<LoadReport> {
  const { inventory } = bundle;
  const { missing, withoutPlatform } = surveyNode(inventory, folder.platform, new Map());
  if (withoutPlatform.length > 0) {
    const message = describeMissingPlatform(folder.name, folder.platform, withoutPlatform, inventory);
    throw new ViolaError("IMAGE_PLATFORM_MISSING", message, {
      subject: folder.name,
      hint: `Build the bundle with --platform ${formatPlatform(folder.platform)}.`,
    });
  }
  const needed = missing.map(({ image, platform }) => ({
    where: folder.name,
    image,
    digests: contentToRun(image, platform),
  }));
  refuseAbsent(bundle, needed);
  const images = missing.map(({ image, platform }) => ({ ...image, platforms: [platform] }));
  const blobs = new Set([...manifestsOf(missing), ...missingBlobs(missing, new Set())]);
  const segments = planPartialArchive(bundle.blobs, images, blobs);
  const size = segments.reduce(
    (sum, segment) => sum + (segment instanceof Uint8Array ? segment.length : segment.size),
    0,
  );
  // The head lists every image by name and digest, so an archive with the same head and size is
  // the same archive.
  const firstBlob = segments.findIndex((segment) => !(segment instanceof Uint8Array));
  const head = Buffer.concat(segments.slice(0, firstBlob).filter((segment) => segment instanceof Uint8Array));
  const name = archiveName(inventory);
  const isThere = await folder.holds(name, head, size);
  if (!isThere) await refuseFullDisk(folder, size);
  await requireIntact(run, bundle, ports);
  if (!isThere) {
    const progress = new LoadProgress(new Map([[folder.name, size]]), run.progress);
    const content = counted(ports.readSegments(segments), (bytes) => {
      progress.add(folder.name, bytes);
    });
    await folder.write(name, content, run.signal);
    progress.end(folder.path);
  }
  run.progress({
    kind: "note",
    message: `${folder.name} is not running: it imports the images from ${folder.path} when it starts`,
  });
  const names = [...allNames(inventory)].sort();
  return {
    bundle: `${inventory.name} ${inventory.version}`,
    names: names.length,
    nodes: [
      {
        node: folder.name,
        platform: formatPlatform(folder.platform),
        route: "folder",
        presentNames: isThere ? names.length : 0,
        loadedNames: isThere ? [] : names,
        sentBytes: isThere ? 0 : size,
      },
    ],
  };
}

/** Removes the archive. Images that a running node has imported are kept; see `unloadBundle`. */
export async function unloadFolder(inventory: Inventory, folder: ImageFolder): Promise<UnloadReport> {
  const freedBytes = await folder.remove(archiveName(inventory));
  return {
    node: `${folder.name} (${folder.path})`,
    removed: freedBytes === 0 ? [] : [...allNames(inventory)].sort(),
    kept: [],
    freedBytes,
  };
}

/**
 * The node copies the images and the archive stays for the next start, so twice its size is needed.
 */
async function refuseFullDisk(folder: ImageFolder, size: number): Promise<void> {
  const free = await folder.freeBytes();
  if (2 * size <= free) return;
  throw new ViolaError(
    "NODE_LOAD_FAILED",
    `${folder.name} needs ${megabytes(size)} in ${folder.path} and the same amount when it starts; ${megabytes(free)} are free`,
    { subject: folder.name, hint: "Free disk space in that folder. Nothing was written." },
  );
}

function archiveName(inventory: Inventory): string {
  return `viola-airgap-${bundleId(inventory)}.tar`;
}
