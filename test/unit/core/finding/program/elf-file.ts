// Small ELF programs with the layout of compilers: adjacent strings, headers in data, loads in
// code.

export interface ElfOptions {
  readonly machine?: "amd64" | "arm64";
  /** Adjacent, in this order, in read-only data. */
  readonly strings: readonly string[];
  /**
   * Data: pairs (address, length) of these strings, in order; `undefined` is a pair of zeros
   * between them.
   */
  readonly headers?: readonly (string | undefined)[];
  /** Code that loads address and length of these strings, in order. */
  readonly constants?: readonly string[];
  /** The addresses of headers are written by the loader, as in a position-independent program. */
  readonly relocated?: boolean;
  /** Without section headers, only with program headers. */
  readonly stripped?: boolean;
  /** Module text of a Go program, as `go version -m` prints it. */
  readonly goModules?: string;
}

const BASE = 0x400000;
const PAGE = 0x1000;
/** Text between the strings and other data. */
const END = "\0";

/** Creates the file. Each section is on a separate page. */
export function makeElf(options: ElfOptions): Buffer {
  const { machine = "amd64", strings, headers = [], constants = [] } = options;
  const text = strings.join("") + END;
  const addressOf = (string: string): number => {
    const index = strings.indexOf(string);
    return RODATA + strings.slice(0, index).join("").length;
  };
  const data = Buffer.alloc(headers.length * 16);
  const rela = Buffer.alloc(options.relocated === true ? headers.length * 24 : 0);
  for (const [index, string] of headers.entries()) {
    if (string === undefined) continue;
    data.writeBigUInt64LE(BigInt(string.length), index * 16 + 8);
    if (options.relocated === true) {
      rela.writeBigUInt64LE(BigInt(DATA + index * 16), index * 24);
      rela.writeBigUInt64LE(machine === "amd64" ? 8n : 1027n, index * 24 + 8);
      rela.writeBigUInt64LE(BigInt(addressOf(string)), index * 24 + 16);
    } else data.writeBigUInt64LE(BigInt(addressOf(string)), index * 16);
  }
  const load = machine === "amd64" ? loadAmd64 : loadArm64;
  const code = constants.reduce(
    (made, string) =>
      Buffer.concat([
        made,
        load(TEXT + made.length, addressOf(string), string.length),
        Buffer.alloc(8, 0x1f),
      ]),
    Buffer.alloc(64),
  );
  const goModules = options.goModules === undefined ? Buffer.alloc(0) : goBuildInformation(options.goModules);
  return assemble(options, [
    { name: ".text", type: 1, flags: 6, bytes: code },
    { name: ".rodata", type: 1, flags: 2, bytes: Buffer.from(text, "latin1") },
    { name: ".data", type: 1, flags: 3, bytes: data },
    { name: ".rela.dyn", type: 4, flags: 2, bytes: rela },
    { name: ".go.buildinfo", type: 1, flags: 3, bytes: goModules },
  ]);
}

const TEXT = BASE + PAGE;
const RODATA = TEXT + PAGE;
const DATA = RODATA + PAGE;

interface Part {
  readonly name: string;
  readonly type: number;
  readonly flags: number;
  readonly bytes: Buffer;
}

function assemble({ machine, stripped }: ElfOptions, parts: readonly Part[]): Buffer {
  const file = Buffer.alloc(PAGE * (parts.length + 2));
  file.write("\x7fELF\x02\x01\x01", "latin1");
  file.writeUInt16LE(machine === "arm64" ? 183 : 62, 18);
  parts.forEach(({ bytes }, index) => bytes.copy(file, PAGE * (index + 1)));
  if (stripped === true) {
    file.writeBigUInt64LE(64n, 32);
    file.writeUInt16LE(56, 54);
    file.writeUInt16LE(3, 56);
    // Of the sections, code, constants and data: R+X, R, R+W.
    for (const [index, permissions] of [5, 4, 6].entries()) {
      const at = 64 + index * 56;
      file.writeUInt32LE(1, at);
      file.writeUInt32LE(permissions, at + 4);
      file.writeBigUInt64LE(BigInt(PAGE * (index + 1)), at + 8);
      file.writeBigUInt64LE(BigInt(BASE + PAGE * (index + 1)), at + 16);
      file.writeBigUInt64LE(BigInt(parts[index]!.bytes.length), at + 32);
    }
    return file;
  }
  const names = `\0${parts.map(({ name }) => name).join("\0")}\0.shstrtab\0`;
  const table = PAGE * (parts.length + 1);
  const namesAt = table + 64 * (parts.length + 1);
  file.write(names, namesAt, "latin1");
  file.writeBigUInt64LE(BigInt(table), 40);
  file.writeUInt16LE(64, 58);
  file.writeUInt16LE(parts.length + 1, 60);
  file.writeUInt16LE(parts.length, 62);
  const section = (
    index: number,
    name: string,
    type: number,
    flags: number,
    offset: number,
    size: number,
  ) => {
    const at = table + 64 * index;
    file.writeUInt32LE(names.indexOf(`\0${name}\0`) + 1, at);
    file.writeUInt32LE(type, at + 4);
    file.writeBigUInt64LE(BigInt(flags), at + 8);
    file.writeBigUInt64LE(BigInt(flags === 0 ? 0 : BASE + offset), at + 16);
    file.writeBigUInt64LE(BigInt(offset), at + 24);
    file.writeBigUInt64LE(BigInt(size), at + 32);
  };
  parts.forEach(({ name, type, flags, bytes }, index) => {
    section(index, name, type, flags, PAGE * (index + 1), bytes.length);
  });
  section(parts.length, ".shstrtab", 3, 0, namesAt, names.length);
  return file;
}

/** lea rax, [rip+…]; mov ebx, length */
function loadAmd64(at: number, address: number, length: number): Buffer {
  const code = Buffer.from("488d0500000000bb00000000", "hex");
  code.writeInt32LE(address - (at + 7), 3);
  code.writeUInt32LE(length, 8);
  return code;
}

/**
 * adrp x0, page; add x0, x0, low; mov x1, length: as the Go assembler writes it, orr where the
 * length is a run of ones.
 */
function loadArm64(at: number, address: number, length: number): Buffer {
  const pages = Math.floor(address / PAGE) - Math.floor(at / PAGE);
  const code = Buffer.alloc(12);
  code.writeUInt32LE((0x90000000 | ((pages & 3) << 29) | (((pages >> 2) & 0x7ffff) << 5)) >>> 0, 0);
  code.writeUInt32LE((0x91000000 | ((address % PAGE) << 10)) >>> 0, 4);
  const shift = Math.log2(length & -length);
  const ones = Math.log2((length >> shift) + 1);
  const isRun = Number.isInteger(ones);
  // orr x1, xzr, #length (N = 1, imms = ones - 1, immr = -shift), or movz x1, #length.
  const move = isRun
    ? 0xb2400000 | (((64 - shift) % 64) << 16) | ((ones - 1) << 10) | (31 << 5) | 1
    : 0xd2800000 | (length << 5) | 1;
  code.writeUInt32LE(move >>> 0, 8);
  return code;
}

/** The inline form of Go 1.18 and later. */
function goBuildInformation(modules: string): Buffer {
  const varint = (text: Buffer): Buffer => {
    const head = text.length < 128 ? [text.length] : [(text.length & 0x7f) | 0x80, text.length >> 7];
    return Buffer.concat([Buffer.from(head), text]);
  };
  const marker = Buffer.alloc(16, 0xf9);
  return Buffer.concat([
    Buffer.from("\xff Go buildinf:\x08\x02", "latin1"),
    Buffer.alloc(16),
    varint(Buffer.from("go1.26.8")),
    varint(Buffer.concat([marker, Buffer.from(modules), marker])),
  ]);
}
