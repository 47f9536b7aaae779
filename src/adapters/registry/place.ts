// A place that may have content of a repository, and the result of asking it.
import type { Resource } from "./auth.js";
import type { RegistryRejection } from "./rejection.js";

/** A URL that may have the requested content. */
export interface PullPlace {
  readonly url: URL;
  readonly resource: Resource;
}

/** The result of a request to one place. */
export type PlaceResult<T> = { readonly value: T } | { readonly refusal: RegistryRejection };
