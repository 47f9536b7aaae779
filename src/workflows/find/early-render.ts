// Renders a chart while it is still being packaged: as soon as there is an archive that probably is
// the package. Reading its files takes about as long as rendering a small chart.
import { isDeepStrictEqual } from "node:util";
import type { PackagedChart, RenderInput } from "../../core/charts/chart.js";
import type { ExpectedPackage, PackageTarget } from "../../core/charts/chart-tool.js";
import type { ChartPorts } from "../ports.js";
import type { Run } from "../progress.js";

/** The output of helm for an archive. */
export interface EarlyRender {
  readonly file: string;
  readonly input: RenderInput;
  readonly text: string;
}

/** A packaged chart, and what was rendered meanwhile. */
export interface PackagedEarly {
  readonly chart: PackagedChart;
  readonly early: EarlyRender | undefined;
}

/** A render that may turn out to be the wrong one. */
interface Attempt {
  readonly expected: ExpectedPackage;
  readonly input: RenderInput;
  readonly text: Promise<string | undefined>;
  readonly stop: () => void;
}

/** What is rendered, and how the chart is packaged. */
export interface EarlyInput {
  /** Without the chart's own definitions. */
  readonly input: RenderInput;
  readonly packageChart: (onPackage: PackageTarget["onPackage"]) => Promise<PackagedChart>;
}

/**
 * Calls `packageChart`, and meanwhile renders the archive that it names, with the definitions that its
 * templates test for. The render is stopped when another one is needed. A failure to render is
 * dropped, because only the packaged chart has a name for the error.
 * Throws the errors of `packageChart`.
 */
export async function packageAndRender(
  { signal }: Pick<Run, "signal">,
  { input: plainInput, packageChart }: EarlyInput,
  { charts }: Pick<ChartPorts, "charts">,
): Promise<PackagedEarly> {
  const attempts: Attempt[] = [];
  const begin = ({ file, testedDefinitions }: ExpectedPackage): void => {
    const expected = { file, testedDefinitions };
    if (isDeepStrictEqual(attempts.at(-1)?.expected, expected)) return;
    attempts.at(-1)?.stop();
    const stop = new AbortController();
    const input = withDefinitions(plainInput, testedDefinitions);
    const text = charts
      .renderChart({ name: file, version: "", file }, input, AbortSignal.any([signal, stop.signal]))
      .catch(() => undefined);
    attempts.push({
      expected,
      input,
      text,
      stop: () => {
        stop.abort();
      },
    });
  };
  try {
    const chart = await packageChart(begin);
    const last = attempts.at(-1);
    if (last?.expected.file !== chart.file) return { chart, early: undefined };
    const text = await last.text;
    const early = text === undefined ? undefined : { file: chart.file, input: last.input, text };
    return { chart, early };
  } finally {
    for (const { stop } of attempts) stop();
    await Promise.all(attempts.map(({ text }) => text));
  }
}

/** Returns the input for a cluster that also has these definitions. */
export function withDefinitions(input: RenderInput, definitions: readonly string[]): RenderInput {
  return { ...input, apiVersions: [...new Set([...input.apiVersions, ...definitions])] };
}
