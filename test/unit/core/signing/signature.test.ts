// The signature of bundle.json: what a program may print, and what is refused.
import { describe, expect, it } from "vitest";
import { NO_CHECKSUM, sealInventory } from "../../../../src/core/bundle/inventory-checksum.js";
import { createKeyPair, parsePrivateKey, parsePublicKeys } from "../../../../src/core/signing/keys.js";
import {
  checkSignature,
  describeSignature,
  readSignature,
  signBytes,
} from "../../../../src/core/signing/signature.js";

const [mine, other] = [createKeyPair(), createKeyPair()];
const key = parsePrivateKey(mine.privatePem, "mine");
const required = (...pems: readonly string[]) => ({
  keys: pems.flatMap((pem) => parsePublicKeys(pem, "key")),
  source: "--key",
});
const inventory = Buffer.from(`{"a": 1, "checksum": "${NO_CHECKSUM}"}`);
sealInventory(inventory);
const signature = signBytes(inventory, key);

describe("what a program prints as a signature", () => {
  const base64 = Buffer.from(signature).toString("base64");

  it.each([
    ["raw", signature],
    ["in base64", Buffer.from(base64)],
    ["in lines of base64", Buffer.from(`${base64.slice(0, 64)}\r\n${base64.slice(64)}\n`)],
    ["in base64 without padding", Buffer.from(base64.replace("==", ""))],
  ])("is read %s", (_, printed) => {
    expect(readSignature(printed)).toEqual(Buffer.from(signature));
  });

  it.each([
    ["nothing", ""],
    ["a text", "signed\n"],
    ["too few bytes", signature.subarray(1)],
    ["too many bytes", Buffer.concat([signature, Buffer.from("\n")])],
    ["the signature of RSA", Buffer.alloc(256)],
    ["base64 of something longer", Buffer.alloc(70).toString("base64")],
    ["hex", Buffer.from(signature).toString("hex")],
  ])("is refused if it is %s", (_, printed) => {
    expect(readSignature(Buffer.from(printed))).toBeUndefined();
  });
});

describe("the signature of a bundle", () => {
  it("is verified with any of the keys, whose id is returned", () => {
    const found = checkSignature("a.bundle", inventory, signature, required(other.publicPem, mine.publicPem));
    expect(found).toEqual({ keyId: mine.id });
    expect(describeSignature(found)).toEqual({ algorithm: "ed25519", verified: true, keyId: mine.id });
  });

  it("is not verified without keys", () => {
    const found = checkSignature("a.bundle", inventory, signature, undefined);
    expect(describeSignature(found)).toEqual({ algorithm: "ed25519", verified: false, keyId: null });
    expect(describeSignature(checkSignature("a.bundle", inventory, undefined, undefined))).toBeNull();
  });

  it("is the same for the same bytes", () => {
    expect(signBytes(inventory, key)).toEqual(signature);
  });

  it.each([
    ["is missing", inventory, undefined, "SIGNATURE_MISSING"],
    [
      "is of another key",
      inventory,
      signBytes(inventory, parsePrivateKey(other.privatePem, "")),
      "SIGNATURE_INVALID",
    ],
    ["is of other bytes", Buffer.from("{}"), signature, "SIGNATURE_INVALID"],
    ["is empty", inventory, new Uint8Array(), "SIGNATURE_INVALID"],
    ["has zeros", inventory, new Uint8Array(64), "SIGNATURE_INVALID"],
  ])("is refused when it %s", (_, bytes, given, code) => {
    expect(() => checkSignature("a.bundle", bytes, given, required(mine.publicPem))).toThrow(
      expect.objectContaining({ code, subject: "a.bundle" }),
    );
  });
});
