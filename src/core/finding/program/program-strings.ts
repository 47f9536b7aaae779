// Reads the strings of a compiled program. Compilers store them without separators, so their ends
// must be derived.
import { sectionAt, type Elf, type LoadedSection } from "./elf.js";
import { BEFORE_BYTES, codeReader, LOAD_BYTES, NEAR_BYTES } from "./machine-code.js";
import { StringStarts } from "./string-starts.js";

/** A string of the program. */
export interface ProgramString {
  readonly text: string;
  /**
   * `string-header`: an (address, length) pair in data; `constant`: an address in code with the
   * length near it.
   */
  readonly rule: "string-header" | "constant";
  /**
   * Address of the header, or file offset of the instruction. Strings that are close in the source
   * are close here.
   */
  readonly place: number;
  /** Offset of the first byte in the file. */
  readonly offset: number;
}

/** A string header is an address and a length (reflect.StringHeader in Go, &str in Rust). */
const HEADER_BYTES = 16;
const WORD_BYTES = 8;
/** Longer strings are documents, such as embedded manifests and help texts. */
export const LONGEST_STRING = 512;
const LONGEST_DOCUMENT = 4 * 1024 * 1024;
/** Code is read in parts of this size, to limit memory use. */
const CODE_BYTES = 1024 * 1024;

interface Header {
  readonly place: number;
  readonly address: number;
  readonly length: number;
}

/** The strings of a program. */
export interface ProgramTexts {
  /** Strings for which `isWanted` is true: string headers first, each kind in order of place. */
  readonly strings: readonly ProgramString[];
  /** Long strings that string headers point to, once each. A text is decoded when it is reached. */
  readonly documents: Iterable<ProgramString>;
}

/**
 * Reads the wanted strings among those that begin with a lower-case letter, a digit or a percent sign.
 * All strings are decoded as Latin-1.
 */
export function readProgramTexts(elf: Elf, isWanted: (text: string) => boolean): ProgramTexts {
  const starts = new StringStarts(elf.constants);
  const headers = readHeaders(elf, starts);
  const loads = readLoads(elf, starts);
  const strings: ProgramString[] = [];
  for (const { place, address, length } of headers) {
    const found = length > LONGEST_STRING ? undefined : readText(elf, address, length);
    if (found !== undefined && isWanted(found.text)) strings.push({ ...found, rule: "string-header", place });
  }
  return {
    strings: [...strings, ...readConstants(elf, loads, starts, isWanted)],
    documents: readDocuments(elf, headers, starts),
  };
}

function* readDocuments(elf: Elf, headers: readonly Header[], starts: StringStarts): Iterable<ProgramString> {
  const seen = new Set<number>();
  for (const { place, address, length } of headers) {
    if (length <= LONGEST_STRING || seen.has(address)) continue;
    // When another string begins inside the range, this is not a string header but two numbers that
    // look like one.
    if (starts.nextAfter(address, address + length) < address + length) continue;
    const found = readText(elf, address, length);
    if (found === undefined || found.text.includes("\0")) continue;
    seen.add(address);
    yield { ...found, rule: "string-header", place };
  }
}

/**
 * Returns the (address, length) pairs in data that point to constants, including addresses that the
 * loader writes. Of short strings, only those that begin as wanted. Adds all of them to `starts`.
 */
function readHeaders(elf: Elf, starts: StringStarts): readonly Header[] {
  const { constants, data, relocated } = elf;
  // By place, because a relocated address may also be in the file.
  const headers = new Map<number, Header>();
  const take = (place: number, address: number, bytes: Buffer, lengthAt: number): void => {
    // A value of 4 GiB or more is not a length.
    if (bytes.readUInt32LE(lengthAt + 4) !== 0) return;
    const length = bytes.readUInt32LE(lengthAt);
    const section = sectionAt(constants, address);
    if (section === undefined || length === 0 || length > LONGEST_DOCUMENT) return;
    if (address + length > section.address + section.size) return;
    starts.add(address);
    if (length > LONGEST_STRING || beginsAsWanted(section, address)) {
      headers.set(place, { place, address, length });
    }
  };
  const [lowest, highest] = span(constants);
  for (const { address: begin, bytes } of data) {
    const first = -begin & (WORD_BYTES - 1);
    const halves = readHalves(bytes.subarray(first));
    for (let half = 0; half + 3 < halves.length; half += 2) {
      const address = (halves[half] ?? 0) + (halves[half + 1] ?? 0) * 2 ** 32;
      if (address < lowest || address >= highest) continue;
      const at = first + half * 4;
      take(begin + at, address, bytes, at + WORD_BYTES);
    }
  }
  for (const [place, address] of relocated) {
    const section = sectionAt(data, place);
    const at = section === undefined ? 0 : place - section.address;
    if (section === undefined || at + HEADER_BYTES > section.bytes.length) continue;
    take(place, address, section.bytes, at + WORD_BYTES);
  }
  return [...headers.values()].sort((one, other) => one.place - other.place);
}

/**
 * Returns the bytes as little-endian 32-bit numbers, in place if they are aligned in memory. Reading
 * them one by one with the methods of Buffer takes ten times as long.
 */
function readHalves(bytes: Buffer): Uint32Array {
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : Buffer.from(new Uint8Array(bytes).buffer);
  return new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.length >> 2);
}

/**
 * Instructions that load the address of a constant that begins as wanted: the ends of the
 * instructions in the file, and the addresses. A large program has millions of them.
 */
interface Loads {
  readonly ends: number[];
  readonly addresses: number[];
}

/** Returns the loads in all code, and adds the address of each constant to `starts`. */
function readLoads({ file, machine, code, constants }: Elf, starts: StringStarts): Loads {
  const loads: Loads = { ends: [], addresses: [] };
  const reader = codeReader(machine);
  const [lowest, highest] = span(constants);
  // New buffers would be garbage that is collected late.
  const part = Buffer.allocUnsafeSlow(CODE_BYTES + LOAD_BYTES);
  for (const { offset, size, address: begin } of reader === undefined ? [] : code) {
    for (let done = 0; done < size; done += CODE_BYTES) {
      const count = Math.min(CODE_BYTES, size - done);
      const bytes = file.read(offset + done, offset + Math.min(size, done + count + LOAD_BYTES), part);
      reader?.findAddresses(bytes, { count, address: begin + done }, (end, address) => {
        if (address < lowest || address >= highest) return;
        const section = sectionAt(constants, address);
        if (section === undefined) return;
        starts.add(address);
        if (!beginsAsWanted(section, address)) return;
        loads.ends.push(offset + done + end);
        loads.addresses.push(address);
      });
    }
  }
  return loads;
}

/**
 * Returns the constants whose length is certain: a number near the instruction is exactly the
 * distance to the next known string. Compilers store each string once and omit unused strings, so
 * the next string begins where this one ends.
 */
function readConstants(
  elf: Elf,
  { ends, addresses }: Loads,
  starts: StringStarts,
  isWanted: (text: string) => boolean,
): readonly ProgramString[] {
  const reader = codeReader(elf.machine);
  if (reader === undefined) return [];
  const found: ProgramString[] = [];
  for (const [index, address] of addresses.entries()) {
    const end = ends[index] ?? 0;
    const section = sectionAt(elf.constants, address);
    if (section === undefined) continue;
    const limit = Math.min(address + LONGEST_STRING + 1, section.address + section.size);
    const length = starts.nextAfter(address, limit) - address;
    if (length > LONGEST_STRING) continue;
    const string = readText(elf, address, length);
    if (string === undefined || !isWanted(string.text)) continue;
    const start = Math.max(0, end - BEFORE_BYTES);
    const near = elf.file.read(start, end + NEAR_BYTES);
    if (!reader.numbersNear(near, end - start).has(length)) continue;
    found.push({ ...string, rule: "constant", place: end });
  }
  return found;
}

/** The characters of image names and versions. */
const IS_NAME = Uint8Array.from({ length: 256 }, (_, code) =>
  /[\w.:@/+-]/.test(String.fromCharCode(code)) ? 1 : 0,
);

/**
 * Image names and versions begin with a lower-case letter, a digit or the verb of a format, and have
 * three characters.
 */
function beginsAsWanted({ bytes, address: begin }: LoadedSection, address: number): boolean {
  const at = address - begin;
  const first = bytes[at] ?? 0;
  const isFirst = (first >= 0x61 && first <= 0x7a) || (first >= 0x30 && first <= 0x39) || first === 0x25;
  return isFirst && IS_NAME[bytes[at + 1] ?? 0] === 1 && IS_NAME[bytes[at + 2] ?? 0] === 1;
}

function readText(
  { constants }: Elf,
  address: number,
  length: number,
): Pick<ProgramString, "text" | "offset"> | undefined {
  const section = sectionAt(constants, address);
  if (section === undefined) return undefined;
  const at = address - section.address;
  return { text: section.bytes.toString("latin1", at, at + length), offset: section.offset + at };
}

function span(sections: readonly LoadedSection[]): readonly [number, number] {
  return [
    Math.min(...sections.map(({ address }) => address)),
    Math.max(...sections.map(({ address, size }) => address + size)),
  ];
}
