// Tar headers with fixed metadata, so that builds are reproducible, and a strict parser for them.
import { ViolaError } from "../../errors.js";
import { BUNDLE_PATH } from "../name-patterns.js";
import { isExecutable } from "./paths.js";

export const TAR_BLOCK = 512;
/** Size of the end of an archive, which is two blocks of zeros. */
export const TAR_END = 2 * TAR_BLOCK;
const NAME_LENGTH = 100;
const PREFIX_AT = 345;
const PREFIX_LENGTH = 155;
const SIZE_AT = 124;
const SIZE_LENGTH = 12;
const CHECKSUM_AT = 148;
const OCTAL_SIZE_LIMIT = 8 ** 11;

/** Returns the size of the content of an entry with its padding, without its header. */
export function paddedSize(size: number): number {
  return Math.ceil(size / TAR_BLOCK) * TAR_BLOCK;
}

/**
 * Returns the ustar header of a regular file: mode 0644 (0755 for programs), owner 0, time 0. A
 * size of 8 GiB or more is written in base 256, which GNU tar, bsdtar, busybox, Go and Node
 * support. busybox ignores sizes in PAX headers.
 * https://www.gnu.org/software/tar/manual/html_node/Extensions.html
 */
export function formatTarHeader(name: string, size: number): Buffer {
  const header = Buffer.alloc(TAR_BLOCK);
  const [prefix, rest] = splitName(name);
  header.write(rest, 0);
  header.write(prefix, PREFIX_AT);
  header.write(isExecutable(name) ? "0000755\0" : "0000644\0", 100);
  header.write("0000000\0", 108);
  header.write("0000000\0", 116);
  if (size < OCTAL_SIZE_LIMIT) {
    header.write(`${size.toString(8).padStart(11, "0")}\0`, SIZE_AT);
  } else {
    header.writeBigUInt64BE(BigInt(size), SIZE_AT + 4);
    header[SIZE_AT] = 0x80;
  }
  header.write("00000000000\0", 136);
  header.write("0", 156);
  header.write("ustar\u000000", 257);
  header.write(`${checksumOf(header).toString(8).padStart(6, "0")}\0 `, CHECKSUM_AT);
  return header;
}

/** The name and size in a header. */
export interface TarEntry {
  readonly name: string;
  readonly size: number;
}

/**
 * Parses a header written by `formatTarHeader`. Returns undefined for a block of zeros. Throws
 * `BUNDLE_INVALID` for a wrong checksum or size, for anything but a regular file, so that links and
 * devices are never followed, and for every other difference from what `formatTarHeader` writes.
 */
export function parseTarHeader(header: Uint8Array, subject: string): TarEntry | undefined {
  const block = Buffer.from(header.buffer, header.byteOffset, TAR_BLOCK);
  if (block.every((byte) => byte === 0)) return undefined;
  const stated = parseInt(block.toString("latin1", CHECKSUM_AT, CHECKSUM_AT + 8).replace(/[\0 ]+$/, ""), 8);
  if (stated !== checksumOf(block)) {
    throw new ViolaError("BUNDLE_INVALID", `${subject}: a tar header is damaged`, { subject });
  }
  const text = (from: number, length: number): string =>
    block.toString("utf8", from, from + length).replace(/\0.*$/s, "");
  const name = [text(PREFIX_AT, PREFIX_LENGTH), text(0, NAME_LENGTH)].filter((part) => part !== "").join("/");
  if (block[156] !== 0x30)
    throw new ViolaError("BUNDLE_INVALID", `${subject}: entry "${name}" is not a regular file`, { subject });
  const size =
    block[SIZE_AT] === 0x80
      ? Number(block.readBigUInt64BE(SIZE_AT + 4))
      : parseInt(block.toString("latin1", SIZE_AT, SIZE_AT + SIZE_LENGTH - 1), 8);
  if (!Number.isSafeInteger(size) || size < 0)
    throw new ViolaError("BUNDLE_INVALID", `${subject}: entry "${name}" has no valid size`, { subject });
  if (!BUNDLE_PATH.test(name) || !block.equals(formatTarHeader(name, size))) {
    throw new ViolaError(
      "BUNDLE_INVALID",
      `${subject}: the tar header of ${JSON.stringify(name)} has fields that build does not write`,
      {
        subject,
      },
    );
  }
  return { name, size };
}

/** Splits a long name at a slash into the two fields of POSIX ustar. */
function splitName(name: string): readonly [string, string] {
  if (Buffer.byteLength(name) <= NAME_LENGTH) return ["", name];
  for (let slash = name.indexOf("/"); slash >= 0; slash = name.indexOf("/", slash + 1)) {
    const [prefix, rest] = [name.slice(0, slash), name.slice(slash + 1)];
    if (Buffer.byteLength(rest) <= NAME_LENGTH && Buffer.byteLength(prefix) <= PREFIX_LENGTH)
      return [prefix, rest];
  }
  throw new RangeError(`tar entry name too long: ${name}`);
}

function checksumOf(header: Uint8Array): number {
  let sum = 8 * 0x20;
  for (let at = 0; at < TAR_BLOCK; at++) {
    if (at < CHECKSUM_AT || at >= CHECKSUM_AT + 8) sum += header[at] ?? 0;
  }
  return sum;
}
