// Generates gzip layers of any size quickly: tar entries of text and noise, from precompressed
// parts.
import { createCipheriv, createHash, type Hash } from "node:crypto";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { constants, crc32, deflateRawSync } from "node:zlib";
import { digestFromHex, type Digest } from "../../src/core/oci/digest.js";

/** A description of a layer. The same seed and size give the same bytes, so images can share it. */
export interface LayerOptions {
  readonly seed: string;
  /** Approximate size of the gzip file in bytes. */
  readonly bytes: number;
}

/** A generated layer. Its gzip file is in the blob folder under its digest. */
export interface MadeLayer {
  readonly digest: Digest;
  readonly size: number;
  /** sha256 of the uncompressed tar. */
  readonly diffId: string;
  readonly uncompressedSize: number;
}

const BLOCK = 512;
const TEXT_BYTES = 64 * 1024;
/**
 * Noise after each piece of text, so that the compression ratio is about 1.5, as in real layers.
 */
const NOISE_BYTES = 72 * 1024;
const PIECES_PER_FILE = 4;
const STORED_LIMIT = 65_535;

/** Tar bytes, and the same as byte-aligned deflate blocks without references to earlier data. */
interface Piece {
  readonly raw: Buffer;
  readonly deflated: readonly Buffer[];
}

/**
 * Generates a layer in `folder/sha256/HEX`, or returns the existing one.
 * The bytes depend only on the seed, the size and the zlib version of Node.
 */
export function makeLayer(folder: string, options: LayerOptions): MadeLayer {
  mkdirSync(join(folder, "sha256"), { recursive: true });
  mkdirSync(join(folder, "layers"), { recursive: true });
  const name = createHash("sha256")
    .update(`1 ${process.versions.zlib} ${options.bytes} ${options.seed}`)
    .digest("hex");
  const record = join(folder, "layers", `${name}.json`);
  if (existsSync(record)) return JSON.parse(readFileSync(record, "utf8")) as MadeLayer;

  const unfinished = join(folder, `${name}.${process.pid}.part`);
  const layer = writeLayer(unfinished, options);
  renameSync(unfinished, blobPath(folder, layer.digest));
  writeFileSync(`${record}.${process.pid}`, JSON.stringify(layer));
  renameSync(`${record}.${process.pid}`, record);
  return layer;
}

/** Returns the path of a blob in a blob folder. */
export function blobPath(folder: string, digest: string): string {
  return join(folder, digest.replace(":", "/"));
}

function writeLayer(file: string, options: LayerOptions): MadeLayer {
  const outer = createHash("sha256");
  const inner = createHash("sha256");
  const descriptor = openSync(file, "w");
  let size = 0;
  let uncompressedSize = 0;
  let crc = 0;
  const write = (bytes: Buffer): void => {
    outer.update(bytes);
    size += writeSync(descriptor, bytes);
  };
  const add = ({ raw, deflated }: Piece): void => {
    inner.update(raw);
    crc = crc32(raw, crc);
    uncompressedSize += raw.length;
    deflated.forEach(write);
  };

  try {
    write(Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]));
    for (const piece of tarPieces(options, () => size)) add(piece);
    // An empty last block, then CRC and length (RFC 1951 3.2.4, RFC 1952 2.3.1).
    const trailer = Buffer.from([1, 0, 0, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0]);
    trailer.writeUInt32LE(crc, 5);
    trailer.writeUInt32LE(uncompressedSize % 2 ** 32, 9);
    write(trailer);
  } finally {
    closeSync(descriptor);
  }
  const text = (hash: Hash): Digest => digestFromHex(hash.digest("hex"));
  return { digest: text(outer), size, diffId: text(inner), uncompressedSize };
}

/** Yields the tar of a layer. `written` returns the number of gzip bytes so far. */
function* tarPieces(options: LayerOptions, written: () => number): Generator<Piece> {
  const noise = noiseFrom(options.seed);
  const folder = `opt/${createHash("sha256").update(options.seed).digest("hex").slice(0, 8)}/`;
  yield stored(Buffer.concat([header("opt/", 0), header(folder, 0)]));
  const perPiece = NOISE_BYTES + TEXT_BYTES / 4;
  for (let file = 0; written() < options.bytes; file++) {
    const left = options.bytes - written();
    const name = `${folder}file-${String(file).padStart(6, "0")}`;
    if (left < perPiece) {
      // The rest is only noise, so that the result is close to the requested size.
      const length = Math.max(1, left - 3 * BLOCK);
      yield stored(Buffer.concat([header(name, length), noise(length), Buffer.alloc(-length & (BLOCK - 1))]));
      break;
    }
    const pieces = Math.min(PIECES_PER_FILE, Math.floor(left / perPiece));
    yield stored(header(name, pieces * (TEXT_BYTES + NOISE_BYTES)));
    for (let piece = 0; piece < pieces; piece++) {
      yield TEXTS[(noise(1)[0] ?? 0) % TEXTS.length] as Piece;
      yield stored(noise(NOISE_BYTES));
    }
  }
  yield stored(Buffer.alloc(2 * BLOCK));
}

/** Returns the bytes as stored blocks of deflate (RFC 1951 3.2.4), which need no compression. */
function stored(raw: Buffer): Piece {
  const deflated: Buffer[] = [];
  for (let start = 0; start < raw.length; start += STORED_LIMIT) {
    const part = raw.subarray(start, start + STORED_LIMIT);
    const head = Buffer.alloc(5);
    head.writeUInt16LE(part.length, 1);
    head.writeUInt16LE(part.length ^ 0xffff, 3);
    deflated.push(head, part);
  }
  return { raw, deflated };
}

/** A source of incompressible bytes from a seed. AES in counter mode is the fastest in Node. */
function noiseFrom(seed: string): (length: number) => Buffer {
  const key = createHash("sha256").update(seed).digest();
  const cipher = createCipheriv("aes-128-ctr", key.subarray(0, 16), key.subarray(16));
  return (length) => cipher.update(Buffer.alloc(length));
}

/** Pieces of text that are compressed only once, because compression takes the most time. */
const TEXTS: readonly Piece[] = Array.from({ length: 8 }, (_, number) => {
  const noise = noiseFrom(`text ${number}`);
  const words = Array.from({ length: 600 }, () => noise(5).toString("base64url").slice(0, 7));
  let text = "";
  while (text.length < TEXT_BYTES) text += `${words[noise(2).readUInt16LE() % words.length] ?? ""} `;
  const raw = Buffer.from(text.slice(0, TEXT_BYTES));
  return { raw, deflated: [deflateRawSync(raw, { level: 6, finishFlush: constants.Z_FULL_FLUSH })] };
});

/** A ustar header; a name that ends in `/` is a folder. */
function header(name: string, size: number): Buffer {
  const bytes = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, length: number): void => {
    bytes.write(`${value.toString(8).padStart(length - 1, "0")}\0`, at);
  };
  bytes.write(name, 0);
  octal(name.endsWith("/") ? 0o755 : 0o644, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(size, 124, 12);
  octal(1_700_000_000, 136, 12);
  bytes.write("        ", 148);
  bytes.write(name.endsWith("/") ? "5" : "0", 156);
  bytes.write("ustar\0" + "00", 257);
  octal(
    bytes.reduce((sum, byte) => sum + byte, 0),
    148,
    7,
  );
  return bytes;
}
