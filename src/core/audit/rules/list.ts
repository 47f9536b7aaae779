// Rules about the list of images: how certain it is, what is left out, and what is not pinned.
import { isOneVersion } from "../../charts/one-version.js";
import { isTestImage } from "../../charts/hooks.js";
import { firstOf } from "./first-of.js";
import type { FindingWarning } from "../../images/image-use.js";
import type { Found, Rule } from "./rule.js";

export const LOW_CONFIDENCE: Rule = {
  id: "low-confidence",
  severity: "note",
  *find({ contents: { images } }) {
    for (const { normalized, confidence, evidence } of images) {
      if (confidence === "certain" || confidence === "high") continue;
      const rule = evidence[0]?.rule ?? "";
      yield { kind: "low-confidence", subject: normalized, values: { confidence, rule } };
    }
  },
};

export const TEST_ONLY: Rule = {
  id: "test-only",
  severity: "note",
  *find({ inventory: { testImages = [] }, contents: { images } }) {
    for (const { normalized, objects } of testImages) {
      yield { kind: "test-only", subject: normalized, values: { objects: firstOf(objects) } };
    }
    for (const image of images.filter(isTestImage)) {
      const values = { objects: firstOf(image.usedBy) };
      yield { kind: "test-only-included", subject: image.normalized, values };
    }
  },
};

export const UNPINNED_CHART: Rule = {
  id: "unpinned-chart",
  severity: "note",
  *find({ inventory: { releases }, facts: { charts } }) {
    for (const { chart } of releases) {
      if (chart.range === undefined) continue;
      const values = { range: chart.range, version: chart.version };
      yield { kind: "unpinned-chart", subject: `${chart.name}-${chart.version}`, values };
    }
    // Subcharts are in the packaged chart; only its own dependencies are fetched again.
    for (const chart of charts.filter(({ path }) => !path.includes("/"))) {
      const ranges = chart.dependencies.filter(
        ({ version, repository }) => isRemote(repository) && !isOneVersion(version),
      );
      if (ranges.length === 0) continue;
      const text = ranges.map(({ name, version }) => `${name} ${version === "" ? "*" : version}`).join(", ");
      const subject = `${chart.name}-${chart.version}`;
      yield { kind: "unpinned-dependency", subject, values: { ranges: text } };
    }
  },
};

export const EXCLUDED: Rule = {
  id: "excluded",
  severity: "note",
  *find({ inventory: { excluded } }) {
    for (const { reference, reason } of excluded) {
      yield { kind: "excluded", subject: reference, values: { reason } };
    }
  },
};

export const SILENCED: Rule = {
  id: "silenced",
  severity: "note",
  *find({ inventory: { warnings } }) {
    for (const warning of warnings) {
      const { code, message, silenced: reason } = warning;
      if (reason === undefined) continue;
      yield { kind: "silenced", subject: subjectOf(warning), values: { code, message, reason } };
    }
  },
};

export const UNKNOWN_OPERATOR: Rule = {
  id: "unknown-operator",
  severity: "warning",
  *find({ inventory: { warnings } }) {
    for (const warning of warnings) {
      if (warning.silenced === undefined && warning.code === "unknown-operator") {
        yield warningFound("unknown-operator", warning);
      }
    }
  },
};

/** The rule of every other warning has the id `warning:CODE`. */
export function warningRule(code: string): Rule {
  return {
    id: `warning:${code}`,
    severity: "warning",
    *find({ inventory: { warnings } }) {
      for (const warning of warnings) {
        if (warning.silenced !== undefined || warning.code !== code) continue;
        yield warningFound(warning.incomplete ? "warning" : "remark", warning);
      }
    },
  };
}

function warningFound(kind: Found["kind"], warning: FindingWarning): Found {
  const { message, hint = "Check the list of images." } = warning;
  return { kind, subject: subjectOf(warning), values: { message, hint } };
}

function subjectOf({ object, template, chart, images = [] }: FindingWarning): string {
  return object ?? template ?? chart ?? images[0] ?? "";
}

/** True for a dependency that is fetched; others are in the folder of the chart or beside it. */
function isRemote(repository: string): boolean {
  return repository !== "" && !repository.startsWith("file://");
}
