// Remembers what was found in operators' programs, as files in the cache folder.
import { randomUUID } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseRemembered, type ReadPrograms } from "../../core/finding/program/remembered.js";
import { digestOf, hexOf } from "../../core/oci/digest.js";
import { systemErrorCode } from "../../errors.js";
import type { ProgramMemory } from "../../workflows/ports.js";

/** One JSON file per key, named by the sha256 of the key. See `ProgramMemory`. */
export class ProgramMemoryFolder implements ProgramMemory {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async recall(key: string): Promise<ReadPrograms | undefined> {
    try {
      return parseRemembered(await readFile(this.#fileOf(key), "utf8"));
    } catch (cause) {
      systemErrorCode(cause);
      return undefined;
    }
  }

  async remember(key: string, programs: ReadPrograms): Promise<void> {
    const file = this.#fileOf(key);
    const partial = `${file}.${randomUUID()}`;
    try {
      await mkdir(this.#folder, { recursive: true });
      await writeFile(partial, JSON.stringify(programs));
      await rename(partial, file);
    } catch (cause) {
      systemErrorCode(cause);
    }
  }

  #fileOf(key: string): string {
    return join(this.#folder, `${hexOf(digestOf(key))}.json`);
  }
}
