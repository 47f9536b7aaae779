// Decides in which order blobs are transferred, several at once.

/** A smaller blob takes a round trip to a far registry, and hardly any of its bandwidth. */
const SMALL_BYTES = 1024 * 1024;

/** The part of the lanes that begin with small blobs: one lane of four. */
const SMALL_LANES = 1 / 4;

/**
 * Calls `transfer` for every blob, for `concurrency` blobs at once, and returns the promises in the
 * order of the calls. Does not throw: the caller settles the promises.
 *
 * `blobs` are sorted, largest first, so that no large blob is left to the end. Some lanes begin with
 * the small blobs. At the end, they would leave the bandwidth unused for a round trip each.
 */
export async function transferInLanes<Blob extends { readonly size: number }>(
  blobs: readonly Blob[],
  concurrency: number,
  transfer: (blob: Blob) => Promise<void>,
): Promise<readonly Promise<void>[]> {
  const small = blobs.filter(({ size }) => size < SMALL_BYTES).values();
  const large = blobs.filter(({ size }) => size >= SMALL_BYTES).values();
  const transfers: Promise<void>[] = [];
  const lane = async (queues: readonly Iterator<Blob, unknown>[]): Promise<void> => {
    for (const queue of queues) {
      for (let next = queue.next(); next.done !== true; next = queue.next()) {
        const transferring = transfer(next.value);
        transfers.push(transferring);
        await Promise.allSettled([transferring]);
      }
    }
  };
  await Promise.all(
    Array.from({ length: concurrency }, (_, number) =>
      lane(number < concurrency * SMALL_LANES ? [small, large] : [large, small]),
    ),
  );
  return transfers;
}
