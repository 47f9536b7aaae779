// Parses the output of `helm template`. Pauses, so that an interruption is handled within a second.
import { setImmediate } from "node:timers/promises";
import { parseDocuments, type ParsedRender, type RenderedFrom } from "../../core/charts/parse-rendered.js";

const PAUSE_AFTER_MS = 50;

/** Returns the objects and warnings of all documents. See `parseDocuments`. Throws the signal's reason. */
export async function parseRender(
  text: string,
  from: RenderedFrom,
  signal: AbortSignal,
): Promise<ParsedRender> {
  const parts: ParsedRender[] = [];
  let resumedAt = performance.now();
  for (const part of parseDocuments(text, from)) {
    parts.push(part);
    if (performance.now() - resumedAt < PAUSE_AFTER_MS) continue;
    await setImmediate();
    signal.throwIfAborted();
    resumedAt = performance.now();
  }
  return {
    objects: parts.flatMap(({ objects }) => objects),
    warnings: parts.flatMap(({ warnings }) => warnings),
  };
}
