// Rendering an archive while it is read: when the result is used, and when the render is stopped.
import { describe, expect, it } from "vitest";
import type { ChartSource, PackagedChart, RenderInput } from "../../../../src/core/charts/chart.js";
import type { ChartTool } from "../../../../src/core/charts/chart-tool.js";
import { packageAndRender, type PackagedEarly } from "../../../../src/workflows/find/early-render.js";

const ARCHIVE: ChartSource = { kind: "archive", file: "/a.tgz" };
const INPUT: RenderInput = { release: "r", namespace: "n", valuesFiles: [], set: [], apiVersions: [] };
const CHART: PackagedChart = {
  name: "a",
  version: "1.0.0",
  file: "/a.tgz",
  digest: `sha256:${"0".repeat(64)}`,
  declarations: [],
  testedDefinitions: [],
  apiVersionTests: [],
  leftOut: [],
};

interface Tried {
  readonly result: Promise<PackagedEarly>;
  /** Whether each render was stopped. */
  readonly renders: readonly AbortSignal[];
}

function attempt(
  source: ChartSource,
  packageChart: () => Promise<PackagedChart>,
  render: (signal: AbortSignal) => Promise<string> = () => Promise.resolve("---\n"),
): Tried {
  const renders: AbortSignal[] = [];
  const never = (): never => {
    throw new Error("not used here");
  };
  const charts: ChartTool = {
    packageChart: never,
    readPackage: never,
    spellOutSource: never,
    renderChart: (_chart, _input, signal) => {
      renders.push(signal);
      return render(signal);
    },
  };
  const { signal } = new AbortController();
  return {
    renders,
    result: packageAndRender({ signal }, source, { input: INPUT, packageChart }, { charts }),
  };
}

/** Renders until it is stopped. */
const untilStopped = (signal: AbortSignal): Promise<string> =>
  new Promise((_, reject) => {
    signal.addEventListener("abort", () => {
      reject(signal.reason as Error);
    });
  });

describe("packageAndRender", () => {
  it("returns what was rendered with the chart that is the archive itself", async () => {
    const { result } = attempt(ARCHIVE, () => Promise.resolve(CHART));

    expect(await result).toEqual({ chart: CHART, early: { file: "/a.tgz", input: INPUT, text: "---\n" } });
  });

  it.each([
    ["another archive is made of the chart", { ...CHART, file: "/b.tgz" }],
    ["the chart tests for its own definitions", { ...CHART, testedDefinitions: ["example.org/v1"] }],
  ])("stops rendering when %s", async (_, chart) => {
    const { result, renders } = attempt(ARCHIVE, () => Promise.resolve(chart), untilStopped);

    expect(await result).toEqual({ chart, early: undefined });
    expect(renders.map(({ aborted }) => aborted)).toEqual([true]);
  });

  it("stops rendering when the chart cannot be packaged", async () => {
    const { result, renders } = attempt(ARCHIVE, () => Promise.reject(new Error("broken")), untilStopped);

    await expect(result).rejects.toThrow("broken");
    expect(renders.map(({ aborted }) => aborted)).toEqual([true]);
  });

  it("leaves a failure to the render of the packaged chart, whose error names it", async () => {
    const { result } = attempt(
      ARCHIVE,
      () => Promise.resolve(CHART),
      () => Promise.reject(new Error("broken")),
    );

    expect(await result).toEqual({ chart: CHART, early: undefined });
  });

  it("does not render what has to be packaged first", async () => {
    const { result, renders } = attempt({ kind: "folder", folder: "/a" }, () => Promise.resolve(CHART));

    expect(await result).toEqual({ chart: CHART, early: undefined });
    expect(renders).toEqual([]);
  });
});
