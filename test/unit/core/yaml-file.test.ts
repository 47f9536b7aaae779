// YAML with a schema: values, and errors with their locations.
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { parseYamlFile, strictObject } from "../../../src/core/yaml-file.js";
import type { ViolaError } from "../../../src/errors.js";
import { ManyErrors } from "../../../src/errors.js";

const schema = strictObject({
  name: z.string(),
  release: z.string().default("r"),
  list: z.array(strictObject({ size: z.number() })).default([]),
});

function subjects(text: string): readonly (string | undefined)[] {
  try {
    parseYamlFile(text, "f.yaml", schema, "SPEC_INVALID");
  } catch (error) {
    const errors = error instanceof ManyErrors ? error.errors : [error as ViolaError];
    expect(new Set(errors.map(({ code }) => code))).toEqual(new Set(["SPEC_INVALID"]));
    return errors.map(({ subject }) => subject);
  }
  return [];
}

function message(text: string): string {
  try {
    parseYamlFile(text, "f.yaml", schema, "SPEC_INVALID");
  } catch (error) {
    return (error as Error).message;
  }
  return "";
}

describe("parseYamlFile", () => {
  it("returns the value with defaults", () => {
    expect(parseYamlFile("name: x\n", "f.yaml", schema, "SPEC_INVALID")).toEqual({
      name: "x",
      release: "r",
      list: [],
    });
  });

  it("reports every error at its field", () => {
    expect(subjects("name: 1\nlist:\n  - size: a\n  - sise: 2\n")).toEqual([
      "f.yaml:1:1",
      "f.yaml:3:5",
      "f.yaml:4:5",
      "f.yaml:4:5",
    ]);
  });

  it("reports a missing required field", () => {
    expect(message("release: x\n")).toMatch(/name: is missing/);
    expect(message("")).toMatch(/name: is missing/);
  });

  it("suggests the nearest known field for an unknown one", () => {
    expect(message("name: x\nrelaese: y\n")).toMatch(/f\.yaml:2:1: relaese: .*release/);
  });

  it("reports the location of a syntax error", () => {
    expect(subjects("name: [x\n")).toEqual(["f.yaml:2:1"]);
    expect(subjects("name: x\nname: y\n")).toEqual(["f.yaml:2:1"]);
  });
});
