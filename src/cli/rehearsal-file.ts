// `--rehearsal FILE`: the record of a rehearsal, as `rehearse --out` writes it.
import { resolve } from "node:path";
import { parseRecord, type RehearsalRecord } from "../core/rehearsal/record.js";
import { files } from "./context.js";

export const REHEARSAL_FLAG = [
  "--rehearsal <file>",
  "record of a rehearsal (rehearse --out): evidence for what it asked for",
] as const;

/** A record, and the very bytes that it was read from. */
export interface RehearsalFile {
  readonly record: RehearsalRecord;
  readonly bytes: Uint8Array;
}

/** Reads the record that the flag names. Throws `FILE_UNUSABLE` or `RECORD_INVALID`. */
export async function readRehearsal(
  flag: string | undefined,
  cwd: string,
): Promise<RehearsalFile | undefined> {
  if (flag === undefined) return undefined;
  const file = resolve(cwd, flag);
  const bytes = await files.readFile(file);
  return { record: parseRecord(Buffer.from(bytes).toString("utf8"), file), bytes };
}
