// The check of size and digest that everything which is read from outside goes through.
import { describe, expect, it } from "vitest";
import { digestOf } from "../../../../src/core/oci/digest.js";
import { ContentVerifier, findContentFault } from "../../../../src/core/oci/verifier.js";

const bytes = Buffer.from("twelve bytes");
const expected = { digest: digestOf(bytes), size: bytes.length };

describe("ContentVerifier", () => {
  it("accepts the bytes, however they are cut", () => {
    const verifier = new ContentVerifier(expected);

    for (const byte of bytes) expect(verifier.update(Buffer.from([byte]))).toBe(true);

    expect(verifier.findFault()).toBeUndefined();
    expect(verifier.received).toBe(bytes.length);
  });

  it("tells a body that was cut short from one that is damaged", () => {
    expect(findContentFault(bytes.subarray(1), expected)).toEqual({ kind: "size", received: 11 });
    expect(findContentFault(Buffer.from("twelve bytex"), expected)).toEqual({
      kind: "digest",
      actual: digestOf("twelve bytex"),
    });
  });

  it("refuses a chunk that goes beyond the size, and forgets it", () => {
    const verifier = new ContentVerifier(expected);
    verifier.update(bytes);

    expect(verifier.update(Buffer.from("x"))).toBe(false);
    expect(verifier.findFault()).toBeUndefined();
    expect(findContentFault(Buffer.concat([bytes, bytes]), expected)).toEqual({ kind: "size", received: 24 });
  });

  it("takes any number of bytes where the size is not known", () => {
    expect(findContentFault(bytes, { digest: expected.digest })).toBeUndefined();
  });

  it("begins anew", () => {
    const verifier = new ContentVerifier(expected);
    verifier.update(Buffer.from("other"));
    verifier.reset();
    verifier.update(bytes);

    expect(verifier.findFault()).toBeUndefined();
  });
});
