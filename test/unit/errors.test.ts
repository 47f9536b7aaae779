// settleAll: every task completes, results keep their order and types, and failures are combined.
import { describe, expect, it } from "vitest";
import { ManyErrors, maskCredentials, settleAll, ViolaError } from "../../src/errors.js";
import { processorMs } from "../support/processor-time.js";

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

describe("credentials in URLs", () => {
  it.each([
    ["https://user:pw@host/path", "https://***@host/path"],
    ['Get "https://user:p@ss:word@host:8080/index.yaml": EOF', 'Get "https://***@host:8080/index.yaml": EOF'],
    ["http://token@host and oci://a:b@c/d", "http://***@host and oci://***@c/d"],
    ["HTTPS://USER:PW@HOST", "HTTPS://***@HOST"],
    ["git+ssh://git:x@host and ssh://me@host", "git+ssh://***@host and ssh://me@host"],
    ["https://host/a@b?c=d@e", "https://host/a@b?c=d@e"],
    ["https://host and mail@example.org", "https://host and mail@example.org"],
    ["docker-pullable://a@sha256:12", "docker-pullable://a@sha256:12"],
    ["quay.io/a/b:1@sha256:12", "quay.io/a/b:1@sha256:12"],
  ])("%s", (text, masked) => {
    expect(maskCredentials(text)).toBe(masked);
  });

  it("are in no part of an error", () => {
    const url = "https://user:secret@host/charts";
    const { message, subject, hint } = new ViolaError("CHART_UNAVAILABLE", `chart a in ${url}`, {
      subject: url,
      hint: `Check ${url}`,
    });
    expect([message, subject, hint].join(" ")).not.toContain("secret");
  });

  it("are searched for in a time that grows with the text", () => {
    const text = `${"a.".repeat(200_000)}${"a://".repeat(50_000)}`;
    expect(processorMs(() => maskCredentials(text))).toBeLessThan(2_000);
  });
});
