// Prepares a program for a bundle. The source is a file, or a URL with a checksum. Either may be the
// .tar.gz that the project publishes.
import { createReadStream, createWriteStream } from "node:fs";
import { open } from "node:fs/promises";
import { basename, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { extract } from "tar-stream";
import type { Platform } from "../../core/oci/descriptor.js";
import { formatPlatform } from "../../core/oci/platform.js";
import { ContentVerifier, type ContentFault } from "../../core/oci/verifier.js";
import { redactUrl } from "../../core/redact.js";
import { isBug, systemErrorCode, ViolaError } from "../../errors.js";
import type { Run } from "../../workflows/progress.js";
import { ConnectionFailure, readStart, type HttpClient, type HttpResponse } from "../http/client.js";
import { describeAnswer } from "../http/describe-answer.js";
import { describeFile } from "./describe-file.js";
import type { BundledFile } from "../../core/bundle/archive-plan.js";

/** Where the program is obtained from. */
export type ProgramSource =
  | { readonly kind: "file"; readonly file: string }
  /** `sha256`: 64 hex digits. */
  | { readonly kind: "url"; readonly url: string; readonly sha256: string };

export interface ProgramOptions {
  /** Platforms of the bundle. */
  readonly platforms: readonly Platform[];
  /**
   * An existing folder for downloads and unpacked files. It must exist until the bundle is written.
   */
  readonly folder: string;
  /** The client for downloads. */
  readonly http: HttpClient;
}

/** A program to include in the bundle as `bin/NAME`. */
export interface ProgramRequest {
  readonly name: string;
  readonly source: ProgramSource;
}

/** e_machine of ELF, https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html */
const MACHINES: ReadonlyMap<number, string> = new Map([
  [3, "386"],
  [21, "ppc64le"],
  [22, "s390x"],
  [40, "arm"],
  [62, "amd64"],
  [183, "arm64"],
  [243, "riscv64"],
  [258, "loong64"],
]);
const ELF = "\x7fELF";
const GZIP = "\x1f\x8b";
const HEAD_BYTES = 20;
/** The number of bytes of an error response that are read for the message. */
const REFUSAL_BYTES = 4096;

/**
 * Returns the program as `bin/NAME`.
 * Throws `FILE_UNUSABLE` when it cannot be obtained, is not a Linux program, or is not for a
 * platform of the bundle. Throws `DIGEST_MISMATCH` when a download does not match its checksum.
 */
export async function bundleProgram(
  run: Run,
  { name, source }: ProgramRequest,
  options: ProgramOptions,
): Promise<BundledFile> {
  const given = source.kind === "file" ? source.file : await download(run, name, source, options);
  const from = source.kind === "file" ? source.file : source.url;
  const isArchive = (await readHead(given)).toString("latin1", 0, 2) === GZIP;
  const file = isArchive ? await unpack(run, { name, archive: given, from }, options) : given;
  const head = await readHead(file);
  const wanted = options.platforms.map(formatPlatform).join(", ");
  const machine = MACHINES.get(head.length === HEAD_BYTES ? head.readUInt16LE(18) : 0);
  if (head.toString("latin1", 0, 4) !== ELF || machine === undefined) {
    throw unfit(name, `${from} is not a Linux program`, wanted);
  }
  if (!options.platforms.some(({ architecture }) => architecture === machine)) {
    throw unfit(name, `${from} is a program for linux/${machine}, but the bundle is for ${wanted}`, wanted);
  }
  return describeFile({ path: `bin/${name}`, file }, run.signal);
}

async function download(
  { signal, progress }: Run,
  name: string,
  { url, sha256 }: Extract<ProgramSource, { kind: "url" }>,
  { folder, http }: ProgramOptions,
): Promise<string> {
  const step = `include-${name}`;
  const file = join(folder, `${name}.download`);
  const shown = redactUrl(new URL(url));
  const store = async ({ status, headers, body }: HttpResponse): Promise<ContentFault | undefined> => {
    if (status !== 200)
      throw new RefusedDownload(describeAnswer(status, await readStart(body, REFUSAL_BYTES)));
    const total = Number(headers["content-length"] ?? 0);
    const title = `Fetching ${name}`;
    progress({ kind: "started", step, title, unit: "bytes", ...(total > 0 && { total }) });
    const verifier = new ContentVerifier({ digest: `sha256:${sha256}` });
    const verified = async function* (): AsyncIterable<Uint8Array> {
      for await (const chunk of body) {
        verifier.update(chunk);
        progress({ kind: "advanced", step, done: verifier.received });
        yield chunk;
      }
    };
    await pipeline(verified, createWriteStream(file), { signal });
    return verifier.findFault();
  };
  let fault: ContentFault | undefined;
  try {
    fault = await http.receive({ method: "GET", url: new URL(url), headers: {} }, store, signal);
    progress({ kind: "ended", step });
  } catch (cause) {
    signal.throwIfAborted();
    if (!(cause instanceof ConnectionFailure) && !(cause instanceof RefusedDownload)) {
      const code = systemErrorCode(cause);
      throw new ViolaError("FILE_UNUSABLE", `${file} cannot be written (${code})`, {
        subject: file,
        cause,
      });
    }
    throw new ViolaError("FILE_UNUSABLE", `${name} cannot be fetched from ${shown}: ${cause.message}`, {
      subject: name,
      cause,
      hint: `Download it in another way and specify the file: --with ${name}=FILE`,
    });
  }
  if (fault?.kind === "digest") {
    const found = fault.actual.slice("sha256:".length);
    throw new ViolaError("DIGEST_MISMATCH", `${shown} has sha256 ${found}, but ${sha256} was expected`, {
      subject: name,
      hint: "Compare both checksums with the one that the project publishes.",
    });
  }
  return file;
}

/** The server responded with a status other than 200. */
class RefusedDownload extends Error {}

/** Extracts the first executable file with the name of the program from the archive. */
async function unpack(
  { signal }: Run,
  { name, archive, from }: { readonly name: string; readonly archive: string; readonly from: string },
  { folder }: ProgramOptions,
): Promise<string> {
  const file = join(folder, name);
  const entries = extract();
  const reading = pipeline(createReadStream(archive), createGunzip(), entries, { signal });
  // The loop below throws the same error.
  reading.catch(() => undefined);
  let isFound = false;
  try {
    for await (const entry of entries) {
      const { name: path, type, mode } = entry.header;
      const isWanted: boolean =
        !isFound && type === "file" && basename(path) === name && (mode & 0o111) !== 0;
      if (isWanted) await pipeline(entry, createWriteStream(file), { signal });
      else entry.resume();
      isFound ||= isWanted;
    }
    await reading;
  } catch (cause) {
    signal.throwIfAborted();
    if (isBug(cause)) throw cause;
    throw new ViolaError("FILE_UNUSABLE", `${from} cannot be unpacked`, { subject: name, cause });
  }
  if (isFound) return file;
  throw new ViolaError("FILE_UNUSABLE", `${from} does not contain the program ${name}`, {
    subject: name,
    hint: "Specify the program itself, or the .tar.gz that its project publishes.",
  });
}

async function readHead(file: string): Promise<Buffer> {
  try {
    const handle = await open(file, "r");
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch (cause) {
    const code = systemErrorCode(cause);
    throw new ViolaError("FILE_UNUSABLE", `${file} cannot be read (${code})`, { subject: file, cause });
  }
}

function unfit(name: string, message: string, wanted: string): ViolaError {
  return new ViolaError("FILE_UNUSABLE", message, {
    subject: name,
    hint: `Specify one for ${wanted}: --with ${name}=FILE, or ${name}=URL#sha256:HEX`,
  });
}
