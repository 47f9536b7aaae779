// Bills of materials: CycloneDX and SPDX against their schemas, the same bytes each time, and what
// needs what.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Ajv, type ValidateFunction } from "ajv";
import addFormats from "ajv-formats";
import { beforeAll, describe, expect, it } from "vitest";
import { isAuditReport } from "../../../../src/cli/reporters/audit/audit.js";
import { formatCycloneDx } from "../../../../src/cli/reporters/cyclonedx.js";
import { formatSpdx } from "../../../../src/cli/reporters/spdx.js";
import { printable } from "../../../../src/cli/terminal.js";
import type { AuditReport } from "../../../../src/core/audit/report.js";
import { auditReportOf, largeReport, sha256Of } from "../../../support/audit-report-of.js";
import { ROOT } from "../../../support/paths.js";

const HEAD_BYTES = 4096;
const ODD = '<b>"\u001b[31m \u2028 한국어 🙂</b> & more';

const report = auditReportOf([
  { name: "quay.io/shop/web:1.2", components: ["shop"], layers: { base: 10, web: 20 } },
  {
    name: "localhost:5000/shop/db:3",
    components: ["db"],
    layers: { base: 10, db: 5 },
    more: { purpose: ODD },
  },
  {
    name: "docker.io/library/busybox:1",
    layers: { box: 1 },
    more: { required: false, created: "2025-01-02T03:04:05.678Z" },
  },
  { name: "docker.io/library/odd:1", layers: {}, more: { digest: "", platforms: [], created: null } },
]);
const withoutDates: AuditReport = {
  ...report,
  images: report.images.map((image) => ({ ...image, created: null })),
};
const REPORTS: readonly (readonly [string, AuditReport])[] = [
  ["a report", report],
  ["a report without dates", withoutDates],
  ["an empty report", auditReportOf([], { releases: [] })],
  ["a report of 50 images", largeReport(50)],
];

async function readJson(path: string): Promise<Record<string, unknown>> {
  return JSON.parse(await readFile(join(ROOT, path), "utf8")) as Record<string, unknown>;
}

describe("CycloneDX", () => {
  interface CycloneDx {
    readonly serialNumber: string;
    readonly metadata: { readonly timestamp?: string; readonly component: { readonly "bom-ref": string } };
    readonly components: readonly {
      readonly "bom-ref": string;
      readonly type: string;
      readonly purl: string;
      readonly scope: string;
      readonly description?: string;
      readonly hashes?: readonly { readonly alg: string; readonly content: string }[];
    }[];
    readonly dependencies: readonly { readonly ref: string; readonly dependsOn?: readonly string[] }[];
  }
  const documentOf = (of: AuditReport): CycloneDx => JSON.parse(formatCycloneDx(of, "1.0.0")) as CycloneDx;
  let validate: ValidateFunction;

  beforeAll(async () => {
    const ajv = new Ajv({ strict: false, allErrors: true });
    addFormats.default(ajv);
    // The drafts' formats for other alphabets are not in ajv-formats.
    ajv.addFormat("iri-reference", true).addFormat("idn-email", true);
    const folder = "node_modules/@cyclonedx/cyclonedx-library/res/schema";
    for (const name of ["spdx", "jsf-0.82", "cryptography-defs"]) {
      const file = `${name}.SNAPSHOT.schema.json`;
      ajv.addSchema(await readJson(`${folder}/${file}`), `http://cyclonedx.org/schema/${file}`);
    }
    validate = ajv.compile(await readJson(`${folder}/bom-1.6.SNAPSHOT.schema.json`));
  });

  it.each(REPORTS)("is valid for %s", (_, of) => {
    validate(documentOf(of));
    expect(validate.errors ?? []).toEqual([]);
  });

  it("has images and charts with package URLs and digests", () => {
    const { components } = documentOf(report);
    const find = (ref: string): CycloneDx["components"][number] | undefined =>
      components.find((one) => one["bom-ref"] === ref);

    expect(find("image:localhost:5000/shop/db:3")).toMatchObject({
      type: "container",
      purl: `pkg:oci/db@${encodeURIComponent(sha256Of("localhost:5000/shop/db:3 index"))}?repository_url=localhost%3A5000/shop/db&tag=3`,
      hashes: [{ alg: "SHA-256", content: sha256Of("localhost:5000/shop/db:3 index").slice(7) }],
      description: ODD,
    });
    expect(find("image:docker.io/library/busybox:1")?.scope).toBe("optional");
    expect(find("release:apps/shop")).toMatchObject({ type: "application", purl: "pkg:helm/shop@1.0.0" });
    expect(find("chart:db@1.2.3")?.purl).toBe("pkg:helm/db@1.2.3");
  });

  it("does not invent the digest of an image that could not be resolved", () => {
    const odd = documentOf(report).components.find(({ purl }) => purl.includes("/odd"));
    expect(odd).toMatchObject({ purl: "pkg:oci/odd?repository_url=docker.io/library/odd&tag=1" });
    expect(odd?.hashes).toBeUndefined();
  });

  it("says which release needs which image, and what the bundle has besides", () => {
    const needs = new Map(documentOf(report).dependencies.map(({ ref, dependsOn }) => [ref, dependsOn]));

    expect(needs.get("release:apps/shop")).toEqual(
      expect.arrayContaining([
        "image:quay.io/shop/web:1.2",
        "image:localhost:5000/shop/db:3",
        "chart:db@1.2.3",
      ]),
    );
    expect(needs.get("chart:db@1.2.3")).toEqual(["image:localhost:5000/shop/db:3"]);
    expect([...(needs.get("bundle") ?? [])].sort()).toEqual([
      "image:docker.io/library/busybox:1",
      "image:docker.io/library/odd:1",
      "release:apps/shop",
    ]);
  });

  it("has a serial number of the content, and the time of the newest image", () => {
    const { serialNumber, metadata } = documentOf(report);
    const [first, ...rest] = report.images;
    const other = { ...report, images: [{ ...first!, digest: sha256Of("other") }, ...rest] };

    expect(formatCycloneDx(report, "1.0.0")).toBe(formatCycloneDx(structuredClone(report), "1.0.0"));
    expect(serialNumber).not.toBe(documentOf(other).serialNumber);
    expect(metadata.timestamp).toBe("2025-01-02T03:04:05.678Z");
    expect(documentOf(withoutDates).metadata.timestamp).toBeUndefined();
  });

  it.each(REPORTS)("is recognized as a report: %s", (_, of) => {
    expect(isAuditReport(formatCycloneDx(of, "1.0.0").slice(0, HEAD_BYTES))).toBe(true);
  });

  it("of another program is not taken for a report", () => {
    const other = formatCycloneDx(report, "1.0.0").replace('"viola-airgap"', '"other"');
    expect(isAuditReport(other.slice(0, HEAD_BYTES))).toBe(false);
  });
});

describe("SPDX", () => {
  interface Spdx {
    readonly documentNamespace: string;
    readonly creationInfo: { readonly created: string };
    readonly packages: readonly {
      readonly SPDXID: string;
      readonly name: string;
      readonly summary?: string;
    }[];
    readonly relationships: readonly {
      readonly spdxElementId: string;
      readonly relationshipType: string;
      readonly relatedSpdxElement: string;
    }[];
  }
  const documentOf = (of: AuditReport): Spdx => JSON.parse(formatSpdx(of, "1.0.0")) as Spdx;
  let validate: ValidateFunction;

  beforeAll(async () => {
    const ajv = new Ajv({ strict: false, allErrors: true });
    validate = ajv.compile(await readJson("test/fixtures/spdx/spdx-2.3.schema.json"));
  });

  it.each(REPORTS)("is valid for %s", (_, of) => {
    validate(documentOf(of));
    expect(validate.errors ?? []).toEqual([]);
  });

  // The schema does not say these rules of the specification (3.2, 6.5, 6.9, 7.1).
  it.each(REPORTS)("has identifiers, times and relationships as the specification says: %s", (_, of) => {
    const { packages, relationships, documentNamespace, creationInfo } = documentOf(of);
    const ids = packages.map(({ SPDXID }) => SPDXID);

    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.filter((id) => !/^SPDXRef-[A-Za-z0-9.-]+$/.test(id))).toEqual([]);
    expect(documentNamespace).toMatch(/^https:\/\/[^\s#]+$/);
    expect(creationInfo.created).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    const known = new Set([...ids, "SPDXRef-DOCUMENT"]);
    expect(
      relationships.filter((one) => !known.has(one.spdxElementId) || !known.has(one.relatedSpdxElement)),
    ).toEqual([]);
  });

  it("says which release needs which image", () => {
    const { packages, relationships } = documentOf(report);
    const names = new Map(packages.map(({ SPDXID, name }) => [SPDXID, name]));
    const needs = relationships
      .filter(({ relationshipType }) => relationshipType === "DEPENDS_ON")
      .map((one) => `${names.get(one.spdxElementId)} ${names.get(one.relatedSpdxElement)}`);

    expect(needs).toEqual(expect.arrayContaining(["shop quay.io/shop/web", "db localhost:5000/shop/db"]));
    expect(packages.find(({ name }) => name === "localhost:5000/shop/db")?.summary).toBe(ODD);
  });

  it("is the same each time, and printable", () => {
    expect(formatSpdx(report, "1.0.0")).toBe(formatSpdx(structuredClone(report), "1.0.0"));
    expect(JSON.parse(printable(formatSpdx(report, "1.0.0")))).toEqual(documentOf(report));
  });

  it.each(REPORTS)("is recognized as a report: %s", (_, of) => {
    expect(isAuditReport(formatSpdx(of, "1.0.0").slice(0, HEAD_BYTES))).toBe(true);
  });
});
