// Warnings that the spec silences with a reason.
import { describe, expect, it } from "vitest";
import { silenceWarnings } from "../../../../src/core/spec/silence-warnings.js";

const WARNINGS = [
  {
    code: "unknown-operator",
    message: "a",
    object: "Deployment maker",
    chart: "app-1.0.0",
    images: ["org/maker:v1"],
    incomplete: true,
  },
  {
    code: "unknown-operator",
    message: "b",
    object: "Deployment other",
    chart: "more-1.0.0",
    incomplete: true,
  },
  { code: "image-alternatives", message: "c", chart: "app-1.0.0", incomplete: true },
];
const reason = "judged";

describe("silenceWarnings", () => {
  it.each([
    ["all warnings with the code", undefined, [0, 1]],
    ["the object", "Deployment maker", [0]],
    ["the chart", "more-1.0.0", [1]],
    ["the image in another spelling", "docker.io/org/maker:v1", [0]],
  ])("silences %s, with the reason, and keeps the warning", (_, subject, silenced) => {
    const entry = { code: "unknown-operator", reason, ...(subject !== undefined && { subject }) };

    const warnings = silenceWarnings(WARNINGS, [entry]);

    expect(warnings).toEqual(
      WARNINGS.map((warning, index) =>
        silenced.includes(index) ? { ...warning, incomplete: false, silenced: reason } : warning,
      ),
    );
  });

  it.each([
    ["another code", { code: "pod-webhook", reason }],
    ["another subject", { code: "unknown-operator", subject: "Deployment mak", reason }],
    ["another tag of the image", { code: "unknown-operator", subject: "org/maker:v2", reason }],
  ])("says that an entry is unused: %s", (_, entry) => {
    const warnings = silenceWarnings(WARNINGS, [entry]);

    expect(warnings.slice(0, 3)).toEqual(WARNINGS);
    expect(warnings.slice(3)).toMatchObject([{ code: "silence-unused", incomplete: false }]);
  });
});
