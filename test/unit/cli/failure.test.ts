// Errors of the system that no step expects are the user's to settle, and no bugs.
import { expect, it } from "vitest";
import { failureDocument, formatFailure } from "../../../src/cli/failure.js";

const systemError = (code: string): Error =>
  Object.assign(new Error(`${code}: it failed, open '/a/b'`), { code, errno: -1, path: "/a/b" });

it("has a hint for a thread that cannot start because of a limit of the system", () => {
  const error = Object.assign(new Error("Worker initialization failure: EMFILE"), {
    code: "ERR_WORKER_INIT_FAILED",
  });

  expect(failureDocument(error)).toMatchObject({
    error: { code: "FILE_UNUSABLE", hint: expect.stringContaining("ulimit -n") as string },
  });
});

it.each(["ENOSPC", "EMFILE", "EROFS", "EACCES"])("%s has a hint", (code) => {
  expect(failureDocument(systemError(code))).toMatchObject({
    error: { code: "FILE_UNUSABLE", subject: "/a/b", hint: expect.any(String) as string },
  });
  expect(formatFailure(systemError(code))).toMatch(/^error: .*\n +what to do: /);
});

it("what has no such code is a bug", () => {
  for (const error of [new TypeError("x is not a function"), systemError("ENOENT"), "text"]) {
    expect(failureDocument(error)).toMatchObject({ error: { code: "BUG" } });
  }
});
