// `facts`: the offsets in the archive, the grammar that load.sh checks, and values that the grammar
// rejects.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { FACT_PATTERNS, formatFacts } from "../../../../src/core/bundle/facts.js";
import type { Inventory, InventoryImage } from "../../../../src/core/bundle/inventory.js";
import { formatReference, parseReference } from "../../../../src/core/images/reference.js";
import { OCI_CONFIG, OCI_INDEX, OCI_MANIFEST } from "../../../../src/core/oci/descriptor.js";
import { digestOf, hexOf } from "../../../../src/core/oci/digest.js";
import { ROOT } from "../../../support/paths.js";

const GZIP = "application/vnd.oci.image.layer.v1.tar+gzip";
const digest = digestOf("x");

const image = (name: string): InventoryImage => ({
  reference: name,
  normalized: formatReference(parseReference(name)),
  required: true,
  confidence: "certain",
  evidence: [],
  names: [formatReference(parseReference(name))],
  digest: digestOf(`index of ${name}`),
  mediaType: OCI_INDEX,
  manifests: [
    { mediaType: OCI_INDEX, digest: digestOf(`index of ${name}`), size: 700 },
    { mediaType: OCI_MANIFEST, digest: digestOf(`manifest of ${name}`), size: 500 },
  ],
  rebuilt: false,
  platforms: [
    {
      platform: "linux/arm/v7",
      digest: digestOf(`manifest of ${name}`),
      config: { mediaType: OCI_CONFIG, digest: digestOf(`config of ${name}`), size: 300 },
      layers: [{ mediaType: GZIP, digest, size: 2, uncompressedSize: null }],
    },
  ],
});

const inventory: Inventory = {
  formatVersion: 1,
  name: "test",
  version: "1.0.0+b",
  createdFrom: { spec: digest, tool: "test" },
  platforms: ["linux/arm/v7"],
  apiVersions: ["monitoring.coreos.com/v1/PodMonitor"],
  releases: [
    {
      name: "app",
      namespace: "shop",
      chart: { name: "app", version: "1" },
      file: "charts/app-1.tgz",
      sha256: hexOf(digest),
      values: ["values/app.1.yaml", "values/app.2.yaml"],
    },
  ],
  images: [image("[2001:db8::7]:5000/a:1"), image("docker.io/library/busybox:latest")],
  hostImages: [image("docker.io/kindest/node:v1.30.2")],
  excluded: [{ reference: "hidden:1@" + digest, reason: "a test" }],
  warnings: [],
  files: [{ path: "charts/app-1.tgz", sha256: hexOf(digest), size: 3 }],
  blobs: [{ digest, size: 513, offset: 0 }],
};

const linesOf = (kind: string, of: Inventory = inventory): readonly string[] =>
  formatFacts(of)
    .split("\n")
    .filter((line) => line.startsWith(`${kind} `))
    .map((line) => line.slice(kind.length + 1));

describe("formatFacts", () => {
  it("has one fact per line, with a header and an end that show that nothing is missing", () => {
    const lines = formatFacts(inventory).split("\n");

    expect(lines[0]).toBe("viola-airgap-facts 1");
    expect(lines.at(-2)).toMatch(/^end \d+$/);
    expect(lines.at(-1)).toBe("");
    expect(linesOf("bundle")).toEqual(["test 1.0.0+b"]);
    expect(linesOf("release")).toEqual(["1 app shop"]);
    expect(linesOf("values")).toEqual(["1 1 values/app.1.yaml", "1 2 values/app.2.yaml"]);
    expect(linesOf("host-name")).toHaveLength(1);
  });

  it("has the kubelet's name of an excluded image, and its spellings", () => {
    const name = `docker.io/library/hidden@${digest}`;

    expect(linesOf("excluded")).toEqual([name]);
    expect(linesOf("spelling")).toContain(`hidden@${digest} ${name}`);
    expect(linesOf("spelling")).toContain("index.docker.io/busybox docker.io/library/busybox:latest");
  });

  it("is the same when facts are one of the files", () => {
    const facts = { path: "facts", sha256: hexOf(digest), size: 9000 };

    expect(formatFacts({ ...inventory, files: [facts, ...inventory.files] })).toBe(formatFacts(inventory));
  });

  it.each<[string, Partial<Inventory>]>([
    ["name", { name: "a b" }],
    ["platforms.0", { platforms: ["linux/$(reboot)"] }],
    ["apiVersions.0", { apiVersions: ["a/v1\nend 0"] }],
    ["releases.0", { releases: [{ ...inventory.releases[0]!, name: "--kubeconfig=x" }] }],
    ["releases.0.file", { releases: [{ ...inventory.releases[0]!, file: "charts/../x" }] }],
    ["releases.0.values.0", { releases: [{ ...inventory.releases[0]!, values: ["-rf"] }] }],
    ["images.0", { images: [{ ...image("a.b/c:1"), mediaType: "text/html; charset=utf-8" }] }],
    ["hostImages.0", { hostImages: [{ ...image("a.b/c:1"), mediaType: "a b" }] }],
    ["excluded.0.reference", { excluded: [{ reference: "`reboot`", reason: "" }] }],
    ["files.0", { files: [{ path: "charts/a b.tgz", sha256: hexOf(digest), size: 1 }] }],
    ["blobs.0", { blobs: [{ digest, size: 1e18, offset: 0 }] }],
  ])("refuses what the grammar does not hold in %s", (field, change) => {
    expect(() => formatFacts({ ...inventory, ...change })).toThrow(
      expect.objectContaining({ code: "BUNDLE_INVALID", subject: field }),
    );
  });
});

describe("the grammar of facts", () => {
  it("is the same in load.sh", () => {
    const script = readFileSync(join(ROOT, "manifests/bundle/load.sh"), "utf8");
    const [grammar = ""] = /^facts_grammar\(\) \($[^]*?^\)$/m.exec(script) ?? [];
    const printed = execFileSync("sh", ["-c", `${grammar}\nfacts_grammar`], { encoding: "utf8" });

    expect(printed.trimEnd().split("\n")).toEqual(FACT_PATTERNS);
  });

  it("has the same meaning for grep, which load.sh uses", () => {
    const lines = formatFacts(inventory).split("\n").filter(Boolean);
    const wrong = lines.flatMap((line) => [
      `${line} `,
      ` ${line}`,
      line.replace(" ", "  "),
      line.slice(0, -1) + "$",
    ]);
    const input = [...lines, ...wrong, "", "unknown 1"].join("\n");
    const accepted = execFileSync("grep", ["-Ex", FACT_PATTERNS.join("|")], { input, encoding: "utf8" });

    expect(accepted.trimEnd().split("\n")).toEqual(lines);
  });
});
