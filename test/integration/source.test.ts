// The source code: types, lint rules and formatting. One of the tests, so that it takes no time of its own.
import { join } from "node:path";
import { expect, it } from "vitest";
import { ROOT } from "../support/paths.js";
import { run } from "../support/run.js";

it("has correct types, follows the lint rules and is formatted", async () => {
  const { code, stdout } = await run(join(ROOT, "scripts/check.sh"), []);

  expect({ code, stdout }).toEqual({ code: 0, stdout: "" });
});
