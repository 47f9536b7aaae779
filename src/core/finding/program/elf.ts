// Reads what is needed of an ELF program of 64 bits: where its code, its constants and its data lie, and what is relocated.
// https://refspecs.linuxfoundation.org/elf/gabi4+/contents.html

/** A part of the file that is loaded at `address`. */
export interface Section {
  readonly name: string;
  readonly address: number;
  /** Of its first byte in the file. */
  readonly offset: number;
  /** Bytes, never more than the file has. */
  readonly size: number;
}

/** A program, as far as its strings are concerned. */
export interface Elf {
  readonly bytes: Buffer;
  readonly machine: "amd64" | "arm64" | "other";
  readonly code: readonly Section[];
  /** Read-only: where the bytes of strings lie. */
  readonly constants: readonly Section[];
  /** Where string headers lie: data, and constants too. */
  readonly data: readonly Section[];
  /** Addresses that the loader writes (relative relocations of a position-independent program): place -> what it points to. */
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
/** Go's table of functions, its types, exception tables: no strings of the program's own. */
const NO_STRINGS =
  /^\.(?:gopclntab|typelink|itablink|eh_frame|gcc_except_table|note|interp|dyn|gnu|rela?\b|hash)/;

/** True when the bytes begin as an ELF file does. */
export function isElf(bytes: Buffer): boolean {
  return bytes.subarray(0, MAGIC.length).equals(MAGIC);
}

/** Reads a little-endian ELF file of 64 bits; undefined for any other, and for one whose tables lie outside of the file. */
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

/** Returns the section that holds the address. */
export function sectionAt(sections: readonly Section[], address: number): Section | undefined {
  return sections.find((section) => address >= section.address && address < section.address + section.size);
}

/** Reads eight bytes as a number; one beyond 2^53 comes out inexact, and is no address of a program. */
export function readAddress(bytes: Buffer, offset: number): number {
  return bytes.readUInt32LE(offset) + bytes.readUInt32LE(offset + 4) * 2 ** 32;
}

interface Part extends Section {
  readonly type: number;
  readonly flags: number;
}

/** Reads the section headers; undefined when there are none, as in a program that was stripped of them. */
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

/** Reads the program headers and gives each segment that is loaded the flags of a section. */
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
