// Finds images in texts of a test.
import { parseRendered } from "../../../support/rendered.js";
import { findImages } from "../../../../src/core/finding/find-images.js";
import { indexOperators } from "../../../../src/core/finding/operator-index.js";
import type { Findings } from "../../../../src/core/images/image-use.js";
import type { OperatorRule } from "../../../../src/core/finding/operator-rules.js";

/** Finds images in the documents. */
export function findIn(text: string, operators: readonly OperatorRule[] = []): Findings {
  const { objects, warnings } = parseRendered(`---\n# Source: app/templates/x.yaml\n${text}`, {
    chart: "app-1.0.0",
    release: "app",
  });
  const findings = findImages(objects, { operators: indexOperators(operators) });
  return { ...findings, warnings: [...warnings, ...findings.warnings] };
}

/**
 * One line per image: required or optional, confidence, normalized reference, and `rule path` of
 * each evidence.
 */
export function linesOf({ images }: Findings): readonly string[] {
  return images.map(({ required, confidence, normalized, evidence }) =>
    [
      required ? "required" : "optional",
      confidence,
      normalized,
      ...evidence.map(({ rule, path }) => `${rule} ${path}`),
    ].join(" | "),
  );
}
