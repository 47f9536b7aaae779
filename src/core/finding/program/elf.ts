// Parses 64-bit ELF programs: the sections for code, constants and data, and the relocations.
// https://refspecs.linuxfoundation.org/elf/gabi4+/contents.html

/** The bytes of a file, which may be too large for memory. */
export interface FileBytes {
  /** Size in bytes. */
  readonly size: number;
  /**
   * Returns the bytes from `start` to `end`, or to the end of the file. They may be in `into`, which
   * is then valid until it is used again.
   */
  read(start: number, end: number, into?: Buffer): Buffer;
}

/** A part of the file that is loaded at `address`. */
export interface Section {
  readonly name: string;
  readonly address: number;
  /** Offset of the first byte in the file. */
  readonly offset: number;
  /** Size in bytes, limited to the end of the file. */
  readonly size: number;
}

/** A section whose bytes are in memory. */
export interface LoadedSection extends Section {
  readonly bytes: Buffer;
}

/** The parts of a program that are needed to find its strings. */
export interface Elf {
  readonly file: FileBytes;
  readonly machine: "amd64" | "arm64" | "other";
  readonly code: readonly Section[];
  /** Read-only sections, which contain the bytes of strings. */
  readonly constants: readonly LoadedSection[];
  /** Sections that contain string headers: data and constants. */
  readonly data: readonly LoadedSection[];
  /**
   * Relative relocations of a position-independent program: the address to write to, and the
   * address to write.
   */
  readonly relocated: ReadonlyMap<number, number>;
}

/** Why a program cannot be read, as the rest of a sentence that begins with its name. */
export interface UnreadableProgram {
  readonly unreadable: string;
}

const MAGIC = Buffer.from("\x7fELF", "latin1");
/** https://github.com/upx/upx/blob/devel/src/conf.h (UPX_MAGIC_LE32) */
const UPX_MAGIC = Buffer.from("UPX!", "latin1");
const UPX_WITHIN = 1024;
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
const LARGEST_NAMES = 64 * 1024;
/** R_X86_64_RELATIVE and R_AARCH64_RELATIVE. */
const RELATIVE = new Set([8, 1027]);
/** Sections without strings of the source code: Go's function table, types, exception tables. */
const NO_STRINGS =
  /^\.(?:gopclntab|typelink|itablink|eh_frame|gcc_except_table|note|interp|dyn|gnu|rela?\b|hash)/;

/** Larger constants and data are not loaded, to limit memory use. */
const LARGEST_LOADED = 100 * 1024 * 1024;

/** True when the bytes begin with the magic number of an ELF file. */
export function isElf(bytes: Buffer): boolean {
  return bytes.subarray(0, MAGIC.length).equals(MAGIC);
}

/**
 * Parses a little-endian 64-bit ELF file, and loads the sections that contain strings. Returns why
 * other files cannot be read: another format, a packed program, or a table beyond the end of the
 * file.
 */
export function readElf(file: FileBytes): Elf | UnreadableProgram {
  const head = file.read(0, UPX_WITHIN);
  if (!isElf(head) || head.length < HEADER_BYTES) return { unreadable: "is not a complete ELF file" };
  if (head.readUInt8(4) !== CLASS_64) return { unreadable: "is a 32-bit program" };
  if (head.readUInt8(5) !== LITTLE_ENDIAN) return { unreadable: "is a program for a big-endian processor" };
  if (head.includes(UPX_MAGIC)) return { unreadable: "is packed with UPX" };
  const machine = MACHINES[head.readUInt16LE(18)] ?? "other";
  const parts = readSections(file, head) ?? readSegments(file, head);
  if (parts === undefined) return { unreadable: "has invalid headers" };
  const isCode = ({ flags }: Part): boolean => (flags & FLAG_EXECUTE) !== 0;
  const isWritable = ({ flags }: Part): boolean => (flags & FLAG_WRITE) !== 0;
  const loaded = parts.filter(({ type, flags }) => type === TYPE_PROGBITS && (flags & FLAG_ALLOC) !== 0);
  const constants = loaded.filter(
    (part) => !isCode(part) && !isWritable(part) && !NO_STRINGS.test(part.name),
  );
  const writable = loaded.filter(isWritable);
  const size = [...constants, ...writable].reduce((sum, part) => sum + part.size, 0);
  if (size > LARGEST_LOADED) return { unreadable: `is too large: it has ${size} bytes of constants` };
  if (size === 0) return { unreadable: "has no constants; it may be packed" };
  const load = (part: Part): LoadedSection => ({
    ...part,
    bytes: file.read(part.offset, part.offset + part.size),
  });
  const loadedConstants = constants.map(load);
  return {
    file,
    machine,
    code: loaded.filter(isCode),
    constants: loadedConstants,
    data: [...loadedConstants, ...writable.map(load)],
    relocated: readRelocations(file, parts),
  };
}

/** Returns the section that contains the address. */
export function sectionAt<T extends Section>(sections: readonly T[], address: number): T | undefined {
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
function readSections(file: FileBytes, head: Buffer): readonly Part[] | undefined {
  const start = readAddress(head, 40);
  const count = head.readUInt16LE(60);
  if (start === 0 || count === 0 || head.readUInt16LE(58) !== SECTION_BYTES) return undefined;
  const end = start + count * SECTION_BYTES;
  if (end > file.size) return undefined;
  const table = file.read(start, end);
  const parts = Array.from({ length: count }, (_, index) => {
    const at = index * SECTION_BYTES;
    return {
      nameAt: table.readUInt32LE(at),
      type: table.readUInt32LE(at + 4),
      flags: table.readUInt32LE(at + 8),
      address: readAddress(table, at + 16),
      ...clip(file, readAddress(table, at + 24), readAddress(table, at + 32)),
    };
  });
  const named = parts[head.readUInt16LE(62)];
  const names = named === undefined ? Buffer.alloc(0) : file.read(named.offset, named.offset + LARGEST_NAMES);
  return parts.map(({ nameAt, ...part }) => {
    const nameEnd = names.indexOf(0, nameAt);
    return { ...part, name: nameEnd < 0 ? "" : names.toString("latin1", nameAt, nameEnd) };
  });
}

/** Reads the program headers, and converts loadable segments to sections. */
function readSegments(file: FileBytes, head: Buffer): readonly Part[] | undefined {
  const start = readAddress(head, 32);
  const count = head.readUInt16LE(56);
  if (count === 0 || head.readUInt16LE(54) !== SEGMENT_BYTES) return undefined;
  const end = start + count * SEGMENT_BYTES;
  if (end > file.size) return undefined;
  const table = file.read(start, end);
  return Array.from({ length: count }, (_, index) => {
    const at = index * SEGMENT_BYTES;
    const permissions = table.readUInt32LE(at + 4);
    return {
      name: "",
      type: table.readUInt32LE(at) === SEGMENT_LOAD ? TYPE_PROGBITS : 0,
      // PF_X is 1, PF_W is 2.
      flags: FLAG_ALLOC | (permissions & 1 ? FLAG_EXECUTE : 0) | (permissions & 2 ? FLAG_WRITE : 0),
      address: readAddress(table, at + 16),
      ...clip(file, readAddress(table, at + 8), readAddress(table, at + 32)),
    };
  });
}

function clip(file: FileBytes, offset: number, size: number): Pick<Section, "offset" | "size"> {
  const start = Math.min(offset, file.size);
  return { offset: start, size: Math.min(size, file.size - start) };
}

function readRelocations(file: FileBytes, parts: readonly Part[]): ReadonlyMap<number, number> {
  const relocated = new Map<number, number>();
  for (const { type, offset, size } of parts) {
    if (type !== TYPE_RELA || size > LARGEST_LOADED) continue;
    const bytes = file.read(offset, offset + size);
    for (let at = 0; at + RELA_BYTES <= bytes.length; at += RELA_BYTES) {
      if (RELATIVE.has(bytes.readUInt32LE(at + 8)))
        relocated.set(readAddress(bytes, at), readAddress(bytes, at + 16));
    }
  }
  return relocated;
}
