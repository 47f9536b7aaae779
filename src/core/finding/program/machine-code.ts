// Finds constants in machine code: the addresses that instructions load, and small numbers near
// them. amd64: Intel SDM volume 2. arm64: Arm ARM C4.1 (encodings of ADRP, ADD, MOVZ, ORR, SUBS).
import type { Elf } from "./elf.js";

/** Reads the code of one architecture. */
export interface CodeReader {
  /**
   * Calls `found` for every instruction among the first `count` bytes that loads an address, with
   * the end of the instruction in the bytes and the address. The instruction may end behind them.
   * `address` is that of the first byte.
   */
  readonly findAddresses: (
    bytes: Buffer,
    window: { readonly count: number; readonly address: number },
    found: (end: number, address: number) => void,
  ) => void;
  /**
   * Returns the numbers from 1 to 65535 that instructions near `end` load, store or compare with.
   * The bytes are those from `BEFORE_BYTES` before to `NEAR_BYTES` behind it, as far as they exist.
   */
  readonly numbersNear: (bytes: Buffer, end: number) => ReadonlySet<number>;
}

/**
 * The length of a string is within a few instructions of its address. Go stores the lengths first,
 * then the write barrier, then the addresses.
 */
export const BEFORE_BYTES = 96;
const AFTER_BYTES = 56;
/** The longest instruction that is read. */
const LONGEST_INSTRUCTION = 12;
/** How many bytes behind the address `numbersNear` reads. */
export const NEAR_BYTES = AFTER_BYTES + LONGEST_INSTRUCTION;
/** How many bytes behind its first byte an instruction pair that loads an address can end. */
export const LOAD_BYTES = 24;
const LONGEST = 65_535;

const LEA_BYTES = 7;

const AMD64: CodeReader = {
  findAddresses(bytes, { count, address }, found) {
    // lea r64, [rip+disp32]: REX.W (with or without R), 8D, a ModRM byte with mode 0 and base 5.
    const last = Math.min(count - 1, bytes.length - LEA_BYTES);
    for (let at = 0; at <= last; at++) {
      if (bytes[at + 1] !== 0x8d || ((bytes[at + 2] ?? 0) & 0xc7) !== 5) continue;
      if (bytes[at] !== 0x48 && bytes[at] !== 0x4c) continue;
      found(at + LEA_BYTES, address + at + LEA_BYTES + bytes.readInt32LE(at + 3));
    }
  },

  numbersNear(bytes, end) {
    const numbers = new Set<number>();
    const last = Math.min(end + AFTER_BYTES, bytes.length - LONGEST_INSTRUCTION);
    for (let at = Math.max(0, end - BEFORE_BYTES); at < last; at++) {
      const [first = 0, second = 0, third = 0] = bytes.subarray(at, at + 3);
      let number = 0;
      if ((first & 0xf8) === 0xb8) {
        number = bytes.readUInt32LE(at + 1); // mov r32, imm32
      } else if ((first & 0xfe) === 0x48 && second === 0xc7) {
        number = bytes.readUInt32LE(at + 3 + addressBytes(third)); // mov r/m64, imm32
      } else if ((first & 0xfe) === 0x48 && second === 0x81 && third >= 0xf8) {
        number = bytes.readUInt32LE(at + 3); // cmp r64, imm32
      } else if (first === 0x48 && second === 0x3d) {
        number = bytes.readUInt32LE(at + 2); // cmp rax, imm32
      } else if ((first & 0xfe) === 0x48 && second === 0x83 && third >= 0xf8) {
        number = bytes.readUInt8(at + 3); // cmp r64, imm8
      }
      if (number > 0 && number <= LONGEST) numbers.add(number);
    }
    return numbers;
  },
};

/** Returns the number of SIB and displacement bytes after a ModRM byte. */
function addressBytes(modRm: number): number {
  const mode = modRm >> 6;
  if (mode === 3) return 0;
  return ((modRm & 7) === 4 ? 1 : 0) + (mode === 1 ? 1 : mode === 2 ? 4 : 0);
}

const INSTRUCTION_BYTES = 4;
const PAGE_BYTES = 4096;
/** ADD follows ADRP immediately in Go, and within a few instructions in LLVM. */
const ADD_WITHIN = 4;

const ARM64: CodeReader = {
  findAddresses(bytes, { count, address }, found) {
    const last = bytes.length - INSTRUCTION_BYTES;
    for (let at = 0; at < Math.min(count, last); at += INSTRUCTION_BYTES) {
      if (((bytes[at + 3] ?? 0) & 0x9f) !== 0x90) continue;
      const adrp = bytes.readUInt32LE(at);
      const register = adrp & 0x1f;
      for (let next = at + INSTRUCTION_BYTES; next <= Math.min(last, at + ADD_WITHIN * 4); next += 4) {
        const add = bytes.readUInt32LE(next);
        if (add >>> 22 !== 0x244 || ((add >> 5) & 0x1f) !== register) continue; // add x, x, imm12
        const pages = (((adrp >> 5) & 0x7ffff) << 2) | ((adrp >> 29) & 3);
        const signed = (pages << 11) >> 11;
        const here = address + at;
        found(
          next + INSTRUCTION_BYTES,
          here - (here % PAGE_BYTES) + signed * PAGE_BYTES + ((add >> 10) & 0xfff),
        );
        break;
      }
    }
  },

  numbersNear(bytes, end) {
    const numbers = new Set<number>();
    const last = Math.min(end + AFTER_BYTES, bytes.length - INSTRUCTION_BYTES);
    for (let at = Math.max(0, end - BEFORE_BYTES); at <= last; at += INSTRUCTION_BYTES) {
      const word = bytes.readUInt32LE(at);
      const kind = (word >>> 23) & 0xff;
      if (kind === 0xa5 && ((word >> 21) & 3) === 0) numbers.add((word >> 5) & 0xffff); // movz
      if (kind === 0x64 && ((word >> 5) & 0x1f) === 0x1f) numbers.add(bitmask(word)); // orr x, xzr, imm
      if (kind >> 1 === 0x71 && (word & 0x1f) === 0x1f) numbers.add((word >> 10) & 0xfff); // cmp x, imm12
    }
    numbers.delete(0);
    return numbers;
  },
};

/**
 * Returns the value of a logical immediate (DecodeBitMasks) if it is a run of ones below 2^16,
 * otherwise 0.
 */
function bitmask(word: number): number {
  const ones = ((word >> 10) & 0x3f) + 1;
  const rotate = (word >> 16) & 0x3f;
  const width = (word >> 22) & 1 ? 64 : 32;
  const shift = (width - rotate) % width;
  return ones + shift > 16 ? 0 : (2 ** ones - 1) * 2 ** shift;
}

/** Returns the reader for the architecture, or undefined when there is none. */
export function codeReader(machine: Elf["machine"]): CodeReader | undefined {
  return { amd64: AMD64, arm64: ARM64, other: undefined }[machine];
}
