// The check of size and digest of external content.
import { describe, expect, it } from "vitest";
import { digestOf } from "../../../../src/core/oci/digest.js";
import { ContentVerifier, findContentFault } from "../../../../src/core/oci/verifier.js";

const bytes = Buffer.from("twelve bytes");
const expected = { digest: digestOf(bytes), size: bytes.length };

describe("ContentVerifier", () => {
  it("accepts the bytes in any chunks", () => {
    const verifier = new ContentVerifier(expected);

    for (const byte of bytes) expect(verifier.update(Buffer.from([byte]))).toBe(true);

    expect(verifier.findFault()).toBeUndefined();
    expect(verifier.received).toBe(bytes.length);
  });

  it("distinguishes a truncated body from a damaged one", () => {
    expect(findContentFault(bytes.subarray(1), expected)).toEqual({ kind: "size", received: 11 });
    expect(findContentFault(Buffer.from("twelve bytex"), expected)).toEqual({
      kind: "digest",
      actual: digestOf("twelve bytex"),
    });
  });

  it("rejects a chunk that exceeds the size, and ignores it", () => {
    const verifier = new ContentVerifier(expected);
    verifier.update(bytes);

    expect(verifier.update(Buffer.from("x"))).toBe(false);
    expect(verifier.findFault()).toBeUndefined();
    expect(findContentFault(Buffer.concat([bytes, bytes]), expected)).toEqual({ kind: "size", received: 24 });
  });

  it("accepts any number of bytes when the size is unknown", () => {
    expect(findContentFault(bytes, { digest: expected.digest })).toBeUndefined();
  });

  it("can be reset", () => {
    const verifier = new ContentVerifier(expected);
    verifier.update(Buffer.from("other"));
    verifier.reset();
    verifier.update(bytes);

    expect(verifier.findFault()).toBeUndefined();
  });
});
