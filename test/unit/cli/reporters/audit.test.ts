// The formats of the audit: the same content in each, no line too long for the terminal, and no text
// that is interpreted as markup or a formula.
import { describe, expect, it } from "vitest";
import stringWidth from "string-width";
import {
  formatAudit,
  isAuditReport,
  type AuditFormatOptions,
} from "../../../../src/cli/reporters/audit/audit.js";
import type {
  AuditComponent,
  AuditFinding,
  AuditImage,
  AuditReport,
} from "../../../../src/core/audit/report.js";

const WORDS = { severity: "note", why: "", action: "", kind: "", values: {} } as const;
const digestOf = (text: string): string => `sha256:${Buffer.from(text).toString("hex").padEnd(64, "0")}`;

function image(name: string, more: Partial<AuditImage> = {}): AuditImage {
  const platform = {
    platform: "linux/amd64",
    digest: digestOf(name),
    layers: [digestOf(`layer of ${name}`), digestOf("base")],
    compressedBytes: 5e6 + 1e3,
    uncompressedBytes: 9e6,
    created: null,
    user: null,
  };
  return {
    reference: `${name}:1`,
    normalized: `${name}:1`,
    registry: name.split("/")[0] ?? "",
    repository: name,
    tag: "1",
    version: "1",
    digest: digestOf(`index of ${name}`),
    required: true,
    confidence: "certain",
    rebuilt: false,
    components: ["shop"],
    usedBy: ["Deployment shop/web"],
    purpose: "sells things",
    created: "2025-11-20T00:00:00.000Z",
    user: null,
    base: null,
    platforms: [platform],
    compressedBytes: 5e6 + 1e3,
    uncompressedBytes: 9e6,
    uniqueBytes: 4e6 + 1e3,
    sharedBytes: 1e6,
    evidence: [],
    ...more,
  };
}

const WEB = { kind: "Deployment", namespace: "shop", name: "web", resource: null };

function component(
  name: string,
  images: readonly AuditImage[],
  more: Partial<AuditComponent> = {},
): AuditComponent {
  return {
    name,
    purpose: null,
    release: "shop",
    namespace: "shop",
    chart: { name: "shop", version: "1.0.0", appVersion: "7", description: null },
    workloads: [WEB],
    images: images.map(({ normalized, purpose }) => ({ normalized, purpose, workloads: [WEB] })),
    compressedBytes: 0,
    uncompressedBytes: null,
    ...more,
  };
}

function report(
  components: readonly AuditComponent[],
  images: readonly AuditImage[],
  more: Partial<AuditReport> = {},
): AuditReport {
  const own = images.flatMap(({ repository, normalized, platforms }) =>
    platforms.length === 0
      ? []
      : [
          {
            digest: digestOf(`layer of ${repository}`),
            size: 4e6,
            uncompressedSize: 7e6,
            images: [normalized],
          },
        ],
  );
  return {
    formatVersion: 2,
    name: "shop",
    version: "1.0.0",
    platforms: ["linux/amd64"],
    kubeVersion: null,
    releases: [],
    components,
    images,
    layers: [
      ...own,
      {
        digest: digestOf("base"),
        size: 1e6,
        uncompressedSize: 2e6,
        images: images.map((one) => one.normalized),
      },
    ],
    totals: {
      images: images.length,
      layers: own.length + 1,
      uniqueBytes: 8e6,
      sharedBytes: 2e6,
      uncompressedBytes: 16e6,
    },
    findings: [],
    warnings: [],
    ...more,
  };
}

const ONE = image("a.example/one");
const TWO = image("b.example/two", { version: "2", created: "2026-11-20T00:00:00.000Z" });
const THREE = image("a.example/three", { compressedBytes: 50e6, created: null });
const SHOP = report(
  [component("front", [ONE, TWO]), component("store", [THREE], { namespace: "db" })],
  [ONE, THREE, TWO],
);

function formatted(given: AuditReport, options: Partial<AuditFormatOptions> = {}): string {
  return formatAudit(given, {
    format: "table",
    group: "component",
    sort: "component",
    language: "en",
    today: "2026-11-27",
    ...options,
  });
}

/** The cells of the rows of a table that is as wide as it needs. */
function rowsOf(text: string): readonly (readonly string[])[] {
  const end = text.indexOf("\n\n");
  return text
    .slice(0, end < 0 ? undefined : end)
    .split("\n")
    .map((line) => line.trim().split(/\s{2,}/));
}

/** Parses RFC 4180 to a map for each row. */
function parseCsv(text: string): readonly Readonly<Record<string, string>>[] {
  const [head = [], ...rows] = text
    .split("\r\n")
    .map((line) =>
      [...line.matchAll(/"((?:[^"]|"")*)"/g)].map(([, cell = ""]) => cell.replaceAll('""', '"')),
    );
  return rows.map((row) => Object.fromEntries(head.map((name, index) => [name, row[index] ?? ""])));
}

const WITH_BAD_TEXTS = ((): AuditReport => {
  const purpose = "<script>alert(1)</script> | `x` 한국어 📦 [a](javascript:x)";
  const one = image(`a.example/${"long/".repeat(30)}name`, { purpose, version: "v".repeat(128) });
  const unresolved = image("a.example/gone", {
    digest: "",
    platforms: [],
    compressedBytes: 0,
    uncompressedBytes: null,
    uniqueBytes: 0,
    sharedBytes: 0,
    created: null,
  });
  const findings: readonly AuditFinding[] = [
    { ...WORDS, rule: "large-image", severity: "error", subject: "x".repeat(300), message: purpose },
    { ...WORDS, rule: "mutable-tag", severity: "warning", subject: "a", message: "<b>moves</b>" },
    {
      ...WORDS,
      rule: "no-digest",
      subject: "a",
      message: "none",
      suppressed: { reason: "fine", until: "2027-01-01" },
    },
  ];
  return report([component("=cmd()", [one]), component("n".repeat(200), [unresolved])], [one, unresolved], {
    findings,
  });
})();

describe("as a table", () => {
  it("has a row for each image of a component, a total for several, and then the totals", () => {
    const text = formatted(SHOP);
    const [head = [], ...rows] = rowsOf(text);

    expect(head.slice(0, 4)).toEqual(["COMPONENT", "OBJECT", "IMAGE", "VERSION"]);
    expect(rows.map((row) => row.slice(0, 3))).toEqual([
      ["front", "Deployment", "a.example/one"],
      ["Deployment", "b.example/two", "2"],
      ["front: total", "2 images", "9.00 MB"],
      ["store", "Deployment", "a.example/three"],
    ]);
    expect(text).toMatch(/3 images, 4 layers, 8\.00 MB .*2\.00 MB.*16\.0 MB/);
  });

  it("has age, unique size, platform and chart", () => {
    const [, first = []] = rowsOf(formatted(SHOP));
    expect(first.slice(-5)).toEqual(["9.00 MB", "4.00 MB", "12 mo", "linux/amd64", "shop-1.0.0"]);
  });

  it.each(["component", "chart", "registry", "namespace"] as const)("groups by %s, with totals", (group) => {
    const rows = rowsOf(formatted(SHOP, { group }));
    const totals = rows.filter(([first = ""]) => first.endsWith(": total")).map(([first]) => first);
    expect(totals).toEqual(
      {
        component: ["front: total"],
        chart: ["shop-1.0.0: total"],
        registry: ["a.example: total"],
        namespace: ["shop: total"],
      }[group],
    );
  });

  it.each([
    ["component", ["a.example/one", "b.example/two", "a.example/three"]],
    ["size", ["a.example/one", "b.example/two", "a.example/three"]],
    ["name", ["a.example/one", "b.example/two", "a.example/three"]],
    ["age", ["a.example/one", "b.example/two", "a.example/three"]],
  ] as const)("sorts components by %s", (sort, expected) => {
    const text = formatted(SHOP, { sort });
    const found = [...text.matchAll(/[ab]\.example\/\w+/g)].map(([name]) => name);
    expect(found).toEqual(expected);
  });

  it("sorts the rows of a group", () => {
    const names = (sort: AuditFormatOptions["sort"]): readonly string[] =>
      [...formatted(SHOP, { group: "chart", sort }).matchAll(/[ab]\.example\/\w+/g)].map(([name]) => name);
    expect(names("size")[0]).toBe("a.example/three");
    expect(names("name")).toEqual(["a.example/one", "a.example/three", "b.example/two"]);
    expect(names("age")).toEqual(["a.example/one", "b.example/two", "a.example/three"]);
  });

  it.each([200, 120, 80, 40, 20, 10])("has no line of more than %d columns, whatever the texts", (width) => {
    for (const language of ["en", "ko"] as const) {
      for (const group of ["component", "chart"] as const) {
        for (const given of [SHOP, WITH_BAD_TEXTS]) {
          const lines = formatted(given, { width, language, group }).split("\n");
          expect(lines.filter((line) => stringWidth(line) > width)).toEqual([]);
        }
      }
    }
  });

  it("says which columns do not fit, and counts notes by rule", () => {
    const text = formatted(WITH_BAD_TEXTS, { width: 80 });
    expect(text).toMatch(/CHART[^]*--wide/);
    expect(text).toMatch(/^✗ large-image/m);
    expect(text).toMatch(/no-digest 1/);
    expect(formatted(WITH_BAD_TEXTS)).toMatch(/^- no-digest {2}a: none \(.*2027-01-01.*fine/m);
  });

  it("says that the size of an image that could not be resolved is unknown", () => {
    const text = formatted(WITH_BAD_TEXTS);
    expect(text).toMatch(/a\.example\/gone .*unknown .*unknown/);
    expect(text).toMatch(/1 image could not be resolved/);
  });
});

describe("as a list", () => {
  it("has one reference a line, each once", () => {
    const twice = report([component("a", [ONE]), component("b", [ONE, TWO])], [ONE, TWO]);
    expect(formatted(twice, { format: "list" })).toBe("a.example/one:1\nb.example/two:1");
    expect(formatted(SHOP, { format: "list", sort: "age" }).split("\n")[0]).toBe("a.example/one:1");
  });
});

describe("as Markdown", () => {
  const tableOf = (text: string): readonly string[] =>
    text.split("\n").filter((line) => line.startsWith("|"));

  it("has a row for each component, with its images in one cell", () => {
    const rows = tableOf(formatted(SHOP, { format: "markdown" }));
    expect(rows).toHaveLength(4);
    expect(rows[2]).toMatch(/^\| front \| Deployment \| a\.example\/one<br>b\.example\/two \| 1<br>2 \| /);
  });

  it.each(["component", "chart", "registry", "namespace"] as const)(
    "has as many cells in each row, grouped by %s",
    (group) => {
      for (const given of [SHOP, WITH_BAD_TEXTS]) {
        const rows = tableOf(formatted(given, { format: "markdown", group }));
        const cells = rows.map((row) => row.replaceAll("\\|", "").split("|").length);
        expect(new Set(cells).size).toBe(1);
      }
    },
  );

  it("has no text that becomes markup", () => {
    const text = formatted(WITH_BAD_TEXTS, { format: "markdown" });
    expect(text).not.toMatch(/<(?!br>)/);
    expect(text).not.toMatch(/(?<!\\)\[a(?<!\\)\]/);
  });

  it("has the reason of a rule once, and each of its findings", () => {
    const finding = { ...WORDS, rule: "no-digest", message: "none", why: "it may change", action: "pin it" };
    const findings = [
      { ...finding, subject: "one" },
      { ...finding, subject: "two" },
    ];
    const text = formatted({ ...SHOP, findings }, { format: "markdown" });
    expect(text.match(/it may change\. pin it\./g)).toHaveLength(1);
    expect(text).toMatch(/^- one: none\.\n- two: none\.$/m);
  });
});

describe("as CSV", () => {
  it("has exact sizes, all objects and the chart, and the line ends of RFC 4180", () => {
    const rows = parseCsv(formatted(SHOP, { format: "csv" }));
    expect(rows).toHaveLength(3);
    expect(rows[0]).toMatchObject({
      component: "front",
      release: "shop",
      namespace: "shop",
      objects: "Deployment shop/web",
      registry: "a.example",
      image: "a.example/one",
      version: "1",
      compressed_bytes: "5001000",
      unpacked_bytes: "9000000",
      unique_bytes: "4001000",
      layers: "2",
      chart: "shop",
      chart_version: "1.0.0",
      app_version: "7",
      required: "true",
    });
  });

  it("has the same names of columns in every language", () => {
    const head = (language: "en" | "ko"): string | undefined =>
      formatted(SHOP, { format: "csv", language }).split("\r\n")[0];
    expect(head("ko")).toBe(head("en"));
  });

  it("leaves sizes that are not known empty", () => {
    const row = parseCsv(formatted(WITH_BAD_TEXTS, { format: "csv" })).find(
      ({ image: name }) => name === "a.example/gone",
    );
    expect(row).toMatchObject({ compressed_bytes: "", unpacked_bytes: "", unique_bytes: "", layers: "" });
  });

  it.each(["=cmd()", "+1", "-1", "@sum"])("does not create a formula for %s", (text) => {
    const [row] = parseCsv(formatted(report([component(text, [ONE])], [ONE]), { format: "csv" }));
    expect(row?.["component"]).toBe(`'${text}`);
  });

  it("escapes quotes and commas", () => {
    const [row] = parseCsv(formatted(report([component('a,"b"', [ONE])], [ONE]), { format: "csv" }));
    expect(row?.["component"]).toBe('a,"b"');
  });
});

it("is the report itself as JSON", () => {
  expect(JSON.parse(formatted(SHOP, { format: "json" }))).toEqual(SHOP);
});

describe("isAuditReport", () => {
  it.each(["table", "list", "markdown", "csv", "json"] as const)(
    "recognizes a %s in every language",
    (format) => {
      for (const language of ["en", "ko"] as const) {
        for (const group of ["component", "registry"] as const) {
          const text = `${formatted(SHOP, { format, language, group })}\n`;
          expect(isAuditReport(text.slice(0, 4096))).toBe(true);
        }
      }
    },
  );

  it.each(["", "hello\n", "one:1\ntwo\n", "# title\n\n| a | b |\n", '{"formatVersion": 1}', "COMPONENT\n"])(
    "does not recognize %j",
    (text) => {
      expect(isAuditReport(text)).toBe(false);
    },
  );
});
