// A first spec: it must be valid, also with every comment activated.
import { describe, expect, it } from "vitest";
import type { Suspect } from "../../../../src/core/finding/program/suspect.js";
import { formatDraftSpec, type Draft } from "../../../../src/core/spec/draft-spec.js";
import { parseBundleSpec } from "../../../../src/core/spec/parse-bundle-spec.js";
import { findIn } from "../finding/find.js";

const { images } = findIn(`
apiVersion: v1
kind: Pod
metadata: { name: app }
spec: { containers: [{ image: "quay.io/org/app:1" }] }
---
apiVersion: v1
kind: Pod
metadata: { name: test, namespace: apps, annotations: { helm.sh/hook: test } }
spec: { containers: [{ image: busybox }] }
`);
const SUSPECT: Suspect = {
  reference: "quay.io/org/hidden:2",
  repository: "quay.io/org/hidden",
  tag: "2",
  certainty: "exact",
  rule: "string-header",
  offset: 0,
  because: "written beside\nthe name",
  operator: "Deployment apps/operator",
  operatorImage: "quay.io/org/operator:1",
  file: "/operator",
};
const DRAFT: Draft = {
  schema: "./bundle.schema.json",
  name: "app",
  chartVersion: "1.2.0",
  chart: { chart: "app", repository: "https://charts.example.org", version: "1.10" },
  release: "app",
  namespace: "apps",
  valuesFiles: ["./values.yaml"],
  images,
  suspects: [SUSPECT],
  warnings: [{ code: "unknown-operator", message: "several\nlines", incomplete: true }],
};

const parse = (text: string) => parseBundleSpec(text, "bundle.yaml", "/specs");

describe("formatDraftSpec", () => {
  it("writes a spec of the chart with only the required images", () => {
    expect(parse(formatDraftSpec(DRAFT))).toMatchObject({
      name: "app",
      charts: [
        {
          source: {
            kind: "repository",
            repository: "https://charts.example.org",
            name: "app",
            version: "1.10",
          },
          release: "app",
          namespace: "apps",
          valuesFiles: ["/specs/values.yaml"],
        },
      ],
      extraImages: [],
    });
  });

  it("lists optional images and suspects as comments, each with its reason", () => {
    const text = formatDraftSpec(DRAFT);

    expect(text).toContain("Only `helm test` starts it (Pod apps/test)");
    expect(text).toContain("The program of Deployment apps/operator names it: written beside the name");
    expect(parse(text.replaceAll("# - ", "- ").replace(/^- unknown.*$/m, "")).extraImages).toEqual([
      { reference: "docker.io/library/busybox:latest" },
      { reference: "quay.io/org/hidden:2" },
    ]);
  });

  it("keeps warnings of several lines inside comments", () => {
    expect(formatDraftSpec(DRAFT)).toContain("# - unknown-operator: several lines\n");
  });

  it("has no list of optional images when there are none", () => {
    const text = formatDraftSpec({ ...DRAFT, images: [], suspects: [], warnings: [] });

    expect(text).not.toMatch(/^images:/m);
    expect(parse(text).extraImages).toEqual([]);
  });
});
