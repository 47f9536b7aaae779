// Reads the strings of a compiled program. Compilers store them without separators, so their ends
// must be derived.
import { readAddress, sectionAt, type Elf, type Section } from "./elf.js";
import { codeReader } from "./machine-code.js";

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

interface Header {
  readonly place: number;
  readonly address: number;
  readonly length: number;
}

/** The strings of a program. */
export interface ProgramTexts {
  /** Strings for which `isWanted` is true: string headers first, each kind in order of place. */
  readonly strings: readonly ProgramString[];
  /** Long strings that string headers point to, once each. */
  readonly documents: readonly ProgramString[];
}

/**
 * Reads the wanted strings among those that begin with a lower-case letter or a digit. All strings
 * are decoded as Latin-1.
 */
export function readProgramTexts(elf: Elf, isWanted: (text: string) => boolean): ProgramTexts {
  const headers = readHeaders(elf);
  const loads = readLoads(elf);
  // A typed array with duplicates, because there are hundreds of thousands of addresses.
  const starts = new Float64Array(headers.length + loads.addresses.length);
  starts.set(loads.addresses);
  headers.forEach(({ address }, index) => (starts[loads.addresses.length + index] = address));
  starts.sort();

  const strings: ProgramString[] = [];
  const documents = new Map<number, ProgramString>();
  for (const { place, address, length } of headers) {
    const isLong = length > LONGEST_STRING;
    if (isLong ? documents.has(address) : !beginsAsWanted(elf, address)) continue;
    // When another string begins inside the range, this is not a string header but two numbers that
    // look like one.
    if (isLong && nextAfter(starts, address) < address + length) continue;
    const found = readText(elf, address, length);
    if (found === undefined) continue;
    const string: ProgramString = { ...found, rule: "string-header", place };
    if (!isLong && isWanted(string.text)) strings.push(string);
    if (isLong && !string.text.includes("\0")) documents.set(address, string);
  }
  return {
    strings: [...strings, ...readConstants(elf, loads, starts, isWanted)],
    documents: [...documents.values()],
  };
}

/**
 * Returns the (address, length) pairs in data that point to constants, including addresses that the
 * loader writes.
 */
function readHeaders({ bytes, constants, data, relocated }: Elf): readonly Header[] {
  // By place, because a relocated address may also be in the file.
  const headers = new Map<number, Header>();
  const take = (place: number, address: number, lengthAt: number): void => {
    // A value of 4 GiB or more is not a length.
    if (bytes.readUInt32LE(lengthAt + 4) !== 0) return;
    const length = bytes.readUInt32LE(lengthAt);
    const section = sectionAt(constants, address);
    if (section === undefined || length === 0 || length > LONGEST_DOCUMENT) return;
    if (address + length > section.address + section.size) return;
    headers.set(place, { place, address, length });
  };
  const [lowest, highest] = span(constants);
  for (const section of data) {
    const first = section.offset + (-section.address & (WORD_BYTES - 1));
    const last = section.offset + section.size - HEADER_BYTES;
    for (let at = first; at <= last; at += WORD_BYTES) {
      const address = readAddress(bytes, at);
      if (address < lowest || address >= highest) continue;
      take(section.address + (at - section.offset), address, at + WORD_BYTES);
    }
  }
  for (const [place, address] of relocated) {
    const section = sectionAt(data, place);
    if (section === undefined || place + HEADER_BYTES > section.address + section.size) continue;
    take(place, address, section.offset + (place - section.address) + WORD_BYTES);
  }
  return [...headers.values()].sort((one, other) => one.place - other.place);
}

/**
 * Instructions that load the address of a constant: the ends of the instructions in the file, and
 * the addresses.
 */
interface Loads {
  readonly ends: readonly number[];
  readonly addresses: readonly number[];
}

function readLoads({ bytes, machine, code, constants }: Elf): Loads {
  const ends: number[] = [];
  const addresses: number[] = [];
  const [lowest, highest] = span(constants);
  for (const section of code) {
    codeReader(machine)?.findAddresses(bytes, section, (end, address) => {
      if (address < lowest || address >= highest) return;
      ends.push(end);
      addresses.push(address);
    });
  }
  return { ends, addresses };
}

/**
 * Returns the constants whose length is certain: a number near the instruction is exactly the
 * distance to the next known string. Compilers store each string once and omit unused strings, so
 * the next string begins where this one ends.
 */
function readConstants(
  elf: Elf,
  { ends, addresses }: Loads,
  starts: Float64Array,
  isWanted: (text: string) => boolean,
): readonly ProgramString[] {
  const reader = codeReader(elf.machine);
  if (reader === undefined) return [];
  const found: ProgramString[] = [];
  for (const [index, address] of addresses.entries()) {
    const section = sectionAt(elf.constants, address);
    const end = ends[index];
    if (section === undefined || end === undefined || !beginsAsWanted(elf, address)) continue;
    const next = Math.min(nextAfter(starts, address), section.address + section.size);
    const length = next - address;
    if (length > LONGEST_STRING) continue;
    const string = readText(elf, address, length);
    if (string === undefined || !isWanted(string.text)) continue;
    if (!reader.numbersNear(elf.bytes, end).has(length)) continue;
    found.push({ ...string, rule: "constant", place: end });
  }
  return found;
}

/** Image names and versions begin with a lower-case letter or a digit. */
function beginsAsWanted({ bytes, constants }: Elf, address: number): boolean {
  const section = sectionAt(constants, address);
  const first = section === undefined ? 0 : (bytes[section.offset + (address - section.address)] ?? 0);
  return (first >= 0x61 && first <= 0x7a) || (first >= 0x30 && first <= 0x39);
}

function readText(
  { bytes, constants }: Elf,
  address: number,
  length: number,
): Pick<ProgramString, "text" | "offset"> | undefined {
  const section = sectionAt(constants, address);
  if (section === undefined) return undefined;
  const offset = section.offset + (address - section.address);
  return { text: bytes.toString("latin1", offset, offset + length), offset };
}

function span(sections: readonly Section[]): readonly [number, number] {
  return [
    Math.min(...sections.map(({ address }) => address)),
    Math.max(...sections.map(({ address, size }) => address + size)),
  ];
}

/**
 * Returns the smallest of the sorted numbers that is greater than the value; infinity when there is
 * none.
 */
function nextAfter(sorted: Float64Array, value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? Infinity) > value) high = middle;
    else low = middle + 1;
  }
  return sorted[low] ?? Infinity;
}
