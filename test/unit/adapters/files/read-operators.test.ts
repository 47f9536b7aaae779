// Loading the knowledge base: from its files, and as the build stores it.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { parse } from "yaml";
import { loadOperatorIndex, loadOperators } from "../../../../src/adapters/files/read-operators.js";
import { parseStoredOperators } from "../../../../src/core/finding/stored-operators.js";
import { parseReference } from "../../../../src/core/images/reference.js";
import { ROOT } from "../../../support/paths.js";

const FOLDER = join(ROOT, "manifests/operators");

it("finds the same rules in the files and in what the build stores", async () => {
  const rules = await loadOperators([FOLDER]);
  const fromFiles = await loadOperatorIndex(FOLDER);
  const texts = (await readdir(FOLDER))
    .filter((name) => name.endsWith(".yaml"))
    .sort()
    .map((name) => readFile(join(FOLDER, name), "utf8"));
  const values = (await Promise.all(texts)).map((text): unknown => parse(text));
  const stored = parseStoredOperators(JSON.stringify(values));

  expect(rules.length).toBeGreaterThan(70);
  for (const rule of rules) {
    for (const name of [rule.repository, ...rule.copies, `mirror/${rule.repository}`]) {
      expect(stored?.find(parseReference(name))).toEqual(fromFiles.find(parseReference(name)));
    }
    expect(stored?.find(parseReference(rule.repository))).toEqual(rule);
  }
  expect(stored?.find(parseReference("acme/nothing"))).toBeUndefined();
  const groups = new Set(["elasticsearch.k8s.elastic.co", "postgresql.cnpg.io"]);
  expect(stored?.serving(groups).map(({ id }) => id)).toEqual(["cloudnative-pg", "eck"]);
  expect(fromFiles.serving(groups)).toEqual(stored?.serving(groups));
});

it.each(["", "{}", '[{ "id": "a" }]'])("refuses the stored text %j", (text) => {
  expect(parseStoredOperators(text)).toBeUndefined();
});

it("names a folder that cannot be read", async () => {
  const folder = join(FOLDER, "missing");

  await expect(loadOperators([folder])).rejects.toMatchObject({ code: "FILE_UNUSABLE", subject: folder });
});
