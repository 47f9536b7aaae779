// Parses rendered text at once, where a test has no signal.
import {
  parseDocuments,
  type ParsedRender,
  type RenderedFrom,
} from "../../src/core/charts/parse-rendered.js";

export function parseRendered(text: string, from: RenderedFrom): ParsedRender {
  const parts = [...parseDocuments(text, from)];
  return {
    objects: parts.flatMap(({ objects }) => objects),
    warnings: parts.flatMap(({ warnings }) => warnings),
  };
}
