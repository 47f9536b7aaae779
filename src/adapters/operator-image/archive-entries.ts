// Entries of Java archives that lie in memory, archives inside of archives included.
import { inflateRawSync } from "node:zlib";
import { fromBuffer, type Entry, type ZipFile } from "yauzl";
import { isProgramArchive, isProgramEntry } from "../../core/finding/program/program-file.js";

/** One entry; an archive in an archive puts its own path and `!` in front. */
export interface ArchiveEntry {
  readonly path: string;
  readonly bytes: Buffer;
}

const STORED = 0;
const DEFLATED = 8;
/** https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, 4.3.7: name and extra field follow the fixed part of a local header. */
const LOCAL_HEADER_BYTES = 30;
/** An archive is as large as an image's file may be; what it claims to hold may not be a thousand times that. */
const LARGEST_NESTED = 64 * 1024 * 1024;
const MOST_ENTRIES = 50_000;

/**
 * Yields the entries that are worth reading. One that is damaged, encrypted or compressed in another way than with deflate is left out.
 * Throws yauzl's error when the bytes are no zip archive.
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

/** Inflates in place: a stream for each of ten thousand classes takes twenty times as long. */
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
