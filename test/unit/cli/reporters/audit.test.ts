// The formats of the audit: the same rows in each format, and no text that is interpreted as markup
// or a formula.
import { describe, expect, it } from "vitest";
import { formatAudit } from "../../../../src/cli/reporters/audit.js";
import type { AuditImage, AuditReport } from "../../../../src/core/audit/report.js";

const WORDS = { severity: "note", why: "", action: "" } as const;
const DIGEST = `sha256:${"a".repeat(64)}`;

function image(name: string, more: Partial<AuditImage> = {}): AuditImage {
  return {
    reference: `${name}:1`,
    normalized: `${name}:1`,
    registry: "a.example",
    repository: name,
    tag: "1",
    version: "1",
    digest: DIGEST,
    required: true,
    confidence: "certain",
    rebuilt: false,
    components: ["shop"],
    usedBy: ["Deployment shop/web"],
    purpose: null,
    created: null,
    user: null,
    base: null,
    platforms: [
      {
        platform: "linux/amd64",
        digest: DIGEST,
        layers: [DIGEST],
        compressedBytes: 5e6,
        uncompressedBytes: 9e6,
        created: null,
        user: null,
      },
    ],
    compressedBytes: 5e6,
    uncompressedBytes: 9e6,
    uniqueBytes: 5e6,
    sharedBytes: 0,
    evidence: [],
    ...more,
  };
}

function report(images: readonly AuditImage[], more: Partial<AuditReport> = {}): AuditReport {
  return {
    formatVersion: 2,
    name: "shop",
    version: "1.0.0",
    platforms: ["linux/amd64"],
    kubeVersion: null,
    releases: [],
    components: [],
    images,
    layers: [],
    totals: {
      images: images.length,
      layers: 3,
      uniqueBytes: 8e6,
      sharedBytes: 2e6,
      uncompressedBytes: null,
    },
    findings: [],
    warnings: [],
    ...more,
  };
}

/** Parses RFC 4180. */
function parseCsv(text: string): readonly string[][] {
  return text
    .split("\r\n")
    .map((line) =>
      [...line.matchAll(/"((?:[^"]|"")*)"/g)].map(([, cell = ""]) => cell.replaceAll('""', '"')),
    );
}

describe("as a table", () => {
  it("has a row for each image, and then the totals", () => {
    const lines = formatAudit(report([image("a.example/one"), image("a.example/two")]), "table").split("\n");

    expect(lines[0]?.split(/\s{2,}/)).toEqual([
      ...["COMPONENT", "IMAGE", "VERSION", "PLATFORMS", "COMPRESSED", "UNPACKED", "USED BY"],
    ]);
    expect(lines[1]?.split(/\s{2,}/)).toEqual([
      ...["shop", "a.example/one", "1", "linux/amd64", "5.00 MB", "9.00 MB", "Deployment shop/web"],
    ]);
    expect(lines[2]).toContain("a.example/two");
    expect(lines.at(-1)).toMatch(/2 images, 3 layers, 8\.00 MB .*2\.00 MB/);
  });

  it('shows "unknown" when the size of a layer is unknown, and shortens long lists of users', () => {
    const usedBy = ["Pod a/1", "Pod a/2", "Pod a/3", "Pod a/4"];
    const [, row = ""] = formatAudit(
      report([image("a.example/one", { uncompressedBytes: null, usedBy })]),
      "table",
    ).split("\n");

    expect(row).toContain("unknown");
    expect(row).toContain("Pod a/1, Pod a/2 and 2 more");
    expect(row).not.toContain("Pod a/3");
  });

  it("lists findings with their code", () => {
    const findings = [
      { rule: "mutable-tag", subject: "a.example/one:latest", message: "moves", ...WORDS },
    ] as const;
    expect(formatAudit(report([], { findings }), "table").split("\n").at(-1)).toMatch(
      /mutable-tag .*a\.example\/one:latest.*moves/,
    );
  });
});

describe("as Markdown", () => {
  it("has the same number of cells in each row, regardless of their content", () => {
    const images = [image("a.example/one", { components: ["a|b"], usedBy: ["Pod x/y|z"] })];
    const rows = formatAudit(report(images), "markdown")
      .split("\n")
      .filter((line) => line.startsWith("|"));
    const cells = rows.map((row) => row.replaceAll("\\|", "").split("|").length);

    expect(rows).toHaveLength(3);
    expect(new Set(cells)).toEqual(new Set([9]));
    expect(rows[1]).toMatch(/^\| --- .*---:.*\|$/);
    expect(rows[2]).toContain("a\\|b");
  });

  it("has name and version as its heading, and findings as a list", () => {
    const findings = [
      { rule: "rebuilt", subject: "a.example/one:1", message: "from Docker", ...WORDS },
    ] as const;
    const lines = formatAudit(report([], { findings }), "markdown").split("\n");

    expect(lines[0]).toBe("# shop 1.0.0");
    expect(lines.at(-1)).toMatch(/^- \*\*rebuilt\*\* a\.example\/one:1/);
  });
});

describe("as CSV", () => {
  it("has exact sizes, all users, the digest, and the line ends of RFC 4180", () => {
    const usedBy = ["Pod a/1", "Pod a/2", "Pod a/3"];
    const [head, row, ...rest] = parseCsv(formatAudit(report([image("a.example/one", { usedBy })]), "csv"));

    expect(rest).toEqual([]);
    expect(Object.fromEntries(head?.map((name, index) => [name, row?.[index]]) ?? [])).toEqual({
      component: "shop",
      image: "a.example/one",
      version: "1",
      platforms: "linux/amd64",
      compressed_bytes: "5000000",
      unpacked_bytes: "9000000",
      used_by: usedBy.join("; "),
      digest: DIGEST,
      required: "true",
    });
  });

  it("leaves an unknown size empty", () => {
    const [head, row] = parseCsv(
      formatAudit(report([image("a.example/one", { uncompressedBytes: null })]), "csv"),
    );
    expect(row?.[head?.indexOf("unpacked_bytes") ?? -1]).toBe("");
  });

  it.each(["=cmd()", "+1", "-1", "@sum"])("does not create a formula for %s", (text) => {
    const [, row] = parseCsv(formatAudit(report([image("a.example/one", { components: [text] })]), "csv"));
    expect(row?.[0]).toBe(`'${text}`);
  });

  it("escapes quotes and commas", () => {
    const [, row] = parseCsv(formatAudit(report([image("a.example/one", { components: ['a,"b"'] })]), "csv"));
    expect(row).toHaveLength(9);
    expect(row?.[0]).toBe('a,"b"');
  });
});

it("is the report itself as JSON", () => {
  const given = report([image("a.example/one")]);
  expect(JSON.parse(formatAudit(given, "json"))).toEqual(given);
});
