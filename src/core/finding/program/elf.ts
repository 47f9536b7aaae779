// Parses 64-bit ELF programs: the sections for code, constants and data, and the relocations.
// https://refspecs.linuxfoundation.org/elf/gabi4+/contents.html

/** A part of the file that is loaded at `address`. */
export interface Section {
  readonly name: string;
  readonly address: number;
  /** Offset of the first byte in the file. */
  readonly offset: number;
  /** Size in bytes, limited to the end of the file. */
  readonly size: number;
}

/** The parts of a program that are needed to find its strings. */
export interface Elf {
  readonly bytes: Buffer;
  readonly machine: "amd64" | "arm64" | "other";
  readonly code: readonly Section[];
  /** Read-only sections, which contain the bytes of strings. */
  readonly constants: readonly Section[];
  /** Sections that contain string headers: data and constants. */
  readonly data: readonly Section[];
  /**
   * Relative relocations of a position-independent program: the address to write to, and the
   * address to write.
   */
  readonly relocated: ReadonlyMap<number, number>;
}

const MAGIC = Buffer.from("\x7fELF", "latin1");
const CLASS_64 = 2;
const LITTLE_ENDIAN = 1;
const MACHINES: Readonly<Record<number, Elf["machine"]>> = { 62: "amd64", 183: "arm64" };
const TYPE_PROGBITS = 1;
const TYPE_RELA = 4;
const FLAG_WRITE = 1;
const FLAG_ALLOC = 2;
const FLAG_EXECUTE = 4;
const SEGMENT_LOAD = 1;
const HEADER_BYTES = 64;
const SECTION_BYTES = 64;
const SEGMENT_BYTES = 56;
const RELA_BYTES = 24;
/** R_X86_64_RELATIVE and R_AARCH64_RELATIVE. */
const RELATIVE = new Set([8, 1027]);
/** Sections without strings of the source code: Go's function table, types, exception tables. */
const NO_STRINGS =
  /^\.(?:gopclntab|typelink|itablink|eh_frame|gcc_except_table|note|interp|dyn|gnu|rela?\b|hash)/;

/** True when the bytes begin with the magic number of an ELF file. */
export function isElf(bytes: Buffer): boolean {
  return bytes.subarray(0, MAGIC.length).equals(MAGIC);
}

/**
 * Parses a little-endian 64-bit ELF file; undefined for other files, and when a table is beyond the
 * end of the file.
 */
export function readElf(bytes: Buffer): Elf | undefined {
  if (!isElf(bytes) || bytes.length < HEADER_BYTES) return undefined;
  if (bytes.readUInt8(4) !== CLASS_64 || bytes.readUInt8(5) !== LITTLE_ENDIAN) return undefined;
  const machine = MACHINES[bytes.readUInt16LE(18)] ?? "other";
  const parts = readSections(bytes) ?? readSegments(bytes);
  if (parts === undefined) return undefined;
  const isCode = ({ flags }: Part): boolean => (flags & FLAG_EXECUTE) !== 0;
  const isWritable = ({ flags }: Part): boolean => (flags & FLAG_WRITE) !== 0;
  const loaded = parts.filter(({ type, flags }) => type === TYPE_PROGBITS && (flags & FLAG_ALLOC) !== 0);
  const constants = loaded.filter(
    (part) => !isCode(part) && !isWritable(part) && !NO_STRINGS.test(part.name),
  );
  return {
    bytes,
    machine,
    code: loaded.filter(isCode),
    constants,
    data: [...constants, ...loaded.filter(isWritable)],
    relocated: readRelocations(bytes, parts),
  };
}

/** Returns the section that contains the address. */
export function sectionAt(sections: readonly Section[], address: number): Section | undefined {
  return sections.find((section) => address >= section.address && address < section.address + section.size);
}

/**
 * Reads eight bytes as a number. Numbers above 2^53 are inexact, but they are not addresses of a
 * program.
 */
export function readAddress(bytes: Buffer, offset: number): number {
  return bytes.readUInt32LE(offset) + bytes.readUInt32LE(offset + 4) * 2 ** 32;
}

interface Part extends Section {
  readonly type: number;
  readonly flags: number;
}

/** Reads the section headers; undefined when there are none, as in a fully stripped program. */
function readSections(bytes: Buffer): readonly Part[] | undefined {
  const start = readAddress(bytes, 40);
  const count = bytes.readUInt16LE(60);
  if (start === 0 || count === 0 || bytes.readUInt16LE(58) !== SECTION_BYTES) return undefined;
  if (start + count * SECTION_BYTES > bytes.length) return undefined;
  const parts = Array.from({ length: count }, (_, index) => {
    const at = start + index * SECTION_BYTES;
    const part = clip(bytes, readAddress(bytes, at + 24), readAddress(bytes, at + 32));
    return {
      nameAt: bytes.readUInt32LE(at),
      type: bytes.readUInt32LE(at + 4),
      flags: bytes.readUInt32LE(at + 8),
      address: readAddress(bytes, at + 16),
      ...part,
    };
  });
  const names = parts[bytes.readUInt16LE(62)]?.offset ?? bytes.length;
  return parts.map(({ nameAt, ...part }) => {
    const end = bytes.indexOf(0, names + nameAt);
    return { ...part, name: end < 0 ? "" : bytes.toString("latin1", names + nameAt, end) };
  });
}

/** Reads the program headers, and converts loadable segments to sections. */
function readSegments(bytes: Buffer): readonly Part[] | undefined {
  const start = readAddress(bytes, 32);
  const count = bytes.readUInt16LE(56);
  if (count === 0 || bytes.readUInt16LE(54) !== SEGMENT_BYTES) return undefined;
  if (start + count * SEGMENT_BYTES > bytes.length) return undefined;
  return Array.from({ length: count }, (_, index) => {
    const at = start + index * SEGMENT_BYTES;
    const permissions = bytes.readUInt32LE(at + 4);
    return {
      name: "",
      type: bytes.readUInt32LE(at) === SEGMENT_LOAD ? TYPE_PROGBITS : 0,
      // PF_X is 1, PF_W is 2.
      flags: FLAG_ALLOC | (permissions & 1 ? FLAG_EXECUTE : 0) | (permissions & 2 ? FLAG_WRITE : 0),
      address: readAddress(bytes, at + 16),
      ...clip(bytes, readAddress(bytes, at + 8), readAddress(bytes, at + 32)),
    };
  });
}

function clip(bytes: Buffer, offset: number, size: number): Pick<Section, "offset" | "size"> {
  const start = Math.min(offset, bytes.length);
  return { offset: start, size: Math.min(size, bytes.length - start) };
}

function readRelocations(bytes: Buffer, parts: readonly Part[]): ReadonlyMap<number, number> {
  const relocated = new Map<number, number>();
  for (const { type, offset, size } of parts) {
    if (type !== TYPE_RELA) continue;
    for (let at = offset; at + RELA_BYTES <= offset + size; at += RELA_BYTES) {
      if (RELATIVE.has(bytes.readUInt32LE(at + 8)))
        relocated.set(readAddress(bytes, at), readAddress(bytes, at + 16));
    }
  }
  return relocated;
}
