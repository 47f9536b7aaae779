// Reads and writes the files of keys.
import { open, rename, rm } from "node:fs/promises";
import { createKeyPair, parsePrivateKey, parsePublicKeys } from "../../core/signing/keys.js";
import type { PrivateKey, PublicKey } from "../../core/signing/keys.js";
import { settleAll, systemErrorCode, ViolaError } from "../../errors.js";
import type { Digest } from "../../core/oci/digest.js";
import { newFileOf } from "./local-files.js";
import { readLimited } from "./read-limited.js";

/** A key in PEM has some hundred bytes, and a file may have several. */
const KEY_FILE_BYTES = 64 * 1024;
const PRIVATE_MODE = 0o600;
const PUBLIC_MODE = 0o644;
/** A key that is passed as text instead of a file. */
const PEM_TEXT = /^\s*-----BEGIN /;

/** A key as the user gave it: a file, or PEM text, and its name for messages. */
export interface GivenKey {
  /** Absolute path, or PEM text. */
  readonly content: string;
  /** The file, or the variable that has the text. */
  readonly name: string;
}

/** True for PEM text. Anything else is a path. */
export function isPemText(text: string): boolean {
  return PEM_TEXT.test(text);
}

/** Reads public keys. Throws `FILE_UNUSABLE` and `KEY_INVALID`, all of them together. */
export async function readPublicKeys(
  given: readonly GivenKey[],
  types?: readonly string[],
): Promise<readonly PublicKey[]> {
  const keys = await settleAll(
    "some keys cannot be used",
    given.map(async (one) => parsePublicKeys(await readKey(one), one.name, types)),
  );
  return keys.flat();
}

/** Reads a private key. Throws `FILE_UNUSABLE` and `KEY_INVALID`. */
export async function readPrivateKey(given: GivenKey, passphrase: string | undefined): Promise<PrivateKey> {
  return parsePrivateKey(await readKey(given), given.name, passphrase);
}

async function readKey({ content, name }: GivenKey): Promise<string> {
  if (isPemText(content)) return content;
  try {
    return (await readLimited(content, KEY_FILE_BYTES)).toString("utf8");
  } catch (cause) {
    if (cause instanceof ViolaError) throw cause;
    const code = systemErrorCode(cause);
    throw new ViolaError("FILE_UNUSABLE", `${name} cannot be read (${code})`, { subject: name, cause });
  }
}

/** Where a key pair is written, and whether it replaces what is there. Paths are absolute. */
export interface KeyPairFiles {
  readonly privateFile: string;
  readonly publicFile: string;
  readonly replaces: boolean;
}

/**
 * Creates a key pair and writes its files: the private key only for the user, whatever the umask is.
 * Returns the id of the key. Throws `FILE_UNUSABLE`. A file that exists is not overwritten, also if
 * it appears meanwhile, unless `replaces` is true.
 */
export async function writeKeyPair(
  { privateFile, publicFile, replaces }: KeyPairFiles,
  passphrase: string | undefined,
): Promise<Digest> {
  const { id, privatePem, publicPem } = createKeyPair(passphrase);
  const pairs = [
    { file: privateFile, text: privatePem, mode: PRIVATE_MODE },
    { file: publicFile, text: publicPem, mode: PUBLIC_MODE },
  ].map((pair) => ({ ...pair, written: replaces ? newFileOf(pair.file) : pair.file }));
  const written: string[] = [];
  try {
    for (const pair of pairs) {
      await writeNew(pair.written, pair);
      written.push(pair.written);
    }
    if (replaces) for (const pair of pairs) await rename(pair.written, pair.file);
  } catch (cause) {
    await Promise.all(written.map((file) => rm(file, { force: true })));
    const { file = privateFile } = pairs[written.length] ?? {};
    throw new ViolaError("FILE_UNUSABLE", `${file} cannot be written (${systemErrorCode(cause)})`, {
      subject: file,
      cause,
    });
  }
  return id;
}

async function writeNew(
  file: string,
  { text, mode }: { readonly text: string; readonly mode: number },
): Promise<void> {
  const handle = await open(file, "wx", mode);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
