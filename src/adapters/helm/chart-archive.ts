// Reads, unpacks and writes chart archives (.tgz). Unpacking is safe for untrusted archives, and
// packing is reproducible.
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { Readable } from "node:stream";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join, posix } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGunzip, createGzip } from "node:zlib";
import { extract, pack } from "tar-stream";
import type { ChartText } from "../../core/charts/chart.js";
import { digestFromHex, type Digest } from "../../core/oci/digest.js";
import { isBug, ViolaError } from "../../errors.js";

/** A file of an archive. `path` is normalized and relative to the root of the archive. */
export interface ArchivedFile {
  readonly path: string;
  readonly bytes: Buffer;
}

/**
 * The limit of Helm for all files of a chart (MaxDecompressedChartSize in pkg/chart/loader/archive,
 * since 3.17.3). Its limit of 5 MiB for one file is left to the helm that is used.
 */
const MAX_CHART_BYTES = 100 * 1024 * 1024;
/** Every entry costs memory besides its content. Large charts have a thousand. */
const MAX_ENTRIES = 20_000;
/** Handing over small chunks takes longer than the rest of packing without compression. */
const CHUNK_BYTES = 1 << 20;

/** What may still be read of an archive, and of the archives in it. */
interface Allowance {
  bytes: number;
  entries: number;
}

/**
 * Returns the name of the folder that contains the chart. Throws `CHART_UNAVAILABLE` when the archive
 * does not contain exactly one folder with one chart.
 */
export function chartFolderIn(files: readonly ArchivedFile[], archive: string): string {
  const tops = new Set(files.map(({ path }) => path.split("/")[0] ?? ""));
  const [top] = tops;
  if (top === undefined || tops.size !== 1 || !files.some(({ path }) => path === `${top}/Chart.yaml`)) {
    throw unusable(archive, "does not contain exactly one folder with a Chart.yaml");
  }
  return top;
}

/**
 * Writes files of a chart archive to `folder` and returns the folder of the chart. Throws the error
 * of `chartFolderIn`.
 */
export async function unpackChart(
  files: readonly ArchivedFile[],
  archive: string,
  folder: string,
): Promise<string> {
  const top = chartFolderIn(files, archive);
  for (const { path, bytes } of files) {
    const target = join(folder, path);
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, bytes);
  }
  return join(folder, top);
}

/**
 * Returns the text of the Chart.yaml of a chart archive. Throws `CHART_UNAVAILABLE` without one.
 */
export function chartYamlIn(files: readonly ArchivedFile[], archive: string): string {
  const chartYaml = files.find(({ path }) => /^[^/]+\/Chart\.yaml$/.test(path));
  if (chartYaml === undefined) throw unusable(archive, "has no Chart.yaml");
  return chartYaml.bytes.toString("utf8");
}

/**
 * Returns the files whose paths match, including those in the archives of a `charts` folder. These
 * archives may have as many bytes as the chart.
 */
export function textsIn(
  files: readonly ArchivedFile[],
  archive: string,
  isWanted: (path: string) => boolean,
): Promise<readonly ChartText[]> {
  return collectTexts(files, archive, isWanted, newAllowance());
}

/**
 * Returns the files of the packaged chart whose paths match, as `textsIn`. `name` is for messages.
 * Throws `CHART_UNAVAILABLE` for an invalid archive.
 */
export async function readChartTexts(
  bytes: Uint8Array,
  name: string,
  isWanted: (path: string) => boolean,
): Promise<readonly ChartText[]> {
  const allowance = newAllowance();
  const files = await collectFiles(entriesOf(name, Readable.from([bytes]), allowance));
  return collectTexts(files, name, isWanted, allowance);
}

async function collectTexts(
  files: readonly ArchivedFile[],
  archive: string,
  isWanted: (path: string) => boolean,
  allowance: Allowance,
): Promise<readonly ChartText[]> {
  const texts: ChartText[] = [];
  for (const { path, bytes } of files) {
    if (/\/charts\/[^/]+\.tgz$/.test(path)) {
      const inner = await collectFiles(entriesOf(`${archive}/${path}`, Readable.from([bytes]), allowance));
      const folder = posix.dirname(path);
      for (const { path: innerPath, text } of await collectTexts(
        inner,
        `${archive}/${path}`,
        isWanted,
        allowance,
      )) {
        texts.push({ path: posix.join(folder, innerPath), text });
      }
    } else if (isWanted(path)) {
      texts.push({ path, text: bytes.toString("utf8") });
    }
  }
  return texts;
}

/** How an archive is written: level 0 takes a fraction of the time, 9 makes the smallest file. */
export interface PackOptions {
  readonly level: 0 | 9;
  readonly signal: AbortSignal;
}

/**
 * Writes a reproducible archive to `target`: files are sorted, and times, owners and modes are fixed.
 */
export async function packFiles(
  files: readonly ArchivedFile[],
  target: string,
  { level, signal }: PackOptions,
): Promise<void> {
  const tar = pack();
  let size = 0;
  const watched = async function* (zipped: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
    for await (const chunk of zipped) {
      // This byte is the operating system (RFC 1952, 2.3.1). 255 means "unknown".
      if (size <= OS_AT && size + chunk.length > OS_AT) chunk[OS_AT - size] = 255;
      size += chunk.length;
      yield chunk;
    }
  };
  const writing = pipeline(
    tar,
    createGzip({ level, chunkSize: CHUNK_BYTES }),
    watched,
    createWriteStream(target),
    { signal },
  );
  for (const { path, bytes } of files.toSorted((one, other) => (one.path < other.path ? -1 : 1))) {
    const header = { name: path, mode: 0o644, uid: 0, gid: 0, uname: "", gname: "", mtime: new Date(0) };
    // After an interruption, every entry that was not written fails, too. `writing` throws the error.
    tar.entry(header, bytes).on("error", () => undefined);
  }
  tar.finalize();
  await writing;
}

const OS_AT = 9;

/** Returns a digest of the paths and contents, which does not depend on the archive. */
export function contentDigest(files: readonly ArchivedFile[]): Digest {
  const hash = createHash("sha256");
  for (const { path, bytes } of files.toSorted((one, other) => (one.path < other.path ? -1 : 1))) {
    hash.update(`${path}\0${bytes.length}\0`).update(bytes);
  }
  return digestFromHex(hash.digest("hex"));
}

/**
 * Returns the files of a chart folder with their paths in a chart archive. Throws `CHART_UNAVAILABLE`
 * when they have more than 100 MiB.
 */
export async function readChartFolder(folder: string): Promise<readonly ArchivedFile[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const allowance = newAllowance();
  const files: ArchivedFile[] = [];
  for (const entry of entries.filter((one) => one.isFile())) {
    const file = join(entry.parentPath, entry.name);
    spend(allowance, (await stat(file)).size, folder);
    files.push({
      path: posix.join(basename(folder), file.slice(folder.length + 1)),
      bytes: await readFile(file),
    });
  }
  return files;
}

/**
 * Reads an archive that `helm package` wrote. Helm writes each subchart to `charts/NAME`, so two
 * versions of the same chart, which two aliases may require, have the same path (Save in
 * pkg/chartutil of Helm 3.17 and 4.1). This function moves the second version to another folder, so
 * that the package renders like the chart folder.
 */
export async function readHelmPackage(file: string): Promise<readonly ArchivedFile[]> {
  const files: ArchivedFile[] = [];
  const folders = new Set<string>();
  const moves = new Map<string, string>();
  for await (const { path, bytes } of entriesOf(file)) {
    const place = moved(path, moves);
    // Helm writes Chart.yaml before the other files of a chart.
    const folder = /^(.+\/charts\/[^/]+)\/Chart\.yaml$/.exec(place)?.[1];
    if (folder !== undefined && folders.has(folder)) {
      let other = 2;
      while (folders.has(`${folder}-${other}`)) other++;
      moves.set(folder, `${folder}-${other}`);
    }
    const free = moved(place, moves);
    folders.add(posix.dirname(free));
    files.push({ path: free, bytes });
  }
  return files;
}

function moved(path: string, moves: ReadonlyMap<string, string>): string {
  let place = path;
  for (const [from, to] of moves) if (place.startsWith(`${from}/`)) place = to + place.slice(from.length);
  return place;
}

/**
 * Returns the files of an archive. When two have the same path, returns the last one. Throws
 * `CHART_UNAVAILABLE` for an invalid archive.
 */
export function readArchive(file: string): Promise<readonly ArchivedFile[]> {
  return collectFiles(entriesOf(file));
}

async function collectFiles(entries: AsyncIterable<ArchivedFile>): Promise<readonly ArchivedFile[]> {
  const files = new Map<string, ArchivedFile>();
  for await (const entry of entries) files.set(entry.path, entry);
  return [...files.values()];
}

async function* entriesOf(
  file: string,
  content: Readable = createReadStream(file),
  allowance: Allowance = newAllowance(),
): AsyncGenerator<ArchivedFile> {
  const entries = extract();
  try {
    const reading = pipeline(content, createGunzip({ chunkSize: CHUNK_BYTES }), entries);
    // The loop below throws the same error.
    reading.catch(() => undefined);
    for await (const entry of entries) {
      const { name, type, size } = entry.header;
      const path = posix.normalize(name);
      if (posix.isAbsolute(path) || path === ".." || path.startsWith("../") || name.includes("\\")) {
        throw unusable(file, `has an entry with a path outside its folder: ${name}`);
      }
      if (type === "symlink" || type === "link") throw unusable(file, `has a link: ${name}`);
      spend(allowance, size, file);
      const bytes = Buffer.alloc(size);
      let filled = 0;
      for await (const chunk of entry) filled += (chunk as Buffer).copy(bytes, filled);
      if (type === "file" || type === "contiguous-file") yield { path, bytes };
    }
    await reading;
  } catch (cause) {
    if (cause instanceof ViolaError || isBug(cause)) throw cause;
    throw unusable(
      file,
      `cannot be read as a chart archive: ${cause instanceof Error ? cause.message : String(cause)}`,
      cause,
    );
  }
}

function newAllowance(): Allowance {
  return { bytes: MAX_CHART_BYTES, entries: MAX_ENTRIES };
}

/** Subtracts one entry. Throws `CHART_UNAVAILABLE` when that is more than is left. */
function spend(allowance: Allowance, bytes: number, file: string): void {
  allowance.bytes -= bytes;
  allowance.entries--;
  if (allowance.bytes < 0) throw unusable(file, `has files of more than ${MAX_CHART_BYTES} bytes`);
  if (allowance.entries < 0) throw unusable(file, `has more than ${MAX_ENTRIES} entries`);
}

function unusable(file: string, what: string, cause?: unknown): ViolaError {
  return new ViolaError("CHART_UNAVAILABLE", `${file} ${what}`, { subject: file, cause });
}
