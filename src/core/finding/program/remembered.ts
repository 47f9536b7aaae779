// What is remembered of an operator's image, so that its programs are read once.
import * as z from "zod";
import { readJson } from "../../parse-json.js";
import type { FileSuspect } from "./suspect.js";

/** Increase this number when the same program would give other suspects. */
export const ANALYSIS_VERSION = 2;

const suspectSchema = z.object({
  reference: z.string(),
  repository: z.string(),
  tag: z.string().optional(),
  certainty: z.enum(["exact", "guessed", "unknown"]),
  rule: z.enum(["environment", "string-header", "constant", "text"]),
  offset: z.number(),
  because: z.string(),
  isAdjacent: z.boolean().optional(),
  isWantedOnly: z.boolean().optional(),
  otherTags: z.array(z.string()).optional(),
  file: z.string(),
});
const schema = z.object({ suspects: z.array(suspectSchema), notes: z.array(z.string()) });

/** A suspect, and the path of its file in the image. */
export interface ReadSuspect extends FileSuspect {
  readonly file: string;
}

/** What the programs of one image name, and what could not be read. */
export interface ReadPrograms {
  readonly suspects: readonly ReadSuspect[];
  readonly notes: readonly string[];
}

/** Parses what `JSON.stringify` wrote; undefined for other text. */
export function parseRemembered(text: string): ReadPrograms | undefined {
  const { data } = schema.safeParse(readJson(text));
  if (data === undefined) return undefined;
  return {
    notes: data.notes,
    suspects: data.suspects.map(({ tag, otherTags, isAdjacent, isWantedOnly, ...rest }) => ({
      ...rest,
      ...(tag !== undefined && { tag }),
      ...(otherTags !== undefined && { otherTags }),
      ...(isAdjacent !== undefined && { isAdjacent }),
      ...(isWantedOnly !== undefined && { isWantedOnly }),
    })),
  };
}
