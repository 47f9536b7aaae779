// Keys as PEM: Ed25519 is read, and every other kind of key is refused with what to do.
import { createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { describe, expect, it } from "vitest";
import { digestOf } from "../../../../src/core/oci/digest.js";
import { createKeyPair, parsePrivateKey, parsePublicKeys } from "../../../../src/core/signing/keys.js";
import { ViolaError } from "../../../../src/errors.js";

const pair = createKeyPair();
const spki = (key: KeyObject): string => key.export({ type: "spki", format: "pem" }).toString();
const pkcs8 = (key: KeyObject): string => key.export({ type: "pkcs8", format: "pem" }).toString();
const rsa = generateKeyPairSync("rsa", { modulusLength: 1024 });
const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
const ed448 = generateKeyPairSync("ed448");
const OPENSSH =
  "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\n-----END OPENSSH PRIVATE KEY-----\n";
const OPENSSH_PUBLIC =
  "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAur+SQdu+zlZ08WkBc4e9Cnk/fPdirJi906Xs4WAUsB me@host\n";

function failureOf(parse: () => unknown): ViolaError {
  try {
    parse();
  } catch (error) {
    if (error instanceof ViolaError) return error;
    throw error;
  }
  throw new Error("it did not fail");
}

describe("a key pair", () => {
  it("has the id of its public key, the digest of its DER", () => {
    const der = createPublicKey(pair.publicPem).export({ type: "spki", format: "der" });
    expect(pair.id).toBe(digestOf(der));
    expect(parsePublicKeys(pair.publicPem, "a.pub").map(({ id }) => id)).toEqual([pair.id]);
    expect(parsePrivateKey(pair.privatePem, "a.key").id).toBe(pair.id);
  });

  it("is encrypted with a passphrase, and read only with it", () => {
    const { id, privatePem } = createKeyPair("secret");
    expect(parsePrivateKey(privatePem, "a.key", "secret").id).toBe(id);
    for (const passphrase of [undefined, "wrong"]) {
      const failure = failureOf(() => parsePrivateKey(privatePem, "a.key", passphrase));
      expect(failure).toMatchObject({ code: "KEY_INVALID", subject: "a.key" });
      expect(failure.hint).toContain("VIOLA_AIRGAP_KEY_PASSPHRASE");
    }
    // The variable may be set for another key.
    expect(parsePrivateKey(pair.privatePem, "a.key", "secret").id).toBe(pair.id);
  });
});

it("reads several public keys of a text, with comments and with the line ends of Windows", () => {
  const other = createKeyPair();
  const text = `# ours\n${pair.publicPem}# theirs\n${other.publicPem}`;
  for (const variant of [text, text.replaceAll("\n", "\r\n")])
    expect(parsePublicKeys(variant, "keys").map(({ id }) => id)).toEqual([pair.id, other.id]);
});

it.each([
  ["an RSA key", spki(rsa.publicKey), "keygen"],
  ["an EC key", spki(ec.publicKey), "keygen"],
  ["an Ed448 key", spki(ed448.publicKey), "keygen"],
  ["a private key", pair.privatePem, "openssl pkey -in a.key -pubout"],
  ["a public key of OpenSSH", OPENSSH_PUBLIC, "openssl pkey -pubin"],
  ["a private key of OpenSSH", OPENSSH, "public key"],
  ["a certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "openssl x509"],
  ["a damaged key", pair.publicPem.replace(/\n.{20}/, "\n"), "openssl pkey -pubin"],
  ["a key that is cut short", pair.publicPem.slice(0, 60), "BEGIN PUBLIC KEY"],
  ["nothing", "", "BEGIN PUBLIC KEY"],
  ["one that follows a right one", pair.publicPem + spki(rsa.publicKey), "keygen"],
])("refuses %s as public key", (_, text, hint) => {
  const failure = failureOf(() => parsePublicKeys(text, "a.key"));
  expect(failure).toMatchObject({ code: "KEY_INVALID", subject: "a.key" });
  expect(failure.hint).toContain(hint);
});

it.each([
  ["an RSA key", pkcs8(rsa.privateKey), "keygen"],
  ["an RSA key in PKCS #1", rsa.privateKey.export({ type: "pkcs1", format: "pem" }).toString(), "keygen"],
  ["an EC key", pkcs8(ec.privateKey), "keygen"],
  ["a public key", pair.publicPem, "keygen"],
  ["a private key of OpenSSH", OPENSSH, "openssl pkey -inform DER"],
  ["a damaged key", pair.privatePem.replace(/\n.{20}/, "\n"), "openssl pkey -in"],
  ["something else", "release", "BEGIN PRIVATE KEY"],
])("refuses %s as private key", (_, text, hint) => {
  const failure = failureOf(() => parsePrivateKey(text, "a.key"));
  expect(failure).toMatchObject({ code: "KEY_INVALID", subject: "a.key" });
  expect(failure.hint).toContain(hint);
});

it("never has the key in a message", () => {
  const failure = failureOf(() => parsePublicKeys(pair.privatePem, "a.key"));
  const secret = pair.privatePem.split("\n")[1] ?? "";
  expect(`${failure.message} ${failure.hint ?? ""}`).not.toContain(secret);
});
