// Which files of an operator's image are worth reading, and what each says.
import { isClassFile, readClassStrings } from "./class-file.js";
import { findInCompiledProgram } from "./compiled-program.js";
import { isElf } from "./elf.js";
import type { FileSuspect } from "./suspect.js";
import { findInDocument, findInScript, findInStrings } from "./text.js";

/** A file of an image; the path has no slash in front, and an entry of an archive stands behind `!`. */
export interface ProgramFile {
  readonly path: string;
  readonly bytes: Buffer;
  /** True for what the image starts by itself. */
  readonly isEntrypoint: boolean;
}

/** What is known of a file before its bytes are. */
export interface FileFacts {
  readonly path: string;
  readonly size: number;
  readonly isExecutable: boolean;
  readonly isEntrypoint: boolean;
}

/** Larger files are not held in memory. */
export const LARGEST_PROGRAM = 512 * 1024 * 1024;
const LARGEST_TEXT = 2 * 1024 * 1024;
/** The tools of a distribution are small and say nothing; an operator that lies among them is large. */
const SMALLEST_AMONG_TOOLS = 1024 * 1024;

const DOCUMENT = /\.(?:ya?ml|json)$/;
const SCRIPT = /\.(?:py|sh|bash|rb|js|mjs|properties|conf|toml|env)$/;
const ARCHIVE = /\.(?:jar|war|ear)$/;
const LIBRARY = /\.so(?:\.|$)/;
const TOOLS = /^(?:usr\/)?s?bin\//;
/** Files of the distribution and of language run-times. */
const FOREIGN =
  /^(?:usr\/)?(?:lib(?:32|64|x32)?|libexec|share|include)\/(?!.*(?:site|dist)-packages\/)|^(?:dev|proc|sys|run|var\/(?:lib\/(?:apt|dpkg|rpm)|cache|log))\/|^etc\/(?:ssl|apt|alternatives|init\.d|pam\.d|security|systemd|profile\.d)\/|\/lib\/python3[^/]*\/(?!site-packages\/)|(?:site|dist)-packages\/(?:pip|setuptools|wheel|pkg_resources)\/|(?:^|\/)node_modules\//;

/** True for a file that is worth reading as far as path and size can tell. */
export function mayBeProgram({ path, size, isExecutable, isEntrypoint }: FileFacts): boolean {
  if (size === 0 || size > LARGEST_PROGRAM || LIBRARY.test(path)) return false;
  if (isEntrypoint || ARCHIVE.test(path)) return true;
  if (FOREIGN.test(path)) return false;
  if (DOCUMENT.test(path) || SCRIPT.test(path)) return size <= LARGEST_TEXT;
  return isExecutable && (!TOOLS.test(path) || size >= SMALLEST_AMONG_TOOLS);
}

/** True for an archive whose entries are the files to read. */
export function isProgramArchive(path: string): boolean {
  return ARCHIVE.test(path);
}

/** True for an entry of such an archive that is worth reading. */
export function isProgramEntry(path: string, size: number): boolean {
  return (
    size > 0 && size <= LARGEST_TEXT && (/\.class$/.test(path) || DOCUMENT.test(path) || SCRIPT.test(path))
  );
}

/** True when a file that begins with these bytes can be read: a program of ELF, a class, a script, or text by its name. */
export function isReadable(path: string, start: Buffer): boolean {
  const isScript = start.subarray(0, 2).toString("latin1") === "#!";
  return isElf(start) || isScript || [DOCUMENT, SCRIPT, ARCHIVE].some((kind) => kind.test(path));
}

/**
 * Returns the images that the file names, one per reference. `operatorTag` is the tag of the operator's own image.
 * Undefined for a program that cannot be read: another word size, or headers that make no sense.
 */
export function findInProgramFile(
  { path, bytes }: ProgramFile,
  operatorTag: string | undefined,
): readonly FileSuspect[] | undefined {
  const suspects = readSuspects(path, bytes, operatorTag);
  return suspects && [...new Map(suspects.map((suspect) => [suspect.reference, suspect])).values()];
}

function readSuspects(
  path: string,
  bytes: Buffer,
  operatorTag: string | undefined,
): readonly FileSuspect[] | undefined {
  if (isElf(bytes)) return findInCompiledProgram(bytes, operatorTag);
  if (isClassFile(bytes)) return findInStrings(readClassStrings(bytes), "constant");
  const text = bytes.toString("utf8");
  return DOCUMENT.test(path) ? findInDocument(text, 0) : findInScript(text);
}
