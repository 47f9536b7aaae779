// Signatures of cosign: of which image, with which kinds of keys.
import { generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import { describe, expect, it } from "vitest";
import { isStatementOf } from "../../../../src/core/signing/cosign-signature.js";
import { parsePublicKeys } from "../../../../src/core/signing/keys.js";
import { OCI_MANIFEST } from "../../../../src/core/oci/descriptor.js";
import { digestOf, type Digest } from "../../../../src/core/oci/digest.js";

const TYPES = ["ec", "rsa", "ed25519"];
const image = { root: { mediaType: OCI_MANIFEST, digest: digestOf("image"), size: 1 } };
const statementOf = (digest: Digest): Buffer =>
  Buffer.from(
    JSON.stringify({
      critical: {
        identity: { "docker-reference": "quay.io/org/app" },
        image: { "docker-manifest-digest": digest },
        type: "cosign container image signature",
      },
      optional: null,
    }),
  );
const publicOf = (key: KeyObject) =>
  parsePublicKeys(key.export({ type: "spki", format: "pem" }).toString(), "key", TYPES);

describe.each([
  ["P-256", "sha256", () => generateKeyPairSync("ec", { namedCurve: "P-256" })],
  ["RSA", "sha256", () => generateKeyPairSync("rsa", { modulusLength: 2048 })],
  ["Ed25519", null, () => generateKeyPairSync("ed25519")],
] as const)("a signature with a key of %s", (_, algorithm, makePair) => {
  const [mine, other] = [makePair(), makePair()];
  const statement = statementOf(image.root.digest);
  const signature = sign(algorithm, statement, mine.privateKey);

  it("is accepted with its key", () => {
    const keys = [...publicOf(other.publicKey), ...publicOf(mine.publicKey)];
    expect(isStatementOf(image, statement, signature, keys)).toBe(true);
  });

  it("is refused with another key, of another statement, and of another image", () => {
    expect(isStatementOf(image, statement, signature, publicOf(other.publicKey))).toBe(false);
    const elsewhere = statementOf(digestOf("another image"));
    expect(isStatementOf(image, elsewhere, signature, publicOf(mine.publicKey))).toBe(false);
    const moved = sign(algorithm, elsewhere, mine.privateKey);
    expect(isStatementOf(image, elsewhere, moved, publicOf(mine.publicKey))).toBe(false);
    expect(isStatementOf(image, statement, new Uint8Array(), publicOf(mine.publicKey))).toBe(false);
  });

  it.each([["text"], ["{}"], ['{"critical":{"image":{}}}']])("of %s is refused", (text) => {
    const bytes = Buffer.from(text);
    expect(
      isStatementOf(image, bytes, sign(algorithm, bytes, mine.privateKey), publicOf(mine.publicKey)),
    ).toBe(false);
  });
});
