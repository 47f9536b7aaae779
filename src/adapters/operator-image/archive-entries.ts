// Reads the entries of a Java archive in memory, including those of nested archives.
import { inflateRawSync } from "node:zlib";
import { fromBuffer, type Entry, type ZipFile } from "yauzl";
import { isProgramArchive, isProgramEntry } from "../../core/finding/program/program-file.js";

/** An entry. The path of an entry in a nested archive is `ARCHIVE!ENTRY`. */
export interface ArchiveEntry {
  readonly path: string;
  readonly bytes: Buffer;
}

const STORED = 0;
const DEFLATED = 8;
/**
 * Size of the fixed part of a local header. The name and the extra field follow it.
 * https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, 4.3.7
 */
const LOCAL_HEADER_BYTES = 30;
/** A small archive can declare very large entries, so the size of a nested archive is limited. */
const LARGEST_NESTED = 64 * 1024 * 1024;
const MOST_ENTRIES = 50_000;

/**
 * Yields the entries that may be programs. Skips entries that are damaged, encrypted or compressed
 * with another method than deflate.
 * Throws yauzl's error when the bytes are not a zip archive.
 */
export async function* readArchiveEntries(bytes: Buffer, isNested = false): AsyncIterable<ArchiveEntry> {
  for (const entry of await listEntries(bytes)) {
    const { fileName: path, uncompressedSize } = entry;
    const isArchive = !isNested && isProgramArchive(path) && uncompressedSize <= LARGEST_NESTED;
    if (!isArchive && !isProgramEntry(path, uncompressedSize)) continue;
    const content = readEntry(bytes, entry);
    if (content === undefined) continue;
    if (!isArchive) yield { path, bytes: content };
    else {
      for await (const inner of readArchiveEntries(content, true)) {
        yield { path: `${path}!${inner.path}`, bytes: inner.bytes };
      }
    }
  }
}

async function listEntries(bytes: Buffer): Promise<readonly Entry[]> {
  const zip = await new Promise<ZipFile>((resolve, reject) => {
    fromBuffer(bytes, { lazyEntries: true }, (cause, file) => {
      if (cause === null) resolve(file);
      else reject(cause);
    });
  });
  return new Promise((resolve, reject) => {
    const entries: Entry[] = [];
    zip.on("entry", (entry: Entry) => {
      entries.push(entry);
      if (entries.length === MOST_ENTRIES) resolve(entries);
      else zip.readEntry();
    });
    zip.on("end", () => {
      resolve(entries);
    });
    zip.on("error", reject);
    zip.readEntry();
  });
}

/** Inflates synchronously. A stream for each of ten thousand classes takes twenty times as long. */
function readEntry(bytes: Buffer, entry: Entry): Buffer | undefined {
  const at = entry.relativeOffsetOfLocalHeader;
  if (entry.isEncrypted() || at + LOCAL_HEADER_BYTES > bytes.length) return undefined;
  const start = at + LOCAL_HEADER_BYTES + bytes.readUInt16LE(at + 26) + bytes.readUInt16LE(at + 28);
  const packed = bytes.subarray(start, start + entry.compressedSize);
  if (entry.compressionMethod === STORED) return packed;
  if (entry.compressionMethod !== DEFLATED) return undefined;
  try {
    return inflateRawSync(packed, { maxOutputLength: entry.uncompressedSize });
  } catch {
    return undefined;
  }
}
