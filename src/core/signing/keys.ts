// Ed25519 keys as PEM text, as OpenSSL writes them.
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { ViolaError } from "../../errors.js";
import { digestOf, type Digest } from "../oci/digest.js";

/** A public key that a bundle may be signed with. */
export interface PublicKey {
  /** See `keyIdOf`. */
  readonly id: Digest;
  readonly key: KeyObject;
}

/** A private key, and the id of its public key. */
export interface PrivateKey {
  readonly id: Digest;
  readonly key: KeyObject;
}

/** A new key pair as PEM: PKCS #8, encrypted if there is a passphrase, and SubjectPublicKeyInfo. */
export interface KeyPair {
  readonly id: Digest;
  readonly privatePem: string;
  readonly publicPem: string;
}

/** Far more keys than anybody rotates. Also limits what a wrong file costs. */
const KEYS_PER_TEXT = 100;
const PEM_BLOCK = /-----BEGIN ([A-Z0-9 ]{1,60})-----[^-]*-----END \1-----/g;
const OPENSSH_PUBLIC = /^\s*(?:ssh-|ecdsa-sha2-|sk-)/;

/**
 * Returns the digest of the DER encoding of the key (SubjectPublicKeyInfo), which is also what
 * `openssl pkey -pubin -in FILE -outform DER | sha256sum` prints.
 */
export function keyIdOf(key: KeyObject): Digest {
  return digestOf(key.export({ type: "spki", format: "der" }));
}

/** Creates a key pair. The private key is encrypted with AES-256 if there is a passphrase. */
export function createKeyPair(passphrase?: string): KeyPair {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  return {
    id: keyIdOf(publicKey),
    privatePem: privateKey
      .export({
        type: "pkcs8",
        format: "pem",
        ...(passphrase !== undefined && { cipher: "aes-256-cbc", passphrase }),
      })
      .toString(),
    publicPem: publicKey.export({ type: "spki", format: "pem" }).toString(),
  };
}

/**
 * Returns the public keys of the text, at least one. `source` names the text: a file or a variable.
 * Throws `KEY_INVALID` for anything else than public keys of one of the types (of Node.js).
 */
export function parsePublicKeys(
  text: string,
  source: string,
  types: readonly string[] = ["ed25519"],
): readonly PublicKey[] {
  const blocks = pemBlocks(text);
  if (blocks.length === 0) throw noPem(text, source, "public");
  return blocks.map(({ label, pem }) => {
    if (label.endsWith("PRIVATE KEY")) {
      throw invalid(source, "is a private key, but a public key is required", {
        hint: `Write its public key: openssl pkey -in ${source} -pubout -out ${publicNameOf(source)}. Keep the private key where bundles are built.`,
      });
    }
    if (label === "CERTIFICATE") {
      throw invalid(source, "is a certificate, but a public key is required", {
        hint: `Write its public key: openssl x509 -in ${source} -noout -pubkey`,
      });
    }
    const key = parse(() => createPublicKey({ key: pem, format: "pem" }), source, "public");
    requireType(key, source, types);
    return { id: keyIdOf(key), key };
  });
}

/**
 * Returns the private key of the text. Throws `KEY_INVALID` for anything else than one Ed25519
 * private key, and for an encrypted one without its passphrase.
 */
export function parsePrivateKey(text: string, source: string, passphrase?: string): PrivateKey {
  const blocks = pemBlocks(text);
  const [block] = blocks.filter(({ label }) => label.endsWith("PRIVATE KEY"));
  if (block === undefined) {
    if (blocks.length === 0) throw noPem(text, source, "private");
    throw invalid(source, "has no private key, but one is required to sign", {
      hint: "Name the private key. `viola-airgap keygen` writes it as NAME.key, and the public key as NAME.pub.",
    });
  }
  if (block.label === "OPENSSH PRIVATE KEY") throw openSsh(source, "private");
  const isEncrypted = block.label.startsWith("ENCRYPTED") || block.pem.includes("Proc-Type: 4,ENCRYPTED");
  if (isEncrypted && passphrase === undefined) {
    throw invalid(source, "is encrypted", {
      hint: "Set VIOLA_AIRGAP_KEY_PASSPHRASE to its passphrase.",
    });
  }
  const key = parse(
    () =>
      createPrivateKey({
        key: block.pem,
        format: "pem",
        ...(isEncrypted && passphrase !== undefined && { passphrase }),
      }),
    source,
    isEncrypted ? "encrypted" : "private",
  );
  requireType(key, source, ["ed25519"]);
  return { id: keyIdOf(createPublicKey(key)), key };
}

function pemBlocks(text: string): readonly { readonly label: string; readonly pem: string }[] {
  return [...text.matchAll(PEM_BLOCK)]
    .slice(0, KEYS_PER_TEXT)
    .map(([pem, label = ""]) => ({ label, pem: pem.replaceAll("\r\n", "\n") }));
}

function parse(read: () => KeyObject, source: string, kind: "public" | "private" | "encrypted"): KeyObject {
  try {
    return read();
  } catch (cause) {
    if (kind === "encrypted") {
      throw invalid(source, "cannot be decrypted", {
        hint: "Check VIOLA_AIRGAP_KEY_PASSPHRASE. The file must be PKCS #8, as `openssl pkcs8 -topk8` writes it.",
        cause,
      });
    }
    throw invalid(source, `is damaged: it has no readable ${kind} key`, {
      hint: `Compare it with the original. \`openssl pkey ${kind === "public" ? "-pubin " : ""}-in ${source} -noout -text\` shows a key.`,
      cause,
    });
  }
}

function requireType(
  { asymmetricKeyType: type = "dsa" }: KeyObject,
  source: string,
  types: readonly string[],
): void {
  if (types.includes(type)) return;
  throw invalid(source, `is a key of type ${type}, but only ${types.join(", ")} is supported`, {
    hint: "Create a key pair with `viola-airgap keygen`, or `openssl genpkey -algorithm ed25519`.",
  });
}

function noPem(text: string, source: string, kind: "public" | "private"): ViolaError {
  if (OPENSSH_PUBLIC.test(text)) return openSsh(source, "public");
  return invalid(source, `has no ${kind} key in PEM`, {
    hint: `A ${kind} key in PEM begins with "-----BEGIN ${kind.toUpperCase()} KEY-----". \`viola-airgap keygen\` writes one.`,
  });
}

/**
 * ssh-keygen converts RSA and ECDSA keys to PEM, but no Ed25519 keys. Both formats end with the 32
 * bytes of the key or contain them at a fixed place, and RFC 8410 prefixes these bytes in DER.
 * https://cvsweb.openbsd.org/src/usr.bin/ssh/PROTOCOL.key
 */
function openSsh(source: string, kind: "public" | "private"): ViolaError {
  const command =
    kind === "public"
      ? `cut -d' ' -f2 ${source} | base64 -d | tail -c 32 | (printf '${octal("302a300506032b6570032100")}'; cat) | openssl pkey -pubin -inform DER`
      : `sed '/^-/d' ${source} | base64 -d | tail -c +162 | head -c 32 | (printf '${octal("302e020100300506032b657004220420")}'; cat) | openssl pkey -inform DER`;
  const condition = kind === "public" ? "" : " and has no passphrase";
  return invalid(source, `is a ${kind} key in the format of OpenSSH, but PEM is required`, {
    hint: `If it is an Ed25519 key${condition}, this command converts it: ${command}`,
  });
}

/** Returns bytes as `printf` takes them. */
function octal(hex: string): string {
  return [...Buffer.from(hex, "hex")].map((byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("");
}

function publicNameOf(source: string): string {
  return `${source.replace(/\.(?:key|pem)$/, "")}.pub`;
}

function invalid(
  source: string,
  what: string,
  details: { readonly hint: string; readonly cause?: unknown },
): ViolaError {
  return new ViolaError("KEY_INVALID", `${source} ${what}`, { subject: source, ...details });
}
