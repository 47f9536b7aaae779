// Interfaces of the server that serves a bundle as a read-only registry.
import type { BlobPlaces } from "./blob-places.js";
import type { Inventory } from "./inventory.js";
import type { RawManifest } from "../oci/descriptor.js";

/** An opened bundle: its inventory, its file, and the places of its blobs. */
export interface BundleFile {
  readonly inventory: Inventory;
  /** Path of the bundle file, for messages. */
  readonly file: string;
  readonly blobs: BlobPlaces;
}

/**
 * A request for a manifest of a served bundle. Clients request the same manifest several times:
 * with HEAD and GET, by tag and by digest.
 */
export interface ManifestRequest {
  readonly registry: string;
  readonly repository: string;
  /** Tag or digest. */
  readonly reference: string;
  /** HTTP status: 200, or 404 if the manifest is not in the bundle. */
  readonly status: number;
  /** The client: the name in its path (see `pathFor`), or its address. */
  readonly client: string;
}

/** The source of content that is not in a served bundle. */
export interface UpstreamRegistry {
  /** Returns an index or manifest that is not in the bundle, or undefined if no registry has it. */
  findManifest(wanted: {
    readonly registry: string;
    readonly repository: string;
    readonly reference: string;
  }): Promise<RawManifest | undefined>;
  /**
   * Opens a blob that a manifest found here refers to, or returns undefined for any other blob. The
   * chunks are verified: the iteration throws if size or digest are wrong.
   */
  openBlob(digest: string): { readonly size: number; readonly chunks: AsyncIterable<Uint8Array> } | undefined;
  /** True if a manifest found here has this digest or refers to it. */
  isPart(digest: string): boolean;
}

/** Options of serving a bundle. */
export interface ServeOptions {
  /** Address to listen on; all addresses of this machine by default. */
  readonly address?: string;
  /** Port to listen on; a free port by default. */
  readonly port?: number;
  /**
   * True for clients that know a mirror only by host and path. They expect a response from `/v2/`.
   */
  readonly asMirror?: boolean;
  /** Called for each chunk of content that was sent. */
  readonly onSent?: (client: string, bytes: number) => void;
  /** Called for every manifest that is requested, except parts of images from upstream. */
  readonly onManifest?: (request: ManifestRequest) => void;
  /**
   * Called when content could not be sent and the client is not the reason. The client sees a
   * truncated response.
   */
  readonly onFailure?: (cause: unknown) => void;
  /** The source of content that is not in the bundle. If absent, such requests get a 404. */
  readonly upstream?: UpstreamRegistry;
}

/** A running server. The caller of `ServeBundle` closes it. */
export interface ServedBundle {
  readonly port: number;
  /**
   * Returns the path `/RANDOM/CLIENT` for this client to put before `/v2/…`. Other paths get a 404.
   */
  pathFor(client: string): string;
  /** Returns the bytes of content sent to this client so far. */
  sentBytes(client: string): number;
  /**
   * Stops listening, ends open connections and closes the file. Throws `BUNDLE_INVALID` or
   * `FILE_UNUSABLE` when the bundle could not be read while it was served.
   */
  close(): Promise<void>;
}

/** Serves the bundle, by default on a free port of all addresses of this machine. */
export type ServeBundle = (bundle: BundleFile, options?: ServeOptions) => Promise<ServedBundle>;
