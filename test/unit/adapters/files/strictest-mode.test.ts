// The mode of a bundle: whoever may not read one of its inputs may not read the bundle.
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { strictestMode } from "../../../../src/adapters/files/strictest-mode.js";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "viola-mode-"));
});
afterAll(() => rm(folder, { recursive: true }));

it.each([
  [[], 0o666],
  [[0o644, 0o664], 0o666],
  [[0o644, 0o640], 0o660],
  [[0o644, 0o604], 0o606],
  [[0o640, 0o604], 0o600],
  [[0o644, 0o600], 0o600],
  [[0o644, 0o400], 0o600],
])("of files with %j", async (modes, expected) => {
  const files = await Promise.all(
    modes.map(async (mode, index) => {
      const file = join(folder, `${index}`);
      await writeFile(file, "");
      await chmod(file, mode);
      return file;
    }),
  );
  expect(await strictestMode([...files, join(folder, "none/values.yaml")])).toBe(expected);
});
