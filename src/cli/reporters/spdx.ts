// Formats the bill of materials of an audit as SPDX 2.3, in JSON.
import { billOfMaterials, type BillOfMaterials, type BillPart } from "../../core/audit/bill-of-materials.js";
import type { AuditReport } from "../../core/audit/report.js";

const DOCUMENT = "SPDXRef-DOCUMENT";
const BUNDLE = "SPDXRef-bundle";
/** The format requires a time. Without any date in the content, this one says that none is known. */
const NO_TIME = "1970-01-01T00:00:00Z";
const ALGORITHMS: Readonly<Record<string, string>> = { sha256: "SHA256", sha384: "SHA384", sha512: "SHA512" };

interface Relationship {
  readonly spdxElementId: string;
  readonly relationshipType: "DESCRIBES" | "CONTAINS" | "DEPENDS_ON";
  readonly relatedSpdxElement: string;
}

/**
 * Returns the document (https://spdx.github.io/spdx-spec/v2.3/). The same report gives the same
 * bytes: the namespace is derived from the content, and the time is that of the newest image.
 * `toolVersion` is the version of this program.
 */
export function formatSpdx(report: AuditReport, toolVersion: string): string {
  const bill = billOfMaterials(report);
  const ids = new Map(bill.parts.map(({ kind, ref, name }, index) => [ref, spdxId(kind, index, name)]));
  const idOf = (ref: string): string => ids.get(ref) ?? BUNDLE;
  const name = `${bill.name}-${bill.version}`;
  const document = {
    spdxVersion: "SPDX-2.3",
    dataLicense: "CC0-1.0",
    SPDXID: DOCUMENT,
    name,
    // The specification recommends this form to those who have no domain of their own (6.5).
    documentNamespace: `https://spdx.org/spdxdocs/${encodeURIComponent(name)}-${bill.id}`,
    creationInfo: {
      created: bill.created === null ? NO_TIME : bill.created.replace(/\.\d+Z$/, "Z"),
      creators: [`Tool: viola-airgap-${toolVersion}`],
    },
    packages: [bundlePackage(bill), ...bill.parts.map((part) => toPackage(part, idOf(part.ref)))],
    relationships: relationships(bill, idOf),
  };
  return JSON.stringify(document, null, 1);
}

function bundlePackage({ name, version }: BillOfMaterials) {
  return {
    SPDXID: BUNDLE,
    name,
    versionInfo: version,
    downloadLocation: "NOASSERTION",
    filesAnalyzed: false,
    primaryPackagePurpose: "ARCHIVE",
  };
}

function toPackage({ kind, name, version, description, purl, digest, properties }: BillPart, id: string) {
  const [algorithm = "", hex = ""] = digest?.split(":") ?? [];
  const known = ALGORITHMS[algorithm];
  const comment = Object.entries(properties).map(([key, value]) => `${key}: ${value}`);
  return {
    SPDXID: id,
    name,
    versionInfo: version,
    downloadLocation: "NOASSERTION",
    filesAnalyzed: false,
    primaryPackagePurpose: kind === "image" ? "CONTAINER" : "APPLICATION",
    ...(description !== null && description !== "" && { summary: description }),
    ...(known !== undefined && { checksums: [{ algorithm: known, checksumValue: hex }] }),
    externalRefs: [{ referenceCategory: "PACKAGE-MANAGER", referenceType: "purl", referenceLocator: purl }],
    ...(comment.length > 0 && { comment: comment.join("\n") }),
  };
}

function relationships(bill: BillOfMaterials, idOf: (ref: string) => string): readonly Relationship[] {
  const from =
    (spdxElementId: string, relationshipType: Relationship["relationshipType"]) =>
    (ref: string): Relationship => ({ spdxElementId, relationshipType, relatedSpdxElement: idOf(ref) });
  return [
    { spdxElementId: DOCUMENT, relationshipType: "DESCRIBES", relatedSpdxElement: BUNDLE },
    ...bill.parts.map(({ ref }) => from(BUNDLE, "CONTAINS")(ref)),
    ...bill.parts.flatMap(({ ref, needs }) => needs.map(from(idOf(ref), "DEPENDS_ON"))),
  ];
}

/** Identifiers have letters, digits, `.` and `-` only (3.2), so a number makes them unique. */
function spdxId(kind: BillPart["kind"], index: number, name: string): string {
  return `SPDXRef-${kind}-${index}-${name.replaceAll(/[^A-Za-z0-9.]+/g, "-")}`;
}
