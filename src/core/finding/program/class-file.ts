// Reads the strings of a Java class file.
// https://docs.oracle.com/javase/specs/jvms/se21/html/jvms-4.html#jvms-4.4

const MAGIC = 0xcafebabe;
const HEADER_BYTES = 10;
const UTF8 = 1;
/** Number of bytes after the tag, for every other kind of constant. */
const SIZES: Readonly<Record<number, number>> = {
  3: 4,
  4: 4,
  5: 8,
  6: 8,
  7: 2,
  8: 2,
  9: 4,
  10: 4,
  11: 4,
  12: 4,
  15: 3,
  16: 2,
  17: 4,
  18: 4,
  19: 2,
  20: 2,
};
/** Long and double constants occupy two entries of the pool (JVMS 4.4.5). */
const DOUBLE_SIZE = 8;

/** True when the bytes begin with the header of a class file. */
export function isClassFile(bytes: Buffer): boolean {
  return bytes.length > HEADER_BYTES && bytes.readUInt32BE(0) === MAGIC;
}

/**
 * Returns the UTF-8 constants of the class, up to the end of the bytes or an unknown kind of
 * constant.
 */
export function readClassStrings(bytes: Buffer): readonly string[] {
  const strings: string[] = [];
  const count = bytes.readUInt16BE(8);
  for (let index = 1, at = HEADER_BYTES; index < count && at + 3 <= bytes.length; index++) {
    const kind = bytes.readUInt8(at);
    if (kind === UTF8) {
      const length = bytes.readUInt16BE(at + 1);
      strings.push(bytes.toString("utf8", at + 3, at + 3 + length));
      at += 3 + length;
      continue;
    }
    const size = SIZES[kind];
    if (size === undefined) break;
    at += 1 + size;
    if (size === DOUBLE_SIZE) index++;
  }
  return strings;
}
