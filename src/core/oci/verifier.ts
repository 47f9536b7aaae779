// Checks that bytes are what was promised: their number and their sha256 digest.
import { createHash, type Hash } from "node:crypto";

/** What bytes have to be. */
export interface ExpectedContent {
  /** `sha256:HEX` */
  readonly digest: string;
  /** Bytes; absent where nobody knows. */
  readonly size?: number;
}

/** How bytes differ from what was promised. */
export type ContentFault =
  /** Another number of bytes. `received` is larger than the size by what came in the last chunk. */
  | { readonly kind: "size"; readonly received: number }
  /** The right number of bytes, but other ones. */
  | { readonly kind: "digest"; readonly actual: string };

/** Counts and hashes bytes as they pass. */
export class ContentVerifier {
  readonly #expected: ExpectedContent;
  #hash: Hash = createHash("sha256");
  #received = 0;

  constructor(expected: ExpectedContent) {
    this.#expected = expected;
  }

  /** Bytes so far. */
  get received(): number {
    return this.#received;
  }

  /** Takes the next bytes. Returns false, and forgets them, when they are more than there may be. */
  update(chunk: Uint8Array): boolean {
    if (this.#received + chunk.length > (this.#expected.size ?? Infinity)) return false;
    this.#hash.update(chunk);
    this.#received += chunk.length;
    return true;
  }

  /** Begins anew. */
  reset(): void {
    this.#hash = createHash("sha256");
    this.#received = 0;
  }

  /** Returns what is wrong with the bytes that came, or undefined. Length comes first: a body cut short is not a damaged one. */
  findFault(): ContentFault | undefined {
    const { size = this.#received } = this.#expected;
    if (this.#received !== size) return { kind: "size", received: this.#received };
    const actual = `sha256:${this.#hash.copy().digest("hex")}`;
    return actual === this.#expected.digest ? undefined : { kind: "digest", actual };
  }
}

/** Returns what is wrong with the bytes, or undefined. */
export function findContentFault(bytes: Uint8Array, expected: ExpectedContent): ContentFault | undefined {
  const verifier = new ContentVerifier(expected);
  return verifier.update(bytes) ? verifier.findFault() : { kind: "size", received: bytes.length };
}
