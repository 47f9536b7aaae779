// Writing a chart archive.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { packFiles } from "../../../../src/adapters/helm/chart-archive.js";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "viola-pack-"));
});
afterAll(() => rm(folder, { recursive: true }));

const FILES = Array.from({ length: 20 }, (_, index) => ({
  path: `app/templates/${index}.yaml`,
  bytes: Buffer.alloc(1024 * 1024, index),
}));

// An error event that nobody listens to would end the process, and fails a run of the tests.
it.each([
  ["before it begins", 0],
  ["while files are written", 1],
  ["soon after", 5],
])("ends with the reason of an interruption %s", async (_, turns) => {
  const interrupt = new AbortController();
  const reason = new Error("interrupted");
  if (turns === 0) interrupt.abort(reason);
  const packing = packFiles(FILES, join(folder, `${turns}.tgz`), { level: 0, signal: interrupt.signal });
  const outcome = expect(packing).rejects.toMatchObject({ name: "AbortError", cause: reason });
  for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate);
  interrupt.abort(reason);

  await outcome;
});
