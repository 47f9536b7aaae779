// Each field of `bundle.json` in turn has another type, is missing, null, or nested in a list. The
// error contains its path.
import { describe, expect, it } from "vitest";
import { parseInventory } from "../../../../src/core/bundle/inventory.js";
import { ViolaError } from "../../../../src/errors.js";
import { damages, WHOLE_INVENTORY, type Damage } from "../../../support/whole-inventory.js";

function answer({ json }: Damage): unknown {
  try {
    return parseInventory(Buffer.from(json), "test.bundle");
  } catch (error) {
    return error;
  }
}

describe("a bundle.json with one invalid field", () => {
  it("is parsed when all fields are valid", () => {
    expect(parseInventory(Buffer.from(JSON.stringify(WHOLE_INVENTORY)), "test.bundle")).toEqual(
      WHOLE_INVENTORY,
    );
  });

  it("is rejected with the field's path", () => {
    const all = damages();
    const unexpected = all.filter((damage) => {
      const error = answer(damage);
      if (damage.isFine) return error instanceof Error;
      const isVersion = damage.path === "formatVersion";
      return !(
        error instanceof ViolaError &&
        error.code === (isVersion ? "BUNDLE_UNSUPPORTED" : "BUNDLE_INVALID") &&
        error.subject === "test.bundle" &&
        error.message.includes(damage.path)
      );
    });
    expect(unexpected.map(({ path, how }) => `${path}: ${how}`)).toEqual([]);
    // The test must not pass when no fields are found.
    expect(new Set(all.map(({ path }) => path)).size).toBeGreaterThan(90);
  });
});
