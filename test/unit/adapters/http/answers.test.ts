// HTTP responses: redirects, error messages, and retries.
import { describe, expect, it } from "vitest";
import { describeAnswer } from "../../../../src/adapters/http/describe-answer.js";
import { firstHop, headersOf, nextHop } from "../../../../src/adapters/http/redirect.js";
import { retryDelayMs } from "../../../../src/adapters/http/retry.js";

describe("describeAnswer", () => {
  it.each([
    ['{"errors":[{"code":"DENIED","message":"no"},{"code":"X"}]}', "403 DENIED: no, X"],
    ['{"errors":[{"code":"DENIED","message":null}]}', "403 DENIED"],
    [
      "<?xml version='1.0'?><Error><Code>AccessDenied</Code><Message>Expired</Message></Error>",
      "403 AccessDenied Expired",
    ],
    ["<html><style>p { color: red }</style><p>Log in\nhere</p></html>", "403 Log in here"],
    ["plain \u001b[31mred", "403 plain [31mred"],
    ["", "403"],
  ])("reads %j", (body, text) => {
    expect(describeAnswer(403, Buffer.from(body))).toBe(text);
  });

  it("ignores a binary body, and truncates a long one", () => {
    expect(describeAnswer(500, Buffer.from([0xff, 0xfe, 0x00]))).toBe("500");
    expect(describeAnswer(500, Buffer.from("x".repeat(5000))).length).toBeLessThan(300);
  });
});

describe("nextHop", () => {
  const hop = firstHop(new URL("https://r.test/v2/"), { authorization: "Basic x", accept: "a" });
  const to = (location: string, from = hop) => nextHop(from, { status: 307, headers: { location } });

  it("removes the authorization for another origin, and sends it again to the first", () => {
    expect(headersOf(to("/other")!)).toEqual(hop.headers);
    expect(headersOf(to("https://r.test:8443/")!)).toEqual({ accept: "a" });
    expect(headersOf(to("http://r.test/")!)).toEqual({ accept: "a" });
    expect(headersOf(to("https://sub.r.test/")!)).toEqual({ accept: "a" });
    expect(headersOf(to("https://r.test/back", to("https://cdn.test/"))!)).toEqual(hop.headers);
  });

  it("ends at a response that is not a redirect, at another scheme, and at the limit", () => {
    expect(nextHop(hop, { status: 200, headers: { location: "/x" } })).toBeUndefined();
    expect(nextHop(hop, { status: 307, headers: {} })).toBeUndefined();
    expect(to("ftp://r.test/")).toBeUndefined();
    expect(to("http://")).toBeUndefined();
    let hops = 0;
    for (let next = to("/again"); next !== undefined; next = to("/again", next)) hops++;
    expect(hops).toBeLessThan(10);
  });
});

describe("retryDelayMs for signed URLs", () => {
  it.each([400, 401, 403, 410])("retries after %i, but not without a limit", (status) => {
    expect(retryDelayMs({ status, isRedirected: true }, 1, 0)).toBeDefined();
    expect(retryDelayMs({ status, isRedirected: true }, 4, 0)).toBeUndefined();
    expect(retryDelayMs({ status, isRedirected: false }, 1, 0)).toBeUndefined();
  });

  it("does not retry after a missing file", () => {
    expect(retryDelayMs({ status: 404, isRedirected: true }, 1, 0)).toBeUndefined();
  });
});
