// Rendering an archive while it is read: when the result is used, and when the render is stopped.
import { describe, expect, it } from "vitest";
import type { PackagedChart, RenderInput } from "../../../../src/core/charts/chart.js";
import type { ChartTool, PackageTarget } from "../../../../src/core/charts/chart-tool.js";
import { packageAndRender, type PackagedEarly } from "../../../../src/workflows/find/early-render.js";

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

/** Packages the archive itself, or finds out that another one is needed. */
const packageTo =
  (chart: PackagedChart, ...files: readonly string[]) =>
  (onPackage: PackageTarget["onPackage"]): Promise<PackagedChart> => {
    for (const file of files) onPackage?.({ file, testedDefinitions: [] });
    if (files.length > 0) onPackage?.(chart);
    return Promise.resolve(chart);
  };

function attempt(
  packageChart: (onPackage: PackageTarget["onPackage"]) => Promise<PackagedChart>,
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
    result: packageAndRender({ signal }, { input: INPUT, packageChart }, { charts }),
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
  it("returns what was rendered with the archive that is the package", async () => {
    const { result } = attempt(packageTo(CHART, "/a.tgz"));

    expect(await result).toEqual({ chart: CHART, early: { file: "/a.tgz", input: INPUT, text: "---\n" } });
  });

  it.each([
    ["another archive is made of the chart", { ...CHART, file: "/b.tgz" }],
    ["the chart tests for its own definitions", { ...CHART, testedDefinitions: ["example.org/v1"] }],
  ])("stops rendering, and renders again, when %s", async (_, chart) => {
    let count = 0;
    const { result, renders } = attempt(packageTo(chart, "/a.tgz"), (signal) =>
      ++count === 1 ? untilStopped(signal) : Promise.resolve("--- # again\n"),
    );

    const input = { ...INPUT, apiVersions: chart.testedDefinitions };
    expect(await result).toEqual({ chart, early: { file: chart.file, input, text: "--- # again\n" } });
    expect(renders.map(({ aborted }) => aborted)).toEqual([true, true]);
    expect(count).toBe(2);
  });

  it("stops rendering when the chart cannot be packaged", async () => {
    const { result, renders } = attempt((onPackage) => {
      onPackage?.({ file: "/a.tgz", testedDefinitions: [] });
      return Promise.reject(new Error("broken"));
    }, untilStopped);

    await expect(result).rejects.toThrow("broken");
    expect(renders.map(({ aborted }) => aborted)).toEqual([true]);
  });

  it("leaves a failure to the render of the packaged chart, whose error names it", async () => {
    const { result } = attempt(packageTo(CHART, "/a.tgz"), () => Promise.reject(new Error("broken")));

    expect(await result).toEqual({ chart: CHART, early: undefined });
  });

  it("does not render before there is an archive", async () => {
    const { result, renders } = attempt(packageTo(CHART));

    expect(await result).toEqual({ chart: CHART, early: undefined });
    expect(renders).toEqual([]);
  });
});
