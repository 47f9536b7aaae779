// Serves a bundle as a registry and chart repository until it is interrupted.
import { once } from "node:events";
import type { Inventory } from "../core/bundle/inventory.js";
import type { ManifestRequest } from "../core/bundle/bundle-server.js";
import { formatReference, parseReference } from "../core/images/reference.js";
import { ManyErrors, ViolaError } from "../errors.js";
import { requireBases } from "./open-with-bases.js";
import type { OpenBundle } from "./ports.js";
import type { Run } from "./progress.js";
import { findGaps } from "./verify/verify.js";

/** Where to listen. */
export interface Listen {
  readonly address: string;
  /** 0 selects a free port. */
  readonly port: number;
}

/** Callbacks while a bundle is served. */
export interface ServeListeners {
  /** Called once, after the port is open. */
  readonly onListening: (report: ServeReport) => Promise<void>;
  /** Called for every manifest that is requested. */
  readonly onManifest?: (request: ManifestRequest) => void;
}

/** Serves the whole bundle at an address. The caller closes the server. */
export type ServeOpenly = (
  bundle: OpenBundle,
  options: Listen & {
    readonly onManifest: (request: ManifestRequest) => void;
    readonly onFailure: (cause: unknown) => void;
  },
) => Promise<{ readonly port: number; readonly close: () => Promise<void> }>;

export interface ServePorts {
  readonly serveOpenly: ServeOpenly;
}

/** What is served. */
export interface ServeReport {
  readonly bundle: string;
  readonly port: number;
  readonly images: number;
  readonly names: readonly string[];
  /** Registries in the names, sorted. */
  readonly registries: readonly string[];
  readonly charts: readonly { readonly name: string; readonly version: string }[];
}

/**
 * Serves until the run's signal fires, which ends it without an error. Each requested name that is
 * not in the bundle is reported in one note, and so is content that cannot be read. Only the
 * structure of the bundle is checked and not its checksums, because clients verify every digest.
 * Throws `BASE_MISSING` and `BUNDLE_INVALID` for missing content, `FILE_UNUSABLE` for an address that
 * cannot be listened on, and either when the bundle could not be read while it was served.
 */
export async function serveUntilAborted(
  { signal, progress }: Run,
  bundle: OpenBundle,
  { address, port, onListening, onManifest }: Listen & ServeListeners,
  { serveOpenly }: ServePorts,
): Promise<void> {
  requireBases(bundle, "serving");
  refuseGaps(bundle);
  const missed = new Set<string>();
  const server = await serveOpenly(bundle, {
    address,
    port,
    onManifest: (request) => {
      onManifest?.(request);
      const name = nameOf(request);
      if (request.status === 200 || missed.has(name)) return;
      missed.add(name);
      progress({ kind: "note", message: `not in this bundle: ${name} (requested by ${request.client})` });
    },
    onFailure: (cause) => {
      progress({ kind: "note", message: cause instanceof Error ? cause.message : String(cause) });
    },
  });
  try {
    await onListening(reportOf(bundle.inventory, server.port));
    if (!signal.aborted) await once(signal, "abort");
  } finally {
    await server.close();
  }
}

function refuseGaps({ file, inventory }: OpenBundle): void {
  const errors = [...findGaps(inventory)].map(
    ({ message, subject }) => new ViolaError("BUNDLE_INVALID", message, { subject }),
  );
  const [first] = errors;
  if (first !== undefined)
    throw errors.length === 1 ? first : new ManyErrors(`${file} is incomplete`, errors);
}

function reportOf(inventory: Inventory, port: number): ServeReport {
  const names = inventory.images.flatMap((image) => image.names);
  return {
    bundle: `${inventory.name} ${inventory.version}`,
    port,
    images: inventory.images.length,
    names,
    registries: [...new Set(names.map((name) => parseReference(name).registry))].sort(),
    charts: inventory.releases.map(({ chart: { name, version } }) => ({ name, version })),
  };
}

function nameOf({ registry, repository, reference }: ManifestRequest): string {
  return formatReference({
    registry,
    repository,
    ...(reference.includes(":") ? { digest: reference } : { tag: reference }),
  });
}
