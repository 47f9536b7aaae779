// Renders the archive of a chart while the archive is read. Both take about as long for a small chart.
import type { ChartSource, PackagedChart, RenderInput } from "../../core/charts/chart.js";
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

/**
 * Calls `packageChart`, and meanwhile renders the source if it is an archive. The render is stopped
 * and dropped when the chart turns out to need another one: when dependencies are added to it, or
 * when it tests for its own definitions. A failure to render is dropped, too, because only the
 * packaged chart has a name for the error. Throws the errors of `packageChart`.
 */
export async function packageAndRender(
  { signal }: Pick<Run, "signal">,
  source: ChartSource,
  {
    input,
    packageChart,
  }: { readonly input: RenderInput; readonly packageChart: () => Promise<PackagedChart> },
  { charts }: Pick<ChartPorts, "charts">,
): Promise<PackagedEarly> {
  if (source.kind !== "archive") return { chart: await packageChart(), early: undefined };
  const { file } = source;
  const stop = new AbortController();
  const rendering = charts
    .renderChart({ name: file, version: "", file }, input, AbortSignal.any([signal, stop.signal]))
    .catch(() => undefined);
  try {
    const chart = await packageChart();
    if (chart.file !== file || chart.testedDefinitions.length > 0) return { chart, early: undefined };
    const text = await rendering;
    return { chart, early: text === undefined ? undefined : { file, input, text } };
  } finally {
    stop.abort();
    await rendering;
  }
}
