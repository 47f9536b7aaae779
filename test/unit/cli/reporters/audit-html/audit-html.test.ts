// The HTML page as text: nothing from outside becomes markup, nothing is loaded, and it stays small. A
// browser looks at it in test/integration/browser.
import { describe, expect, it } from "vitest";
import { formatAuditHtml } from "../../../../../src/cli/reporters/audit-html/audit-html.js";
import { element, toHtml, toScriptJson } from "../../../../../src/cli/reporters/audit-html/shared/markup.js";
import { isAuditReport } from "../../../../../src/cli/reporters/audit/audit.js";
import { printable, singleLines } from "../../../../../src/cli/terminal.js";
import { auditReportOf, findingOf, largeReport } from "../../../../support/audit-report-of.js";

const HOSTILE = '"><img src=x onerror=alert(1)></script><!--<script>&\u2028\u001b[31m';

describe("markup", () => {
  it("escapes texts and attributes", () => {
    const html = toHtml(element("p", { title: HOSTILE, hidden: true, id: undefined }, HOSTILE));

    expect(html).toMatch(/^<p title="&quot;&gt;&lt;img [^"<>]*" hidden>"&gt;&lt;img [^<>]*<\/p>$/);
  });

  it("has JSON that cannot end its element, and that reads as before", () => {
    const json = toScriptJson({ [HOSTILE]: HOSTILE });

    expect(json).not.toMatch(/[<>&\u2028]/);
    expect(JSON.parse(json)).toEqual({ [HOSTILE]: HOSTILE });
  });
});

describe("the page", () => {
  const hostile = auditReportOf(
    [
      {
        name: "a.example/b:1",
        components: [HOSTILE],
        layers: { a: 1 },
        more: {
          purpose: HOSTILE,
          user: HOSTILE,
          base: { name: HOSTILE, digest: null },
          evidence: [
            {
              rule: HOSTILE,
              chart: HOSTILE,
              template: HOSTILE,
              object: HOSTILE,
              path: HOSTILE,
              value: HOSTILE,
            },
          ],
        },
      },
    ],
    {
      name: HOSTILE,
      findings: [findingOf(HOSTILE, { message: HOSTILE, why: HOSTILE, suppressed: { reason: HOSTILE } })],
      warnings: [{ code: HOSTILE, message: HOSTILE, hint: HOSTILE, object: HOSTILE, incomplete: true }],
    },
  );

  it("has the elements that it would have without hostile texts", () => {
    const plain = JSON.parse(
      JSON.stringify(hostile).replaceAll(JSON.stringify(HOSTILE).slice(1, -1), "x"),
    ) as typeof hostile;
    const tags = (html: string): readonly string[] =>
      html.replace(/<script>.*<\/script>/s, "").match(/<\/?[a-z!-]+/g) ?? [];

    expect(tags(formatAuditHtml(hostile, "en"))).toEqual(tags(formatAuditHtml(plain, "en")));
  });

  it("is the same after control characters are replaced, as the command does", () => {
    const html = formatAuditHtml(singleLines(hostile), "en");
    expect(printable(html)).toBe(html);
  });

  it("allows its own style and script only, and names no other file or host", () => {
    const html = formatAuditHtml(auditReportOf([]), "en");
    const [, policy = ""] = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(html) ?? [];

    expect(policy).toMatch(
      /^default-src 'none'; style-src 'sha256-[^']+'; script-src 'sha256-[^']+'; base-uri 'none'; form-action 'none'$/,
    );
    expect(html.match(/\b(?:src|href|action)="(?!#)[^"]*"|@import|url\((?!"?#)/g) ?? []).toEqual([]);
    expect(html).toMatch(/<style>:root\{/);
    expect(html.match(/https?:\/\/[^"'`\s]+/g) ?? []).toEqual(["http://www.w3.org/2000/svg"]);
  });

  it("is the same for the same report", () => {
    expect(formatAuditHtml(largeReport(20), "en")).toBe(formatAuditHtml(largeReport(20), "en"));
  });

  it("is recognized as a report in every language", () => {
    for (const language of ["en", "ko"] as const) {
      expect(isAuditReport(formatAuditHtml(auditReportOf([]), language).slice(0, 4096))).toBe(true);
    }
    expect(isAuditReport('<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>')).toBe(
      false,
    );
  });

  it("has less than 2 MB for 500 images with 5,000 layers", () => {
    expect(Buffer.byteLength(formatAuditHtml(largeReport(500), "ko"))).toBeLessThan(2_000_000);
  });
});
