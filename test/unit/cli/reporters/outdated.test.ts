// Newer versions in the formats of the audit.
import { describe, expect, it } from "vitest";
import {
  outdatedFields,
  outdatedMarkdown,
  outdatedTables,
} from "../../../../src/cli/reporters/audit/outdated.js";
import { widthOf } from "../../../../src/cli/reporters/table.js";
import type { Outdated } from "../../../../src/core/audit/outdated.js";
import { LANGUAGES } from "../../../../src/core/words/language.js";

const NAME = "registry.k8s.io/kube-state-metrics/kube-state-metrics";
const OUTDATED: Outdated = {
  images: [
    {
      normalized: `${NAME}:v2.10.0`,
      current: "v2.10.0",
      patch: { tag: "v2.10.1", sizeChange: -1500 },
      minor: { tag: "v2.15.0", sizeChange: null },
      major: { tag: "v3.0.0-a-very-long-suffix-of-a-tag", sizeChange: 20_000_000 },
    },
  ],
  charts: [
    { release: "web", namespace: "apps", chart: "shop/db", current: "1.0.0", major: { version: "2.0.0" } },
  ],
  notChecked: [
    { subject: "docker.io/library/busybox:latest", code: "no-version", reason: "" },
    { subject: "quay.io/a|b:1", code: "unavailable", reason: "quay.io <refused> this" },
  ],
  checked: { images: 3, charts: 1 },
};

describe.each(LANGUAGES)("in %s", (language) => {
  it("is a table that fits 80 columns", () => {
    const text = outdatedTables(OUTDATED, { language, width: 80 }).join("\n\n");

    expect(text).toContain("v2.10.1");
    expect(text).toContain("shop/db");
    expect(text.split("\n").filter((line) => widthOf(line) > 80)).toEqual([]);
  });

  it("is Markdown whose texts are not markup", () => {
    const text = outdatedMarkdown(OUTDATED, language).join("\n\n");

    expect(text).toContain("v2.10.1 (-1.50 kB)");
    expect(text).toContain("v3.0.0-a-very-long-suffix-of-a-tag (+20.0 MB)");
    expect(text).not.toMatch(/<refused>|a\|b/);
  });
});

it("says what was compared when nothing is newer", () => {
  const none = { images: [], charts: [], notChecked: [], checked: { images: 17, charts: 6 } };
  expect(outdatedTables(none, { language: "en" })).toEqual([expect.stringMatching(/17 images, 6 charts/)]);
});

it("has columns in CSV, which are empty for an image that is up to date", () => {
  expect(outdatedFields(OUTDATED, `${NAME}:v2.10.0`)).toMatchObject({ newer_patch: "v2.10.1" });
  expect(Object.values(outdatedFields(OUTDATED, "a.io/b:1"))).toEqual(["", "", ""]);
});
