// Reads the programs in an operator's image. Streams the layers, the topmost first, and reads the
// files that are visible in a container.
import { basename, posix } from "node:path";
import { extract, type Extract as TarExtract } from "tar-stream";
import { z } from "zod";
import {
  isProgramArchive,
  isReadable,
  mayBeProgram,
  type ProgramFile,
} from "../../core/finding/program/program-file.js";
import { formatReference, parseReference } from "../../core/images/reference.js";
import type { ResolvedImage } from "../../core/images/resolved-image.js";
import type { Descriptor } from "../../core/oci/descriptor.js";
import { ViolaError } from "../../errors.js";
import type { RegistryClient } from "../registry/client.js";
import type { ImageBlob } from "../blobs/stream-blob.js";
import { readFileRange } from "../files/read-range.js";
import { readArchiveEntries } from "./archive-entries.js";
import { openLayer } from "./layer-stream.js";

/** https://github.com/opencontainers/image-spec/blob/main/config.md */
const configSchema = z.object({
  config: z
    .object({ Entrypoint: z.array(z.string()).nullish(), Cmd: z.array(z.string()).nullish() })
    .nullish(),
});

/** https://github.com/opencontainers/image-spec/blob/main/layer.md#whiteouts */
const WHITEOUT = ".wh.";
const OPAQUE = ".wh..wh..opq";
/** The number of bytes that identify a program. */
const START_BYTES = 4;

/** An entry of a layer. It must be read to its end or resumed before the next entry. */
type TarEntry = TarExtract extends AsyncIterable<infer Entry> ? Entry : never;

/** Reads operators' images from registries, and from files that a Docker engine saved. */
export class OperatorImages {
  readonly #registry: RegistryClient;

  constructor(registry: RegistryClient) {
    this.#registry = registry;
  }

  /**
   * Yields the files of the image's first platform that may be programs. Only one file is in memory
   * at a time. Calls `onNote` for each layer that is skipped. Throws the error of the source of a
   * layer, or the signal's reason.
   */
  async *readPrograms(
    image: ResolvedImage,
    onNote: (message: string) => void,
    signal: AbortSignal,
  ): AsyncIterable<ProgramFile> {
    const [platform] = image.platforms;
    if (platform === undefined) return;
    const subject = image.use.normalized;
    const entrypoints = await this.#readEntrypoints(image, platform.config, signal);
    const hidden = new HiddenPaths();
    for (const layer of platform.layers.toReversed()) {
      const source = image.sources.get(layer.digest);
      if (source === undefined) continue;
      try {
        yield* this.#readLayer({ descriptor: layer, source, image: subject }, entrypoints, hidden, signal);
      } catch (cause) {
        signal.throwIfAborted();
        if (!(cause instanceof ViolaError)) {
          const why = cause instanceof Error ? cause.message : String(cause);
          throw new ViolaError(
            "IMAGE_UNSUPPORTED",
            `${subject}: layer ${layer.digest} cannot be read: ${why}`,
            {
              subject,
              cause,
            },
          );
        }
        if (cause.code !== "IMAGE_UNSUPPORTED") throw cause;
        onNote(cause.hint === undefined ? cause.message : `${cause.message}. ${cause.hint}`);
      }
      hidden.endLayer();
    }
  }

  /**
   * Returns whether the registry or one of its mirrors has the manifest of a reference. Returns
   * undefined when access is denied, because many registries respond with "denied" for images that
   * do not exist.
   * Throws `REGISTRY_UNAVAILABLE` when none of them could be reached.
   */
  async hasImage(text: string, signal: AbortSignal): Promise<boolean | undefined> {
    const reference = parseReference(text);
    try {
      await this.#registry.pull.fetchManifest(
        { registry: reference.registry, repository: reference.repository },
        reference.digest ?? reference.tag ?? "latest",
        formatReference(reference),
        signal,
      );
      return true;
    } catch (cause) {
      signal.throwIfAborted();
      if (!(cause instanceof ViolaError)) throw cause;
      if (cause.code === "REGISTRY_UNAVAILABLE") throw cause;
      return cause.code === "IMAGE_NOT_FOUND" ? false : undefined;
    }
  }

  async *#readLayer(
    layer: ImageBlob,
    entrypoints: ReadonlySet<string>,
    hidden: HiddenPaths,
    signal: AbortSignal,
  ): AsyncIterable<ProgramFile> {
    const tar = extract();
    const stream = openLayer(layer, this.#registry, signal);
    stream.on("error", (cause) => {
      tar.destroy(cause);
    });
    stream.pipe(tar);
    try {
      for await (const entry of tar) {
        signal.throwIfAborted();
        const file = await readEntry(entry, entrypoints, hidden);
        entry.resume();
        if (file !== undefined) yield* unpackArchive(file);
      }
    } finally {
      stream.destroy();
    }
  }

  async #readEntrypoints(
    image: ResolvedImage,
    config: Descriptor,
    signal: AbortSignal,
  ): Promise<ReadonlySet<string>> {
    const source = image.sources.get(config.digest);
    const bytes =
      source?.kind === "registry"
        ? await this.#registry.pull.readBlob(source, config, image.use.normalized, signal)
        : source && (await readFileRange(source.file, source.offset, config.size));
    const parsed = configSchema.safeParse(bytes && parseJson(bytes));
    const { Entrypoint, Cmd } = parsed.data?.config ?? {};
    return new Set(
      [...(Entrypoint ?? []), ...(Cmd ?? [])]
        .filter((word) => /^[\w./-]+$/.test(word))
        .map((word) => basename(word)),
    );
  }
}

/** The paths that a higher layer has replaced or removed. */
class HiddenPaths {
  readonly #older = new Set<string>();
  #fresh: string[] = [];

  /** True when a higher layer hides the path or one of its parent folders. */
  has(path: string): boolean {
    if (this.#older.has(path)) return true;
    for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1)) {
      if (this.#older.has(`${path.slice(0, end)}/`)) return true;
    }
    return this.#older.has("/");
  }

  /** Records an entry of the current layer. It does not hide entries of the same layer. */
  add(path: string, isFolder: boolean): void {
    const name = posix.basename(path);
    const folder = path.slice(0, path.length - name.length);
    if (name === OPAQUE) this.#fresh.push(folder === "" ? "/" : folder);
    else if (name.startsWith(WHITEOUT)) {
      const gone = `${folder}${name.slice(WHITEOUT.length)}`;
      this.#fresh.push(gone, `${gone}/`);
    } else if (!isFolder) this.#fresh.push(path, `${path}/`);
  }

  endLayer(): void {
    for (const path of this.#fresh) this.#older.add(path);
    this.#fresh = [];
  }
}

/** Returns the file when it may be a program. The caller skips the rest of the entry. */
async function readEntry(
  entry: TarEntry,
  entrypoints: ReadonlySet<string>,
  hidden: HiddenPaths,
): Promise<ProgramFile | undefined> {
  const { name, type, size, mode } = entry.header;
  const path = posix.join("/", name).slice(1).replace(/\/$/, "");
  const isHidden = hidden.has(path);
  hidden.add(path, type === "directory");
  if (isHidden || (type !== "file" && type !== "contiguous-file")) return undefined;
  const isEntrypoint = entrypoints.has(posix.basename(path));
  if (!mayBeProgram({ path, size, isExecutable: (mode & 0o111) !== 0, isEntrypoint })) return undefined;

  // The entry must be read to its end, because leaving the loop early would destroy the tar stream.
  let bytes: Buffer | undefined = Buffer.allocUnsafeSlow(size);
  let filled = 0;
  let isChecked = false;
  for await (const part of entry) {
    if (bytes === undefined) continue;
    filled += (part as Buffer).copy(bytes, filled);
    if (isChecked || filled < Math.min(size, START_BYTES)) continue;
    isChecked = true;
    if (!isReadable(path, bytes)) bytes = undefined;
  }
  return bytes && { path, bytes, isEntrypoint };
}

/** Yields the entries of an archive, or the file itself. Yields nothing for an invalid archive. */
async function* unpackArchive(file: ProgramFile): AsyncIterable<ProgramFile> {
  if (!isProgramArchive(file.path)) {
    yield file;
    return;
  }
  try {
    for await (const { path, bytes } of readArchiveEntries(file.bytes)) {
      yield { path: `${file.path}!${path}`, bytes, isEntrypoint: file.isEntrypoint };
    }
  } catch (cause) {
    if (!(cause instanceof Error) || cause instanceof ViolaError) throw cause;
  }
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}
