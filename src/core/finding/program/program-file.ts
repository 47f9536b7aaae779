// Selects the files of an operator's image to read, and finds suspects in each.
import { isClassFile, readClassStrings } from "./class-file.js";
import { findInCompiledProgram, type ProgramFacts } from "./compiled-program.js";
import { isElf, type FileBytes, type UnreadableProgram } from "./elf.js";
import type { FileSuspect } from "./suspect.js";
import { findInDocument, findInEnvironment, findInScript, findInStrings } from "./text.js";

/** A file of an image. The path has no leading slash; an entry of an archive follows `!`. */
export interface ProgramFile {
  readonly path: string;
  /** The content. Only a compiled program may be outside memory. */
  readonly bytes: Buffer | FileBytes;
  /** True for a file that is in the entrypoint or command of the image. */
  readonly isEntrypoint: boolean;
  /** True for the variables of the image's configuration: lines of `NAME=value`. */
  readonly isEnvironment?: boolean;
}

/** The properties of a file that are known before it is read. */
export interface FileFacts {
  readonly path: string;
  readonly size: number;
  readonly isExecutable: boolean;
  readonly isEntrypoint: boolean;
}

/** Larger programs are not read. */
export const LARGEST_PROGRAM = 1024 * 1024 * 1024;
const LARGEST_TEXT = 2 * 1024 * 1024;
/**
 * In folders for system tools, smaller files are skipped: an operator is larger than the tools of a
 * distribution.
 */
const SMALLEST_AMONG_TOOLS = 1024 * 1024;

const DOCUMENT = /\.(?:ya?ml|json)$/;
const SCRIPT = /\.(?:py|sh|bash|rb|js|mjs|properties|conf|toml|env)$/;
const ARCHIVE = /\.(?:jar|war|ear)$/;
const LIBRARY = /\.so(?:\.|$)/;
const TOOLS = /^(?:usr\/)?s?bin\//;
/** Files of the distribution and of language runtimes. */
const FOREIGN =
  /^(?:usr\/)?(?:lib(?:32|64|x32)?|libexec|share|include)\/(?!.*(?:site|dist)-packages\/)|^(?:dev|proc|sys|run|var\/(?:lib\/(?:apt|dpkg|rpm)|cache|log))\/|^etc\/(?:ssl|apt|alternatives|init\.d|pam\.d|security|systemd|profile\.d)\/|\/lib\/python3[^/]*\/(?!site-packages\/)|(?:site|dist)-packages\/(?:pip|setuptools|wheel|pkg_resources)\/|(?:^|\/)node_modules\//;

/** True for a file that should be read, judging by its path and size. */
export function mayBeProgram({ path, size, isExecutable, isEntrypoint }: FileFacts): boolean {
  if (size === 0 || LIBRARY.test(path)) return false;
  if (isEntrypoint || ARCHIVE.test(path)) return true;
  if (FOREIGN.test(path)) return false;
  if (DOCUMENT.test(path) || SCRIPT.test(path)) return size <= LARGEST_TEXT;
  return isExecutable && (!TOOLS.test(path) || size >= SMALLEST_AMONG_TOOLS);
}

/** True for an archive whose entries should be read. */
export function isProgramArchive(path: string): boolean {
  return ARCHIVE.test(path);
}

/** True for an entry of such an archive that should be read. */
export function isProgramEntry(path: string, size: number): boolean {
  return (
    size > 0 && size <= LARGEST_TEXT && (/\.class$/.test(path) || DOCUMENT.test(path) || SCRIPT.test(path))
  );
}

/** Returns why a file with these first bytes cannot be parsed, as the rest of a sentence. */
export function describeUnreadable(start: Buffer): string {
  if (start.subarray(0, 2).toString("latin1") === "MZ")
    return "is a Windows or .NET program, which cannot be read";
  return "is neither a compiled program for Linux nor a script";
}

/**
 * True when a file with these first bytes can be parsed: an ELF program, a script, or a document or
 * archive by its name.
 */
export function isReadable(path: string, start: Buffer): boolean {
  const isScript = start.subarray(0, 2).toString("latin1") === "#!";
  return isElf(start) || isScript || [DOCUMENT, SCRIPT, ARCHIVE].some((kind) => kind.test(path));
}

/** The images that a file names. */
export interface ProgramImages {
  readonly suspects: readonly FileSuspect[];
}

/**
 * Returns the images that the file names, once each, or why it cannot be read. A damaged program is
 * no error.
 */
export function findInProgramFile(file: ProgramFile, facts: ProgramFacts): ProgramImages | UnreadableProgram {
  try {
    const suspects = readSuspects(file, facts);
    if ("unreadable" in suspects) return suspects;
    return { suspects: [...new Map(suspects.map((suspect) => [suspect.reference, suspect])).values()] };
  } catch (cause) {
    // An offset or a length in the file leads out of it.
    if (!(cause instanceof RangeError)) throw cause;
    return { unreadable: "is damaged" };
  }
}

function readSuspects(
  { path, bytes, isEnvironment }: ProgramFile,
  facts: ProgramFacts,
): readonly FileSuspect[] | UnreadableProgram {
  if (!Buffer.isBuffer(bytes)) return findInCompiledProgram(bytes, facts);
  if (isElf(bytes)) return findInCompiledProgram(inMemory(bytes), facts);
  if (isClassFile(bytes)) return findInStrings(readClassStrings(bytes), "constant");
  const text = bytes.toString("utf8");
  if (isEnvironment === true) return findInEnvironment(text, facts.variables ?? []);
  return DOCUMENT.test(path) ? findInDocument(text, 0) : findInScript(text);
}

function inMemory(bytes: Buffer): FileBytes {
  return { size: bytes.length, read: (start, end) => bytes.subarray(start, Math.min(end, bytes.length)) };
}
