// Formats the findings of an audit as SARIF 2.1.0, which code hosts show beside the source.
import { createHash } from "node:crypto";
import { basename, isAbsolute, relative, sep } from "node:path";
import { RULES } from "../../core/audit/rules/table.js";
import type { AuditFinding, AuditReport } from "../../core/audit/report.js";

export interface SarifOptions {
  /** Absolute path of the spec or bundle. */
  readonly file: string;
  /** Paths are relative to this folder, which is the root of the repository in a pipeline. */
  readonly cwd: string;
  /** The version of this program. */
  readonly version: string;
}

const SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/**
 * Returns the document: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html. The location
 * of every finding is the audited file, because code hosts ignore findings without one; what it is
 * about is the logical location. Suppressed findings are marked as such.
 */
export function formatSarif({ findings }: AuditReport, { file, cwd, version }: SarifOptions): string {
  const rules = [...new Map(findings.map((finding) => [finding.rule, finding])).values()].map(toRule);
  const uri = uriOf(file, cwd);
  const run = {
    tool: { driver: { name: "viola-airgap", version, rules } },
    columnKind: "utf16CodeUnits",
    results: findings.map((finding) => ({
      ...toResult(finding, uri),
      ruleIndex: rules.findIndex(({ id }) => id === finding.rule),
    })),
  };
  return JSON.stringify({ $schema: SCHEMA, version: "2.1.0", runs: [run] }, null, 1);
}

function toRule({ rule: id, severity, why }: AuditFinding) {
  const check = RULES.find((rule) => rule.id === id)?.check ?? why;
  return {
    id,
    shortDescription: { text: check },
    fullDescription: { text: why },
    defaultConfiguration: { level: severity },
  };
}

function toResult({ rule, severity, subject, message, why, action, suppressed }: AuditFinding, uri: string) {
  return {
    ruleId: rule,
    level: severity,
    message: { text: `${subject === "" ? "" : `${subject}: `}${message}. ${why} ${action}` },
    locations: [
      {
        physicalLocation: { artifactLocation: { uri }, region: { startLine: 1 } },
        ...(subject !== "" && { logicalLocations: [{ fullyQualifiedName: subject }] }),
      },
    ],
    // A finding keeps its identity when its message changes, for example with the age of an image.
    partialFingerprints: {
      "ruleAndSubject/v1": createHash("sha256").update(`${rule}\n${subject}`).digest("hex"),
    },
    ...(suppressed !== undefined && {
      suppressions: [{ kind: "external", status: "accepted", justification: suppressed.reason }],
    }),
  };
}

/** A relative reference (RFC 3986); the path of a file elsewhere would say nothing to a code host. */
function uriOf(file: string, cwd: string): string {
  const path = relative(cwd, file);
  const isInside = !isAbsolute(path) && path.split(sep)[0] !== "..";
  return (isInside ? path : basename(file)).split(sep).map(encodeURIComponent).join("/");
}
