// A bundle served as a read-only registry: what workflows know of it.
import type { Inventory } from "../bundle/inventory.js";

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

/** A running server. Whoever started it closes it. */
export interface ServedBundle {
  readonly port: number;
  /** Returns the path, `/RANDOM/CLIENT`, under which this client asks; `/v2/…` follows. Requests outside such a path get a 404. */
  pathFor(client: string): string;
  /** Returns the bytes of content sent to this client so far. */
  sentBytes(client: string): number;
  /** Stops listening, ends open connections and closes the file. */
  close(): Promise<void>;
}

/** Serves the bundle on a free port of every address of this machine. `onSent` hears of each chunk of content that left. */
export type ServeBundle = (
  bundle: BundleFile,
  onSent: (client: string, bytes: number) => void,
) => Promise<ServedBundle>;
