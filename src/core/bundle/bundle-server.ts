// A bundle served as a read-only registry: what workflows know of it.
import type { Inventory } from "./inventory.js";
import type { RawManifest } from "../images/resolved-image.js";

/** An opened bundle: its inventory, and where its bytes are. */
export interface BundleFile {
  readonly inventory: Inventory;
  /** Path of the bundle file, in which `inventory.blobs` counts offsets. */
  readonly file: string;
}

/** A manifest that somebody asked a served bundle for. Clients ask for one several times: by HEAD and GET, by tag and by digest. */
export interface ManifestRequest {
  readonly registry: string;
  readonly repository: string;
  /** Tag or digest. */
  readonly reference: string;
  /** 200, or 404 when the bundle has it not. */
  readonly status: number;
  /** Who asked: the name in the path that it was told, else its address. */
  readonly client: string;
}

/** Where a served bundle gets what it has not, for those who may have it. */
export interface UpstreamRegistry {
  /** Returns an index or manifest of an image that the bundle has not, or undefined where nobody has it. */
  findManifest(wanted: {
    readonly registry: string;
    readonly repository: string;
    readonly reference: string;
  }): Promise<RawManifest | undefined>;
  /** Opens a blob that a manifest found here names; undefined for any other. Its chunks are checked: they end in an error where they are wrong. */
  openBlob(digest: string): { readonly size: number; readonly chunks: AsyncIterable<Uint8Array> } | undefined;
  /** True for the digest of something that a manifest found here is, or refers to. */
  isPart(digest: string): boolean;
}

/** How a bundle is served. */
export interface ServeOptions {
  /** All addresses of this machine unless given. */
  readonly address?: string;
  /** A free one unless given. */
  readonly port?: number;
  /** True for clients that know a mirror by host and path, and ask `/v2/` before anything else: it is answered, and says nothing. */
  readonly asMirror?: boolean;
  /** Is called for each chunk of content that was handed to the network. */
  readonly onSent?: (client: string, bytes: number) => void;
  /** Is called for every manifest that is requested, except the parts of what came from upstream. */
  readonly onManifest?: (request: ManifestRequest) => void;
  /**
   * Is called when content cannot be sent and the client is not to blame: it sees a body that is cut short.
   */
  readonly onFailure?: (cause: unknown) => void;
  /** Where content comes from that is not in the bundle; absent where such requests get a 404. */
  readonly upstream?: UpstreamRegistry;
}

/** A running server. Whoever started it closes it. */
export interface ServedBundle {
  readonly port: number;
  /** Returns the path, `/RANDOM/CLIENT`, under which this client asks; `/v2/…` follows. Requests outside such a path get a 404. */
  pathFor(client: string): string;
  /** Returns the bytes of content sent to this client so far. */
  sentBytes(client: string): number;
  /**
   * Stops listening, ends open connections and closes the file. Throws `BUNDLE_INVALID` or `FILE_UNUSABLE` when the bundle could not
   * be read while it was served.
   */
  close(): Promise<void>;
}

/** Serves the bundle, on a free port of every address of this machine unless told otherwise. */
export type ServeBundle = (bundle: BundleFile, options?: ServeOptions) => Promise<ServedBundle>;
