// The cleanup of a command when a closer fails.
import { expect, it } from "vitest";
import { CommandRuntime } from "../../../src/cli/runtime.js";
import { ViolaError } from "../../../src/errors.js";

function makeRuntime(): CommandRuntime {
  return new CommandRuntime(
    { quiet: true },
    {
      stdin: process.stdin,
      stdout: process.stdout,
      stderr: process.stderr,
      env: {},
      cwd: "/",
      home: "/",
      programCommand: [],
      onInterrupt: () => undefined,
    },
    new AbortController().signal,
  );
}

it("runs every closer in reverse order, and reports all that failed", async () => {
  const runtime = makeRuntime();
  const closed: string[] = [];
  const closer = (name: string, error?: Error) => (): Promise<void> => {
    closed.push(name);
    return error === undefined ? Promise.resolve() : Promise.reject(error);
  };
  const [one, other] = ["one", "other"].map((name) => new ViolaError("FILE_UNUSABLE", name));
  runtime.onDispose(closer("first"));
  runtime.onDispose(closer("second", one));
  runtime.onDispose(closer("third"));
  runtime.onDispose(closer("fourth", other));

  await expect(runtime.dispose()).rejects.toMatchObject({ code: "MULTIPLE_ERRORS", errors: [other, one] });
  expect(closed).toEqual(["fourth", "third", "second", "first"]);
});

it("does not hide a bug behind other failures", async () => {
  const runtime = makeRuntime();
  const bug = new TypeError("x is not a function");
  runtime.onDispose(() => Promise.reject(new ViolaError("FILE_UNUSABLE", "other")));
  runtime.onDispose(() => Promise.reject(bug));
  await expect(runtime.dispose()).rejects.toBe(bug);
});
