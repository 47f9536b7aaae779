// Creates what signs a new bundle: a private key, or a command for keys that no file has.
import { resolve } from "node:path";
import { readPrivateKey, readPublicKeys, type GivenKey } from "../../adapters/files/key-files.js";
import { findSigner, signBytes } from "../../core/signing/signature.js";
import type { PublicKey } from "../../core/signing/keys.js";
import { ViolaError } from "../../errors.js";
import type { SignBytes } from "../../workflows/ports.js";
import { keyOfVariable } from "../required-keys.js";
import type { CommandRuntime } from "../runtime.js";
import { environmentOf } from "./planning.js";

const KEY_VARIABLE = "VIOLA_AIRGAP_SIGN_KEY";
/** The passphrase of private keys that are written and read. */
export const PASSPHRASE_VARIABLE = "VIOLA_AIRGAP_KEY_PASSPHRASE";

/** Options that choose how a bundle is signed. */
export interface SigningFlags {
  readonly signKey?: string;
  readonly signCommand?: string;
}

/**
 * Returns what signs the bundle, or undefined. Where keys are required (`--key`), the signature must
 * be of one of them. Throws `KEY_INVALID`, `FILE_UNUSABLE`, and `USAGE` for two ways to sign.
 */
export async function makeSigner(
  { signKey, signCommand }: SigningFlags,
  runtime: CommandRuntime,
): Promise<SignBytes | undefined> {
  if (signKey !== undefined && signCommand !== undefined) {
    throw new ViolaError("USAGE", "--sign-key and --sign-command exclude each other", {
      subject: "--sign-command",
      hint: "Use one of them.",
    });
  }
  if (signCommand !== undefined) return commandSigner(signCommand, runtime);
  const given = givenKey(signKey, runtime);
  return given === undefined ? undefined : keySigner(given, runtime);
}

function givenKey(signKey: string | undefined, { env, cwd }: CommandRuntime): GivenKey | undefined {
  if (signKey === undefined) return keyOfVariable(KEY_VARIABLE, env, cwd);
  return { content: resolve(cwd, signKey), name: signKey };
}

async function keySigner(given: GivenKey, runtime: CommandRuntime): Promise<SignBytes> {
  const key = await readPrivateKey(given, runtime.env[PASSPHRASE_VARIABLE] || undefined);
  const required = await runtime.requiredKeys();
  // Nothing is fetched for a bundle that would be refused.
  if (required !== undefined && !required.keys.some(({ id }) => id === key.id)) {
    throw new ViolaError("KEY_INVALID", `${given.name} is not the private key of ${required.source}`, {
      subject: given.name,
      hint: `The id of its public key is ${key.id}.`,
    });
  }
  return (bytes) => Promise.resolve(signBytes(bytes, key));
}

async function commandSigner(command: string, runtime: CommandRuntime): Promise<SignBytes> {
  const [{ signWithCommand }, required, folder] = await Promise.all([
    import("../../adapters/programs/sign-command.js"),
    runtime.requiredKeys(),
    runtime.temporaryFolder(),
  ]);
  return async (bytes, signal) => {
    const { cwd, onActivity } = runtime;
    const options = { folder, cwd, env: environmentOf(runtime), signal, onActivity };
    const signature = await signWithCommand(command, bytes, options);
    if (required === undefined || findSigner(bytes, signature, required.keys) !== undefined) return signature;
    throw new ViolaError(
      "SIGNING_FAILED",
      `what --sign-command printed is not a signature with the key of ${required.source}`,
      {
        subject: "--sign-command",
        hint: "The command must sign the bytes of stdin with Ed25519, without hashing them. What was fetched is kept for the next build.",
      },
    );
  };
}

/** The kinds of keys that cosign creates or imports. */
const IMAGE_KEY_TYPES = ["ec", "rsa", "ed25519"];

/** Returns the keys that images must be signed with, or undefined if none are given. */
export async function readImageKeys(
  files: readonly string[],
  cwd: string,
): Promise<readonly PublicKey[] | undefined> {
  if (files.length === 0) return undefined;
  return readPublicKeys(
    files.map((file) => ({ content: resolve(cwd, file), name: file })),
    IMAGE_KEY_TYPES,
  );
}
