// settleAll: every task completes, results keep their order and types, and failures are combined.
import { describe, expect, it } from "vitest";
import { ManyErrors, settleAll, ViolaError } from "../../src/errors.js";

const failure = (subject: string): ViolaError => new ViolaError("NODE_LOAD_FAILED", "failed", { subject });

describe("settleAll", () => {
  it("returns a tuple for a tuple", async () => {
    const [count, name] = await settleAll("unused", [Promise.resolve(2), Promise.resolve("kind")]);
    expect(count + 1).toBe(3);
    expect(name.length).toBe(4);
  });

  it("throws a single failure unchanged, after the other tasks have settled", async () => {
    let isOver = false;
    const slow = new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
      isOver = true;
    });
    await expect(settleAll("unused", [Promise.reject(failure("a")), slow])).rejects.toMatchObject({
      code: "NODE_LOAD_FAILED",
      subject: "a",
    });
    expect(isOver).toBe(true);
  });

  it("joins several failures, including lists, into one list", async () => {
    const list = new ManyErrors("inner", [failure("b"), failure("c")]);
    await expect(
      settleAll("outer", [Promise.reject(failure("a")), Promise.reject(list)]),
    ).rejects.toMatchObject({
      code: "MULTIPLE_ERRORS",
      message: "outer",
      errors: [{ subject: "a" }, { subject: "b" }, { subject: "c" }],
    });
  });

  it("throws a bug unchanged", async () => {
    const bug = new TypeError("bug");
    await expect(settleAll("unused", [Promise.reject(failure("a")), Promise.reject(bug)])).rejects.toBe(bug);
  });
});
