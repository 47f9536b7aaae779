// Looking up values in untrusted objects with any keys.
import { describe, expect, it } from "vitest";
import { valueAt } from "../../../src/core/json.js";
import { normalizePlatform, parsePlatform } from "../../../src/core/oci/platform.js";

const INHERITED = ["__proto__", "constructor", "toString", "hasOwnProperty"];

describe("names of inherited properties in JavaScript", () => {
  it.each(INHERITED)("are absent unless the body contains %s", (name) => {
    expect(valueAt({ spec: {} }, `spec.${name}`)).toBeUndefined();
    expect(valueAt({}, `${name}.${name}`)).toBeUndefined();
    expect(valueAt(JSON.parse(`{"spec":{"${name}":"x"}}`), `spec.${name}`)).toBe("x");
  });

  it.each(INHERITED)("are ordinary architectures: %s", (name) => {
    expect(parsePlatform(`linux/${name}`)).toEqual({ os: "linux", architecture: name.toLowerCase() });
    expect(normalizePlatform({ os: "linux", architecture: name })).toMatchObject({ os: "linux" });
  });
});
