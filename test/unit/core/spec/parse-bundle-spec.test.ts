// parseBundleSpec: the parsed spec, and the location of errors.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { formatted } from "../../../../scripts/formatted.js";
import { inspectBundleSpec, parseBundleSpec } from "../../../../src/core/spec/parse-bundle-spec.js";
import { editorSchema } from "../../../../src/core/spec/schema.js";
import type { ViolaError } from "../../../../src/errors.js";
import { ManyErrors } from "../../../../src/errors.js";

const manifest = (path: string): string =>
  readFileSync(new URL(`../../../../manifests/${path}`, import.meta.url), "utf8");

const CHART = `
name: demo
version: 1.0.0
charts:
  - chart: ./app
    release: app
    namespace: apps
`;

/** Returns `line:column message` of every error in the text, in order of position. */
function complaints(text: string): readonly string[] {
  try {
    parseBundleSpec(text, "b.yaml", "/srv");
  } catch (error) {
    const errors = error instanceof ManyErrors ? error.errors : [error as ViolaError];
    return errors
      .map((one) => {
        expect(one.code).toBe("SPEC_INVALID");
        expect(one.message.startsWith(`${one.subject ?? ""}: `)).toBe(true);
        return one.message.slice("b.yaml:".length);
      })
      .sort((one, other) => Number.parseInt(one) - Number.parseInt(other));
  }
  return [];
}

describe("parseBundleSpec", () => {
  it("adds defaults and resolves paths relative to the spec's folder", () => {
    const spec = parseBundleSpec(
      `
name: demo
version: 1.0.0
platforms: [linux/amd64, linux/aarch64]
kubernetes: { version: v1.30.2, apiVersions: [monitoring.coreos.com/v1] }
charts:
  - chart: kube-state-metrics
    repository: https://charts.example/metrics
    version: 5.29.0
    dependencies:
      - { name: extra, version: 1.x, repository: file://../extra, condition: extra.enabled, alias: more }
    release: metrics
    namespace: monitoring
    valuesFiles: [values.yaml, /etc/values.yaml]
    values: { replicas: 2 }
  - { chart: "oci://registry.example/charts/app", version: 1.2.3, release: app, namespace: apps }
  - { chart: charts/app-1.0.0.tgz, release: packed, namespace: apps }
  - { chart: ../app, release: folder, namespace: apps }
images:
  include: [busybox]
  exclude: [{ image: quay.io/thanos/thanos:v0.37.2, reason: not used }]
  tests: true
warnings:
  silence: [{ code: unknown-operator, subject: Deployment maker, reason: judged }, { code: pod-webhook, reason: judged }]
`,
      "b.yaml",
      "/srv/specs",
    );

    expect(spec).toEqual({
      name: "demo",
      version: "1.0.0",
      platforms: [
        { os: "linux", architecture: "amd64" },
        { os: "linux", architecture: "arm64" },
      ],
      kubeVersion: "v1.30.2",
      apiVersions: ["monitoring.coreos.com/v1"],
      charts: [
        {
          source: {
            kind: "repository",
            repository: "https://charts.example/metrics",
            name: "kube-state-metrics",
            version: "5.29.0",
          },
          dependencies: [
            {
              name: "extra",
              version: "1.x",
              repository: "file:///srv/extra",
              condition: "extra.enabled",
              alias: "more",
            },
          ],
          release: "metrics",
          namespace: "monitoring",
          valuesFiles: ["/srv/specs/values.yaml", "/etc/values.yaml"],
          values: { replicas: 2 },
          set: [],
        },
        {
          source: { kind: "oci", reference: "oci://registry.example/charts/app", version: "1.2.3" },
          dependencies: [],
          release: "app",
          namespace: "apps",
          valuesFiles: [],
          set: [],
        },
        {
          source: { kind: "archive", file: "/srv/specs/charts/app-1.0.0.tgz" },
          dependencies: [],
          release: "packed",
          namespace: "apps",
          valuesFiles: [],
          set: [],
        },
        {
          source: { kind: "folder", folder: "/srv/app" },
          dependencies: [],
          release: "folder",
          namespace: "apps",
          valuesFiles: [],
          set: [],
        },
      ],
      extraImages: [{ reference: "busybox" }],
      excludedImages: [{ reference: "quay.io/thanos/thanos:v0.37.2", reason: "not used" }],
      silencedWarnings: [
        { code: "unknown-operator", subject: "Deployment maker", reason: "judged" },
        { code: "pod-webhook", reason: "judged" },
      ],
      includeTests: true,
    });
  });

  it.each(["example.yaml", "viola-monitoring/bundle.yaml"])("accepts manifests/%s", (path) => {
    expect(parseBundleSpec(manifest(path), path, "/srv").charts).toHaveLength(1);
  });

  it("reports all errors at once, each with its line", () => {
    const found = complaints(`
name: demo
version: 1.10
platfroms: []
platforms: [linux]
charts:
  - chart: app
    relese: app
    release: App
    namespace: apps
  - chart: ./app
    version: 1.0.0
    release: app
    namespace: apps
    dependencies: [{ name: x, version: "1", repository: "git://x" }]
images:
  exclude: [{ image: busybox }]
`);

    expect(found.map((line) => line.replace(/^(\d+):\d+: (\S+): .*/, "$1 $2"))).toEqual([
      "3 version",
      "4 platfroms",
      "5 platforms[0]",
      "7 charts[0].chart",
      "8 charts[0].relese",
      "9 charts[0].release",
      "12 charts[1].version",
      "15 charts[1].dependencies[0].repository",
      "17 images.exclude[0].reason",
    ]);
    expect(found[1]).toContain("platforms");
    expect(found[4]).toContain("release");
  });

  it.each([
    ["a YAML fault", `${CHART}name: again\n`, /^8:/],
    [
      "a release twice in a namespace",
      `${CHART}  - { chart: ./b, release: app, namespace: apps }\n`,
      /^8:.*charts\[1\]\.release/,
    ],
    [
      "an oci chart with a repository",
      CHART.replace("./app", "oci://r.example/a\n    repository: https://x.example"),
      /repository/,
    ],
    [
      "a repository that is no URL",
      CHART.replace("./app", "a\n    repository: stable"),
      /charts\[0\]\.repository/,
    ],
    [
      "a path beside a repository",
      CHART.replace("./app", "./a\n    repository: https://x.example"),
      /charts\[0\]\.chart/,
    ],
    ["an image that is no reference", `${CHART}images: { include: ["A:B"] }\n`, /^8:.*images\.include\[0\]/],
    [
      "an image both included and left out",
      `${CHART}images: { include: [busybox], exclude: [{ image: "docker.io/library/busybox:latest", reason: r }] }\n`,
      /images\.exclude\[0\]\.image/,
    ],
    [
      "a dependency listed twice",
      `${CHART}    dependencies:\n      - { name: x, version: "1", repository: "https://x.example" }\n      - { name: x, version: "2", repository: "https://x.example" }\n`,
      /^10:.*dependencies\[1\]\.name/,
    ],
    ["a file with nothing in it", "", /^1:1: is empty/],
    ["a file without charts", "name: demo\nversion: 1.0.0\n", /^1:1: charts: is missing/],
    [
      "a list given as a map",
      CHART.replace("  - chart", "    chart"),
      /^4:1: charts: must be a list, but is a map/,
    ],
    [
      "a map given as a list",
      `${CHART}kubernetes: [v1.30]\n`,
      /^8:1: kubernetes: must be a map, but is a list/,
    ],
    [
      "a field without a value",
      CHART.replace(" apps", ""),
      /charts\[0\]\.namespace: must be text, but is empty/,
    ],
    ["an alias without an anchor", CHART.replace(" apps", " *x"), /Unresolved alias/],
    ["two documents", `${CHART}---\nname: other\n`, /^8:1: /],
  ])("rejects %s", (_, text, expected) => {
    expect(complaints(text).join("\n")).toMatch(expected);
  });

  it("reports tabs and duplicate keys together with the faults of fields", () => {
    const found = complaints(
      'name: demo\nversion: "1"\ncharts:\n\t- { chart: ./a, release: a, namespace: a }\nname: again\nplatfroms: []\n',
    );

    expect(found.map((line) => line.replace(/^(\d+):\d+: (.*)/, "$1 $2"))).toEqual([
      "4 a line is indented with a tab",
      "5 name: is given twice",
      expect.stringMatching(/^6 platfroms: /),
    ]);
  });

  it("says what to do about every fault", () => {
    const { errors } = inspectBundleSpec(
      "name: [a]\nversion: 1.10\ncharts: {}\nimages: { include: [A], exclud: [] }\nname: b\n",
      "b.yaml",
      "/srv",
    );

    expect(errors).toHaveLength(5);
    expect(errors.filter(({ hint }) => hint === undefined)).toEqual([]);
  });

  it("reads limits and suppressions of the audit", () => {
    const audit = `audit:
  maxSize: 500MB
  maxLayerSize: 1GiB
  maxAgeDays: 365
  suppress:
    - { rule: mutable-tag, subject: busybox, reason: a test, until: 2026-12-31 }
    - { rule: "warning:odd", reason: judged }
    - { rule: latest-tag, reason: a former id }
`;
    expect(parseBundleSpec(CHART + audit, "b.yaml", "/srv").audit).toEqual({
      maxBytes: 500e6,
      maxLayerBytes: 2 ** 30,
      maxAgeDays: 365,
      suppress: [
        { rule: "mutable-tag", subject: "busybox", reason: "a test", until: "2026-12-31" },
        { rule: "warning:odd", reason: "judged" },
        { rule: "latest-tag", reason: "a former id" },
      ],
    });
    // A list whose entries are all commented out.
    expect(parseBundleSpec(`${CHART}audit: { suppress: }\n`, "b.yaml", "/srv").audit).toEqual({});
  });

  it("reports mistakes in the audit's settings with their positions", () => {
    const found = complaints(`${CHART}audit:
  maxSize: much
  maxAgeDays: 0
  suppress:
    - { rule: mutable-tags, reason: a slip }
    - { rule: mutable-tag, reason: a slip, until: 2026-02-30 }
    - { rule: mutable-tag, reason: a slip, until: tomorrow }
    - { rule: mutable-tag }
    - { rule: "warning:", reason: a slip }
`);

    expect(found.map((line) => line.replace(/^(\d+:\d+): (\S+): .*/, "$1 $2"))).toEqual([
      "9:3 audit.maxSize",
      "10:3 audit.maxAgeDays",
      "12:9 audit.suppress[0].rule",
      "13:44 audit.suppress[1].until",
      "14:44 audit.suppress[2].until",
      "15:7 audit.suppress[3].reason",
      "16:9 audit.suppress[4].rule",
    ]);
    expect(found[2]).toContain("mutable-tag?");
  });

  it("accepts one release name in two namespaces", () => {
    expect(complaints(`${CHART}  - { chart: ./b, release: app, namespace: other }\n`)).toEqual([]);
  });
});

describe("editorSchema", () => {
  // To update it: npx vitest run --project unit -t "manifests/bundle.schema.json" -u
  it("is the content of manifests/bundle.schema.json", async () => {
    const file = fileURLToPath(new URL("../../../../manifests/bundle.schema.json", import.meta.url));

    const schema = await formatted(file, JSON.stringify(editorSchema()));

    await expect(schema).toMatchFileSnapshot(file);
  });
});
