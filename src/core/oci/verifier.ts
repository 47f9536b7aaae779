// Verifies the size and the sha256 digest of content.
import { createHash, type Hash } from "node:crypto";

/** The expected digest and size. */
export interface ExpectedContent {
  /** `sha256:HEX` */
  readonly digest: string;
  /** Size in bytes; absent when it is not known. */
  readonly size?: number;
}

/** How content differs from the expectation. */
export type ContentFault =
  /**
   * The size differs. If the content is too large, `received` includes only the chunk that exceeded
   * the size.
   */
  | { readonly kind: "size"; readonly received: number }
  /** The size is correct, but the digest differs. */
  | { readonly kind: "digest"; readonly actual: string };

/** Counts and hashes bytes as they are read. */
export class ContentVerifier {
  readonly #expected: ExpectedContent;
  #hash: Hash = createHash("sha256");
  #received = 0;

  constructor(expected: ExpectedContent) {
    this.#expected = expected;
  }

  /** Number of bytes so far. */
  get received(): number {
    return this.#received;
  }

  /**
   * Adds the next bytes. Returns false, and ignores them, when the expected size would be exceeded.
   */
  update(chunk: Uint8Array): boolean {
    if (this.#received + chunk.length > (this.#expected.size ?? Infinity)) return false;
    this.#hash.update(chunk);
    this.#received += chunk.length;
    return true;
  }

  /** Starts over, without any bytes. */
  reset(): void {
    this.#hash = createHash("sha256");
    this.#received = 0;
  }

  /**
   * Returns the difference, or undefined. The size is checked first, because a truncated body is
   * not a corrupt one.
   */
  findFault(): ContentFault | undefined {
    const { size = this.#received } = this.#expected;
    if (this.#received !== size) return { kind: "size", received: this.#received };
    const actual = `sha256:${this.#hash.copy().digest("hex")}`;
    return actual === this.#expected.digest ? undefined : { kind: "digest", actual };
  }
}

/** Returns the difference of the bytes from the expectation, or undefined. */
export function findContentFault(bytes: Uint8Array, expected: ExpectedContent): ContentFault | undefined {
  const verifier = new ContentVerifier(expected);
  return verifier.update(bytes) ? verifier.findFault() : { kind: "size", received: bytes.length };
}
