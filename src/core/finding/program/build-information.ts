// Reads the build information that the Go linker embeds: the main module, the dependencies and the
// build flags. https://github.com/golang/go/blob/master/src/debug/buildinfo/buildinfo.go
import { readAddress, sectionAt, type Elf } from "./elf.js";

/** A Go module. For a replaced module, `version` is the version of the replacement. */
export interface GoModule {
  readonly path: string;
  readonly version: string;
}

export interface BuildInformation {
  readonly main: GoModule | undefined;
  readonly dependencies: readonly GoModule[];
  /**
   * Versions that linker flags wrote into variables: `-X main.version=1.2.3`. Empty in a build with
   * `-trimpath`.
   */
  readonly stampedVersions: readonly string[];
}

const MAGIC = Buffer.from("\xff Go buildinf:", "latin1");
const ALIGNMENT = 16;
const HEADER_BYTES = 32;
const FLAG_INLINE = 2;
const WORD_BYTES = 8;

/** Reads the build information; undefined for a program that is not written in Go. */
export function readBuildInformation(elf: Elf): BuildInformation | undefined {
  const text = findModuleText(elf);
  if (text === undefined) return undefined;
  const rows = text.split("\n").map((line) => line.split("\t"));
  const modules: { kind: string; path: string; version: string }[] = [];
  for (const [kind = "", path = "", version = ""] of rows) {
    const last = modules.at(-1);
    // A replaced module keeps the path that the program imports.
    if (kind === "=>" && last !== undefined) last.version = version;
    else if (kind === "mod" || kind === "dep") modules.push({ kind, path, version });
  }
  const flags = rows.flatMap(([kind, setting = ""]) =>
    kind === "build" && setting.startsWith("-ldflags=") ? [setting] : [],
  );
  return {
    main: modules.find(({ kind }) => kind === "mod"),
    dependencies: modules.filter(({ kind }) => kind === "dep"),
    stampedVersions: flags.flatMap((line) =>
      [...line.matchAll(/[Vv]ersion=(v?\d+\.\d+\.\d+[\w.+-]*)/g)].map(([, version = ""]) => version),
    ),
  };
}

function findModuleText(elf: Elf): string | undefined {
  for (const { bytes, offset } of elf.data) {
    for (let at = bytes.indexOf(MAGIC); at >= 0; at = bytes.indexOf(MAGIC, at + 1)) {
      if ((offset + at) % ALIGNMENT !== 0 || at + HEADER_BYTES > bytes.length) continue;
      const isInline = (bytes.readUInt8(at + 15) & FLAG_INLINE) !== 0;
      const text = isInline ? readInline(bytes, at + HEADER_BYTES) : readPointed(elf, bytes, at);
      if (text !== undefined) return text;
    }
  }
  return undefined;
}

/**
 * Since Go 1.18, two strings with varint lengths follow the header: the Go version and the modules.
 */
function readInline(bytes: Buffer, start: number): string | undefined {
  const version = readVarintText(bytes, start);
  return version && unwrap(readVarintText(bytes, version.end)?.text);
}

function readVarintText(
  bytes: Buffer,
  start: number,
): { readonly text: string; readonly end: number } | undefined {
  let length = 0;
  for (let at = start, scale = 1; at < Math.min(start + 5, bytes.length); at++, scale *= 128) {
    const byte = bytes.readUInt8(at);
    length += (byte & 0x7f) * scale;
    if (byte >= 0x80) continue;
    const end = at + 1 + length;
    return end > bytes.length ? undefined : { text: bytes.toString("utf8", at + 1, end), end };
  }
  return undefined;
}

/**
 * Before Go 1.18, the header has the addresses of two string headers; the second one is for the
 * modules.
 */
function readPointed({ data, relocated }: Elf, bytes: Buffer, at: number): string | undefined {
  const read = (address: number, length: number): Buffer | undefined => {
    const section = sectionAt(data, address);
    const start = section === undefined ? 0 : address - section.address;
    const part = section?.bytes.subarray(start, start + length);
    return part?.length === length ? part : undefined;
  };
  const pointerAt = (address: number): number | undefined => {
    const stored = read(address, WORD_BYTES);
    return relocated.get(address) ?? (stored && readAddress(stored, 0));
  };
  const home = data.find((section) => section.bytes === bytes);
  const header = home && pointerAt(home.address + at + 24);
  const text = header === undefined ? undefined : pointerAt(header);
  const length = header === undefined ? undefined : read(header + WORD_BYTES, WORD_BYTES);
  if (text === undefined || length === undefined) return undefined;
  return unwrap(read(text, readAddress(length, 0))?.toString("utf8"));
}

/** Returns the text without the marker before it; undefined when there is no module information. */
function unwrap(text: string | undefined): string | undefined {
  const start = text?.indexOf("path\t") ?? -1;
  return start < 0 ? undefined : text?.slice(start);
}
