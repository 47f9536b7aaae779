// Reports as text: their content and order.
import { describe, expect, it } from "vitest";
import { formatCheck } from "../../../../src/cli/reporters/check.js";
import { formatFindings } from "../../../../src/cli/reporters/images.js";
import { formatSuspects } from "../../../../src/cli/reporters/suspects.js";
import { formatTable } from "../../../../src/cli/reporters/table.js";
import type { CheckReport } from "../../../../src/core/check/check-running.js";
import type { ImageUse } from "../../../../src/core/images/image-use.js";
import type { Suspect } from "../../../../src/core/finding/program/suspect.js";
import { named } from "../../../support/image-use.js";

describe("a table", () => {
  it("aligns columns, with numbers to the right, and without trailing spaces", () => {
    const columns = [{ heading: "NAME" }, { heading: "SIZE", align: "right" }, { heading: "" }] as const;
    const text = formatTable(columns, [
      ["long name", "5", ""],
      ["b", "12345", "note"],
    ]);

    expect(text.split("\n")).toEqual(["NAME        SIZE", "long name      5", "b          12345  note"]);
  });
});

describe("found images", () => {
  const use = (normalized: string, chart: string, more: Partial<ImageUse> = {}): ImageUse => ({
    reference: normalized,
    normalized: named(normalized),
    required: true,
    confidence: "certain",
    evidence: [
      {
        rule: "pod-spec",
        chart,
        template: `${chart}/templates/a.yaml`,
        object: `Pod ns/${chart}`,
        path: "spec",
        value: normalized,
      },
    ],
    ...more,
  });
  const rowOf = (text: string, name: string): number =>
    text.split("\n").findIndex((line) => line.includes(name));

  it("list optional images separately, and warnings last", () => {
    const text = formatFindings({
      images: [
        use("a.example/test:1", "shop-1.0.0", { required: false }),
        use("a.example/web:1", "shop-1.0.0"),
      ],
      warnings: [
        { code: "unknown-operator", message: "who knows", object: "Deployment maker", incomplete: true },
        { code: "pod-webhook", message: "who cares", incomplete: false, silenced: "judged" },
      ],
    });

    expect(text).toMatch(/^1 image is required/);
    expect(rowOf(text, "a.example/web:1")).toBeLessThan(rowOf(text, "1 image is optional"));
    expect(rowOf(text, "1 image is optional")).toBeLessThan(rowOf(text, "a.example/test:1"));
    const warnings = text.slice(text.indexOf("! unknown-operator: who knows")).split("\n");
    expect(warnings).toHaveLength(3);
    expect(warnings[1]).toContain("{ code: unknown-operator, subject: Deployment maker, ");
    expect(warnings[2]).toMatch(/pod-webhook.*judged/);
  });

  it("are grouped by component, with rule, confidence and the number of further places", () => {
    const [evidence] = use("a.example/web:1", "shop-1.0.0").evidence;
    const twice = [evidence, evidence].filter((one) => one !== undefined);
    const text = formatFindings({
      images: [
        use("a.example/web:1", "shop-1.0.0", { evidence: twice }),
        use("b.example/db:1", "database-2.0.0", { confidence: "low" }),
      ],
      warnings: [],
    });

    expect(rowOf(text, "b.example/db:1")).toBeLessThan(rowOf(text, "a.example/web:1"));
    expect(text).toMatch(/b\.example\/db:1 +pod-spec \(low\)/);
    expect(text).toMatch(/a\.example\/web:1 +pod-spec \(certain\) +Pod ns\/shop-1\.0\.0 and 1 more/);
  });
});

describe("suspects", () => {
  const suspect = (operatorImage: string, more: Partial<Suspect>): Suspect => ({
    reference: "a.example/agent:1",
    repository: "a.example/agent",
    certainty: "exact",
    rule: "text",
    offset: 0,
    because: "it stands there",
    operator: `Deployment ns/${operatorImage}`,
    operatorImage,
    file: "bin/operator",
    ...more,
  });

  it("are grouped by operator, with the result of the registry lookup", () => {
    const text = formatSuspects([
      suspect("one:1", { reference: "a.example/has:1", exists: true }),
      suspect("two:1", { reference: "a.example/not:1", exists: false }),
      suspect("one:1", { reference: "a.example/silent:1" }),
      suspect("one:1", { reference: "a.example/unknown", certainty: "unknown" }),
    ]);
    const lines = text.split("\n");
    const place = (part: string): number => lines.findIndex((line) => line.includes(part));

    expect(place("(one:1)")).toBeLessThan(place("a.example/silent:1"));
    expect(place("a.example/silent:1")).toBeLessThan(place("(two:1)"));
    expect(place("(two:1)")).toBeLessThan(place("a.example/not:1"));
    expect(lines[place("a.example/has:1")]).toMatch(/exact +exists +it stands there/);
    expect(lines[place("a.example/not:1")]).toContain("not found");
    expect(lines[place("a.example/silent:1")]).toContain("unknown");
    expect(lines[place("a.example/unknown")]).toMatch(/unknown +it stands there/);
  });

  it("are reported when there are none", () => {
    expect(formatSuspects([])).not.toBe("");
  });
});

describe("a check", () => {
  const report = (more: Partial<CheckReport>): CheckReport => ({
    name: "shop",
    version: "1.0.0",
    present: [{ reference: "a:1", normalized: named("docker.io/library/a:1"), usedBy: [] }],
    missing: [],
    unused: [],
    ofCluster: [],
    otherContent: [],
    ...more,
  });

  it("ends with the verdict", () => {
    expect(formatCheck(report({}))).toBe("shop 1.0.0 has every image that the cluster runs (1 image)");
  });

  it("reports for each missing image which workload runs it and why it was probably not found", () => {
    const cause = { rule: "operator", message: "an operator started it" } as const;
    const lines = formatCheck(
      report({
        missing: [
          {
            reference: "b:1",
            normalized: named("docker.io/library/b:1"),
            usedBy: ["Pod x/y", "Pod x/z"],
            cause,
          },
        ],
      }),
    ).split("\n");

    expect(lines[0]).toContain("docker.io/library/b:1");
    expect(lines[1]).toContain("Pod x/y, Pod x/z");
    expect(lines[2]).toContain("an operator started it");
    expect(lines.at(-1)).toMatch(/lacks 1 of the 2/);
  });

  it("shows both digests of different content, unused images with their size, and the number of the cluster's own images", () => {
    const text = formatCheck(
      report({
        otherContent: [{ normalized: "quay.io/c:1", running: "sha256:one", bundled: "sha256:other" }],
        unused: [{ normalized: named("quay.io/d:1"), compressedBytes: 5e6, note: "a hook" }],
        ofCluster: [{ reference: "e:1", normalized: named("docker.io/library/e:1"), usedBy: [] }],
      }),
    );

    expect(text).toMatch(/quay\.io\/c:1.*sha256:one.*sha256:other/);
    expect(text).toMatch(/quay\.io\/d:1 +5\.00 MB +a hook/);
    expect(text).toMatch(/^1 image .*cluster/m);
  });
});
