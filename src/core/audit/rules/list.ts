// Rules about the list of images: how certain it is, what is left out, and what is not pinned.
import { WARNING_PREFIX } from "../../audit-rule-ids.js";
import { isOneVersion } from "../../charts/one-version.js";
import { isTestImage } from "../../charts/hooks.js";
import { firstOf } from "./first-of.js";
import type { FindingWarning } from "../../images/image-use.js";
import type { Found, Rule } from "./rule.js";

export const LOW_CONFIDENCE: Rule = {
  id: "low-confidence",
  severity: "note",
  check: "It is not certain that an image is started.",
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
  check: "Only helm test starts an image.",
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
  check: "Versions of charts are given as ranges.",
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
  check: "The spec excludes an image that was found.",
  *find({ inventory: { excluded } }) {
    for (const { reference, reason } of excluded) {
      yield { kind: "excluded", subject: reference, values: { reason } };
    }
  },
};

export const SILENCED: Rule = {
  id: "silenced",
  severity: "note",
  check: "The spec silences a warning about the list of images.",
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
  check: "A program may start images that no chart names.",
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
    id: `${WARNING_PREFIX}${code}`,
    severity: "warning",
    check: "A warning about the list of images.",
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
