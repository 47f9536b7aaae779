// Remembers registries that became unreachable during a build, so that one error is reported for all
// of their blobs.
import type { PlannedBlob } from "../../core/bundle/archive-plan.js";
import { ViolaError } from "../../errors.js";
import { ConnectionFailure } from "../http/client.js";

type BlobOrigin = Pick<PlannedBlob, "sources">;

/** The registries that a build has lost. */
export class LostRegistries {
  readonly #losses = new Map<string, ViolaError>();

  /** Returns the error of the loss if no source of the blob is left. */
  findLoss({ sources }: BlobOrigin): ViolaError | undefined {
    const losses = sources.map((source) =>
      source.kind === "registry" ? this.#losses.get(source.registry) : undefined,
    );
    return losses.includes(undefined) ? undefined : losses[0];
  }

  /**
   * Records the registries of the blob as lost if the error is that of a connection. Returns the error
   * to report, which is the same one for all blobs of a lost registry.
   */
  record(blob: BlobOrigin, error: unknown): unknown {
    if (!(error instanceof ViolaError) || !isOfConnections(error.cause)) return error;
    const loss = new ViolaError(error.code, error.message, {
      ...(error.subject !== undefined && { subject: error.subject }),
      hint: `${error.hint ?? ""} Run the same command again: blobs that are complete are not fetched again.`,
      cause: error.cause,
    });
    for (const source of blob.sources)
      if (source.kind === "registry" && !this.#losses.has(source.registry))
        this.#losses.set(source.registry, loss);
    return this.findLoss(blob) ?? error;
  }
}

/** True if no place has answered. */
function isOfConnections(cause: unknown): boolean {
  return cause instanceof AggregateError
    ? cause.errors.every(isOfConnections)
    : cause instanceof ConnectionFailure;
}
