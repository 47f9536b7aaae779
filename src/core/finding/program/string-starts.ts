// The addresses at which the strings of a program begin, as one bit for each byte of its constants.
import { sectionAt, type LoadedSection } from "./elf.js";

interface MarkedSection extends LoadedSection {
  readonly marks: Uint8Array;
}

/** A set of addresses. A large program has millions of them, so they are not kept as numbers. */
export class StringStarts {
  readonly #sections: readonly MarkedSection[];

  constructor(constants: readonly LoadedSection[]) {
    this.#sections = constants.map((section) => ({
      ...section,
      marks: new Uint8Array((section.size >> 3) + 1),
    }));
  }

  /** Adds an address. Addresses outside the constants are ignored. */
  add(address: number): void {
    const section = sectionAt(this.#sections, address);
    if (section === undefined) return;
    const at = address - section.address;
    section.marks[at >> 3] = (section.marks[at >> 3] ?? 0) | (1 << (at & 7));
  }

  /** Returns the smallest address that is greater than `address` and less than `limit`, or `limit`. */
  nextAfter(address: number, limit: number): number {
    const section = sectionAt(this.#sections, address);
    if (section === undefined) return limit;
    const { marks, address: begin } = section;
    const end = limit - begin;
    for (let at = address - begin + 1; at < end; at++) {
      const byte = marks[at >> 3] ?? 0;
      if (byte === 0) at |= 7;
      else if (((byte >> (at & 7)) & 1) === 1) return begin + at;
    }
    return limit;
  }
}
