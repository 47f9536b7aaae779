// The YAML parser with limits: errors have their place.
import { LineCounter } from "yaml";
import { expect, it } from "vitest";
import { formatYaml, parseYaml } from "../../../src/core/parse-yaml.js";

it("names line and column of the first error, and only of this one", () => {
  const text = `a: 1\nb: ${"{{ .Values.x }}".repeat(3)}\n`;
  const { errors } = parseYaml(text);

  expect(errors.length).toBeGreaterThan(2);
  expect(errors.map(({ message }) => / at line 2, column \d+$/.test(message)).indexOf(true)).toBe(0);
  expect(errors.filter(({ message }) => message.includes("line 2"))).toHaveLength(1);
  expect(() => formatYaml(parseYaml(text))).toThrow(/at line 2, column \d+$/);
});

it("leaves the place to a caller that counts lines", () => {
  const lineCounter = new LineCounter();
  const [error] = parseYaml("a: 1\n  b: 2\n", { lineCounter }).errors;

  expect(error?.message).not.toContain("line");
  expect(lineCounter.linePos(error!.pos[0]).line).toBe(1);
});
