// Lists, verifies and prunes the blobs that are kept between runs.
import { countOf } from "../../core/count-of.js";
import { systemErrorCode, ViolaError } from "../../errors.js";
import type { BlobStore, StoredBlob } from "../ports.js";
import type { Run } from "../progress.js";

/** The blobs of the cache, and their total size in bytes. */
export interface CacheReport {
  readonly folder: string;
  readonly limitBytes: number;
  readonly size: number;
  /** Those that were used last come first. */
  readonly blobs: readonly StoredBlob[];
}

export interface CacheVerification extends CacheReport {
  /** Blobs whose content was wrong. They were removed, so the next build fetches them again. */
  readonly damaged: readonly StoredBlob[];
}

export interface CachePruning extends CacheReport {
  readonly removed: readonly StoredBlob[];
}

/** Returns what is in the cache. Throws `FILE_UNUSABLE`. */
export function listCache(store: BlobStore): Promise<CacheReport> {
  return withStore(store, async () => {
    const blobs = (await store.list()).toSorted(
      (one, other) => other.usedAt.getTime() - one.usedAt.getTime(),
    );
    return { folder: store.folder, limitBytes: store.limitBytes, size: sizeOf(blobs), blobs };
  });
}

/** Hashes every blob and removes those that are damaged. Throws `FILE_UNUSABLE`. */
export async function verifyCache({ signal, progress }: Run, store: BlobStore): Promise<CacheVerification> {
  const { blobs, size } = await listCache(store);
  progress({ kind: "started", step: "cache", title: "Verifying the cache", total: size, unit: "bytes" });
  let done = 0;
  const onRead = (bytes: number): void => {
    done += bytes;
    progress({ kind: "advanced", step: "cache", done });
  };
  const damaged = await withStore(store, async () => {
    const found: StoredBlob[] = [];
    for (const blob of blobs) {
      if (await store.isIntact(blob, onRead, signal)) continue;
      await store.remove(blob);
      found.push(blob);
    }
    return found;
  });
  progress({ kind: "ended", step: "cache", summary: countOf(blobs.length, "blob") });
  return { ...(await listCache(store)), damaged };
}

/**
 * Removes blobs until the rest has at most `maxBytes`, those first that were not used for the
 * longest time. Throws `FILE_UNUSABLE`.
 */
export async function pruneCache(maxBytes: number, store: BlobStore): Promise<CachePruning> {
  const { blobs } = await listCache(store);
  await withStore(store, () => store.trim(maxBytes));
  const left = await listCache(store);
  const kept = new Set(left.blobs.map(({ digest }) => digest));
  return { ...left, removed: blobs.filter(({ digest }) => !kept.has(digest)) };
}

async function withStore<T>({ folder }: BlobStore, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof Error && cause.name === "AbortError") throw cause;
    throw new ViolaError("FILE_UNUSABLE", `the cache ${folder} cannot be used (${systemErrorCode(cause)})`, {
      subject: folder,
      hint: "Select another folder with `cache` in the settings.",
      cause,
    });
  }
}

function sizeOf(blobs: readonly StoredBlob[]): number {
  return blobs.reduce((sum, { size }) => sum + size, 0);
}
