// Writes findings in the language of a reader. JSON and other formats for programs keep the English.
import type { Language } from "../../words/language.js";
import { fill } from "../../words/phrase.js";
import type { AuditFinding } from "../report.js";
import { FINDING_TEXTS_KO, HINTS_KO, VALUES_KO, WARNING_TEXTS_KO } from "./texts-ko.js";

/** Returns the report with its findings in the language. */
export function localizeFindings<T extends { readonly findings: readonly AuditFinding[] }>(
  report: T,
  language: Language,
): T {
  if (language === "en") return report;
  return { ...report, findings: report.findings.map(inKorean) };
}

/** A kind that has no Korean text, such as one of a newer release, keeps its English text. */
function inKorean(finding: AuditFinding): AuditFinding {
  const texts = Object.entries(FINDING_TEXTS_KO).find(([kind]) => kind === finding.kind)?.[1];
  if (texts === undefined) return finding;
  const values = valuesInKorean(finding);
  return {
    ...finding,
    message: fill(texts.message, values),
    why: fill(texts.why, values),
    action: fill(texts.action, values),
  };
}

function valuesInKorean({ rule, values }: AuditFinding): AuditFinding["values"] {
  const { message, hint, confidence, code = rule.replace(/^warning:/, "") } = values;
  const summary = lookUp(WARNING_TEXTS_KO, code);
  return {
    ...values,
    ...(message !== undefined && summary !== undefined && { message: `${summary} (${message})` }),
    ...(hint !== undefined && { hint: lookUp(HINTS_KO, hint) ?? hint }),
    ...(confidence !== undefined && { confidence: lookUp(VALUES_KO, confidence) ?? confidence }),
  };
}

function lookUp(texts: Readonly<Record<string, string>>, key: string | number): string | undefined {
  return Object.hasOwn(texts, key) ? texts[key] : undefined;
}
