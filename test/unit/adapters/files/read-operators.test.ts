// Loading the knowledge base: stored rules are those of the files, and follow every change of them.
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { loadOperators } from "../../../../src/adapters/files/read-operators.js";
import { ROOT } from "../../../support/paths.js";

let folder = "";

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "viola-operators-"));
});
afterEach(() => rm(folder, { recursive: true }));

const rule = (id: string): string =>
  `id: ${id}\nname: Acme\nsources: [a]\nrepository: acme/operator\nreleases: [{ tags: ">=1.0.0" }]\n`;

it("gives the same rules from the files and from what is stored", async () => {
  const rules = [join(ROOT, "manifests/operators")];
  const parsed = await loadOperators(rules);

  expect(await loadOperators(rules, join(folder, "cache"))).toEqual(parsed);
  expect(await readdir(join(folder, "cache"))).toHaveLength(1);
  expect(await loadOperators(rules, join(folder, "cache"))).toEqual(parsed);
});

it("follows changes of the files, and parses them where what is stored is damaged", async () => {
  const cache = join(folder, "cache");
  await writeFile(join(folder, "a.yaml"), rule("one"));
  await loadOperators([folder], cache);
  await writeFile(join(folder, "a.yaml"), rule("two"));
  expect(await loadOperators([folder], cache)).toMatchObject([{ id: "two" }]);

  for (const name of await readdir(cache)) await writeFile(join(cache, name), "[{}]");
  expect(await loadOperators([folder], cache)).toMatchObject([{ id: "two" }]);
});

it("works where nothing can be stored", async () => {
  await writeFile(join(folder, "a.yaml"), rule("one"));

  expect(await loadOperators([folder], join(folder, "a.yaml", "cache"))).toMatchObject([{ id: "one" }]);
});
