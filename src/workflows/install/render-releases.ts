// Renders every release as the cluster would get it.
import type { InventoryRelease } from "../../core/bundle/inventory.js";
import type { RenderInput } from "../../core/charts/chart.js";
import { parseRendered } from "../../core/charts/parse-rendered.js";
import type { RenderedObject } from "../../core/charts/rendered-object.js";
import { settleAll } from "../../errors.js";
import type { Run } from "../progress.js";
import type { ExtractedBundle, InstallOptions, InstallPorts } from "./types.js";

/** Renders every release as this cluster would get it. Throws what rendering throws, of all releases at once. */
export async function renderReleases(
  { signal }: Run,
  { inventory, releases, facts }: ExtractedBundle,
  { set }: Pick<InstallOptions, "set">,
  { charts }: Pick<InstallPorts, "charts">,
): Promise<readonly { readonly release: InventoryRelease; readonly objects: readonly RenderedObject[] }[]> {
  return settleAll(
    "some charts cannot be rendered",
    releases.map(async ({ release, chartFile, valuesFiles }) => {
      const { name, version } = release.chart;
      const input: RenderInput = {
        release: release.name,
        namespace: release.namespace,
        valuesFiles,
        set,
        kubeVersion: facts.version,
        // Those that the bundle was built for come with the charts that are installed before.
        apiVersions: [...new Set([...facts.apiVersions, ...inventory.apiVersions])],
      };
      const text = await charts.renderChart({ name, version, file: chartFile }, input, signal);
      const parsed = parseRendered(text, { chart: `${name}-${version}`, release: release.name });
      return { release, objects: parsed.objects };
    }),
  );
}
