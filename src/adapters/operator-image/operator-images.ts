// Reads the programs in an operator's image. Streams the layers, the topmost first, and reads the
// files that are visible in a container.
import { randomUUID } from "node:crypto";
import { readSync } from "node:fs";
import { open, rm, type FileHandle } from "node:fs/promises";
import { basename, join, posix } from "node:path";
import { extract, type Extract as TarExtract } from "tar-stream";
import * as z from "zod";
import { isElf, type FileBytes } from "../../core/finding/program/elf.js";
import {
  describeUnreadable,
  isProgramArchive,
  isReadable,
  LARGEST_PROGRAM,
  mayBeProgram,
  type ProgramFile,
} from "../../core/finding/program/program-file.js";
import { formatReference, parseReference } from "../../core/images/reference.js";
import type { ResolvedImage } from "../../core/images/resolved-image.js";
import type { Descriptor } from "../../core/oci/descriptor.js";
import { readJson } from "../../core/parse-json.js";
import { ViolaError } from "../../errors.js";
import type { ImageBlob } from "../blobs/stream-blob.js";
import { readFileRange } from "../files/read-range.js";
import { readArchiveEntries } from "./archive-entries.js";
import { openLayer, type LayerPorts } from "./layer-stream.js";

/** https://github.com/opencontainers/image-spec/blob/main/config.md */
const configSchema = z.object({
  config: z
    .object({
      Entrypoint: z.array(z.string()).nullish(),
      Cmd: z.array(z.string()).nullish(),
      Env: z.array(z.string()).nullish(),
    })
    .nullish(),
});

/** https://github.com/opencontainers/image-spec/blob/main/layer.md#whiteouts */
const WHITEOUT = ".wh.";
const OPAQUE = ".wh..wh..opq";
/** The number of bytes that identify a program. */
const START_BYTES = 4;
/** Larger programs are read from a temporary file, so that memory does not grow with them. */
const LARGEST_IN_MEMORY = 32 * 1024 * 1024;

/** An entry of a layer. It must be read to its end or resumed before the next entry. */
type TarEntry = TarExtract extends AsyncIterable<infer Entry> ? Entry : never;

/** Where images come from, and where large programs are written to. */
export interface OperatorImagePorts extends LayerPorts {
  /** An existing folder that is removed when the command ends. */
  readonly temporaryFolder: string;
}

/** How one image is read. */
interface Reading {
  readonly subject: string;
  /** Names of the files that the image starts. */
  readonly entrypoints: ReadonlySet<string>;
  readonly hidden: HiddenPaths;
  readonly onNote: (message: string) => void;
}

/** Reads operators' images from registries, and from files that a Docker engine saved. */
export class OperatorImages {
  readonly #ports: OperatorImagePorts;

  constructor(ports: OperatorImagePorts) {
    this.#ports = ports;
  }

  /**
   * Yields the files of the image's first platform that may be programs. A file can be read until
   * the next one is requested, so that only one is kept. Calls `onNote` for each layer and each
   * program that is skipped. Throws the error of the source of a layer, or the signal's reason.
   */
  async *readPrograms(
    image: ResolvedImage,
    onNote: (message: string) => void,
    signal: AbortSignal,
  ): AsyncIterable<ProgramFile> {
    const [platform] = image.platforms;
    if (platform === undefined) return;
    const subject = image.use.normalized;
    const { entrypoints, environment } = await this.#readConfig(image, platform.config, signal);
    if (environment.length > 0) {
      const bytes = Buffer.from(environment.join("\n"));
      yield { path: "environment", bytes, isEntrypoint: false, isEnvironment: true };
    }
    const hidden = new HiddenPaths();
    const reading = { subject, entrypoints, hidden, onNote };
    for (const layer of platform.layers.toReversed()) {
      const source = image.sources.get(layer.digest);
      if (source === undefined) continue;
      try {
        yield* this.#readLayer({ descriptor: layer, source, image: subject }, reading, signal);
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
      await this.#ports.registry.pull.checkManifest(
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

  async *#readLayer(layer: ImageBlob, reading: Reading, signal: AbortSignal): AsyncIterable<ProgramFile> {
    const tar = extract();
    const stream = await openLayer(layer, this.#ports, signal);
    stream.on("error", (cause) => {
      tar.destroy(cause);
    });
    stream.pipe(tar);
    try {
      for await (const entry of tar) {
        signal.throwIfAborted();
        const file = await this.#readEntry(entry, reading);
        entry.resume();
        if (file === undefined) continue;
        try {
          yield* unpackArchive(file);
        } finally {
          await file.remove?.();
        }
      }
    } finally {
      stream.destroy();
    }
  }

  /** Returns the file when it may be a program. The caller skips the rest of the entry. */
  async #readEntry(
    entry: TarEntry,
    { subject, entrypoints, hidden, onNote }: Reading,
  ): Promise<ReadFile | undefined> {
    const { name, type, size, mode } = entry.header;
    const path = posix.join("/", name).slice(1).replace(/\/$/, "");
    const isHidden = hidden.has(path);
    hidden.add(path, type === "directory");
    if (isHidden || (type !== "file" && type !== "contiguous-file")) return undefined;
    const isEntrypoint = entrypoints.has(posix.basename(path));
    if (!mayBeProgram({ path, size, isExecutable: (mode & 0o111) !== 0, isEntrypoint })) return undefined;

    // The entry must be read to its end, because leaving the loop early would destroy the tar stream.
    const content = new EntryContent(size, this.#ports.temporaryFolder);
    let start = Buffer.alloc(0);
    let reason: string | undefined;
    for await (const part of entry) {
      if (reason !== undefined) continue;
      const chunk = part as Buffer;
      if (start.length < START_BYTES) {
        start = Buffer.concat([start, chunk.subarray(0, START_BYTES)]);
        if (start.length >= Math.min(size, START_BYTES)) {
          if (!isReadable(path, start)) reason = describeUnreadable(start);
          else if (size > (isElf(start) ? LARGEST_PROGRAM : LARGEST_IN_MEMORY))
            reason = `is too large: ${size} bytes`;
        }
      }
      if (reason === undefined) await content.add(chunk);
    }
    if (reason === undefined) return { ...content.finish(), path, isEntrypoint };
    if (isEntrypoint || size > LARGEST_IN_MEMORY) onNote(`${subject}: its program ${path} ${reason}`);
    await content.discard();
    return undefined;
  }

  async #readConfig(
    image: ResolvedImage,
    config: Descriptor,
    signal: AbortSignal,
  ): Promise<{ readonly entrypoints: ReadonlySet<string>; readonly environment: readonly string[] }> {
    const source = image.sources.get(config.digest);
    const bytes =
      source?.kind === "registry"
        ? await this.#ports.registry.pull.readBlob(source, config, image.use.normalized, signal)
        : source && (await readFileRange(source.file, source.offset, config.size));
    const parsed = configSchema.safeParse(bytes && readJson(new TextDecoder().decode(bytes)));
    const { Entrypoint, Cmd, Env } = parsed.data?.config ?? {};
    const words = [...(Entrypoint ?? []), ...(Cmd ?? [])].filter((word) => /^[\w./-]+$/.test(word));
    return { entrypoints: new Set(words.map((word) => basename(word))), environment: Env ?? [] };
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

/** A file, and how to remove its temporary copy. */
interface ReadFile extends ProgramFile {
  readonly remove?: () => Promise<void>;
}

/** Collects the content of an entry in memory, or in a temporary file when it is large. */
class EntryContent {
  readonly #size: number;
  readonly #file: string;
  readonly #bytes: Buffer;
  #filled = 0;
  #output: FileHandle | undefined;

  constructor(size: number, folder: string) {
    this.#size = size;
    this.#file = join(folder, randomUUID());
    this.#bytes = Buffer.allocUnsafeSlow(size > LARGEST_IN_MEMORY ? 0 : size);
  }

  async add(chunk: Buffer): Promise<void> {
    if (this.#size > LARGEST_IN_MEMORY) {
      this.#output ??= await open(this.#file, "w+");
      await this.#output.writeFile(chunk);
    } else this.#filled += chunk.copy(this.#bytes, this.#filled);
  }

  finish(): Pick<ReadFile, "bytes" | "remove"> {
    const output = this.#output;
    if (output === undefined) return { bytes: this.#bytes };
    return { bytes: readFrom(output, this.#size), remove: () => this.discard() };
  }

  async discard(): Promise<void> {
    await this.#output?.close();
    this.#output = undefined;
    await rm(this.#file, { force: true });
  }
}

function readFrom({ fd }: FileHandle, size: number): FileBytes {
  return {
    size,
    read: (start, end, into) => {
      const length = Math.max(0, Math.min(end, size) - start);
      const bytes = into === undefined ? Buffer.allocUnsafe(length) : into.subarray(0, length);
      let filled = 0;
      while (filled < bytes.length) {
        const count = readSync(fd, bytes, filled, bytes.length - filled, start + filled);
        if (count === 0) break;
        filled += count;
      }
      return bytes.subarray(0, filled);
    },
  };
}

/** Yields the entries of an archive, or the file itself. Yields nothing for an invalid archive. */
async function* unpackArchive(file: ProgramFile): AsyncIterable<ProgramFile> {
  if (!isProgramArchive(file.path) || !Buffer.isBuffer(file.bytes)) {
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
