// Every table of the program fits the terminal.
import { expect, it } from "vitest";
import stringWidth from "string-width";
import { formatCheck } from "../../../../src/cli/reporters/check.js";
import { formatDoctor } from "../../../../src/cli/reporters/doctor.js";
import { formatFindings } from "../../../../src/cli/reporters/images.js";
import { formatLoad } from "../../../../src/cli/reporters/load.js";
import { formatShow } from "../../../../src/cli/reporters/show.js";
import { formatSuspects } from "../../../../src/cli/reporters/suspects.js";
import { formatUnload } from "../../../../src/cli/reporters/unload.js";
import { imageUse } from "../../../support/image-use.js";

const LONG = "violia-monitoring-package-cluster-".repeat(5);
const NAME = `registry.example/${"team/".repeat(20)}image:v1.2.3`;
const TEXT = "아주 긴 설명 📦 ".repeat(20);

const TABLES: Readonly<Record<string, (width: number) => string>> = {
  show: (width) =>
    formatShow(
      {
        name: "app",
        version: "1",
        digest: "sha256:0",
        size: 1,
        base: null,
        whole: null,
        createdFrom: { spec: "sha256:0" as never, tool: "test" },
        platforms: ["linux/amd64"],
        kubeVersion: null,
        apiVersions: [],
        releases: [{ name: LONG, namespace: LONG, chart: { name: LONG, version: "1.0.0" } }],
        images: [
          {
            reference: NAME,
            normalized: NAME,
            digest: "sha256:0",
            platforms: ["linux/amd64", "linux/arm64", "linux/arm/v7", "windows/amd64"],
            compressedBytes: 1e9,
            uncompressedBytes: null,
          },
        ],
        hostImages: [],
        excluded: [],
        signature: null,
        rehearsal: null,
        warnings: { incomplete: 0, total: 0 },
      },
      { format: "table", language: "en", width },
    ),
  images: (width) => {
    const evidence = {
      ...{ rule: `operator:${LONG}`, chart: LONG, template: `${LONG}/templates/a.yaml` },
      ...{ object: `Deployment ${LONG}`, path: "spec", value: NAME },
    };
    return formatFindings({ images: [{ ...imageUse(NAME), evidence: [evidence] }], warnings: [] }, width);
  },
  doctor: (width) => formatDoctor([{ isThere: true, name: LONG, neededFor: TEXT, detail: TEXT }], width),
  load: (width) =>
    formatLoad(
      [
        {
          names: 1,
          nodes: [
            {
              ...{ node: LONG, platform: "linux/arm64/v8", route: "fetch" },
              ...{ loadedNames: [NAME], presentNames: 17, sentBytes: 1e9 },
            },
          ],
        } as never,
      ],
      width,
    ),
  unload: (width) => formatUnload([{ node: LONG, removed: [NAME], kept: [], freedBytes: 1e9 }], width),
  check: (width) =>
    formatCheck(
      {
        ...{ name: "app", version: "1", present: [], missing: [], ofCluster: [], otherContent: [] },
        unused: [{ normalized: NAME, compressedBytes: 1e9, note: TEXT }],
      } as never,
      width,
    ),
  suspects: (width) =>
    formatSuspects(
      [
        {
          ...{ operator: "it", operatorImage: "it:1", reference: NAME, certainty: "known" },
          ...{ exists: true, because: TEXT, rule: "rule", file: LONG },
        } as never,
      ],
      width,
    ),
};

it.each(Object.keys(TABLES))("no line of the table of %s is longer than 80 columns", (name) => {
  // Sentences are beside the tables, whose columns are separated by two spaces.
  const lines =
    TABLES[name]?.(80)
      .split("\n")
      .filter((line) => /\S {2,}/.test(line)) ?? [];
  expect(lines.length).toBeGreaterThan(1);
  expect(lines.filter((line) => stringWidth(line) > 80)).toEqual([]);
});
