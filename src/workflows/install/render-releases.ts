// Renders every release as the cluster would get it.
import type { Inventory, InventoryRelease } from "../../core/bundle/inventory.js";
import type { RenderInput } from "../../core/charts/chart.js";
import { parseRendered } from "../../core/charts/parse-rendered.js";
import type { RenderedObject } from "../../core/charts/rendered-object.js";
import type { ClusterFacts } from "../../core/install/cluster.js";
import { settleAll } from "../../errors.js";
import type { InstallPorts, InstallOptions, ExtractedRelease } from "./types.js";

/** Renders every release as this cluster would get it. Throws what rendering throws, of all releases at once. */
export async function renderReleases(
  inventory: Inventory,
  extracted: readonly ExtractedRelease[],
  { version, apiVersions }: ClusterFacts,
  { set }: Pick<InstallOptions, "set">,
  { charts, signal }: Pick<InstallPorts, "charts" | "signal">,
): Promise<readonly { readonly release: InventoryRelease; readonly objects: readonly RenderedObject[] }[]> {
  return settleAll(
    "some charts cannot be rendered",
    extracted.map(async ({ release, chartFile, valuesFiles }) => {
      const { name, version: chartVersion } = release.chart;
      const input: RenderInput = {
        release: release.name,
        namespace: release.namespace,
        valuesFiles,
        set,
        kubeVersion: version,
        // Those that the bundle was built for come with the charts that are installed before.
        apiVersions: [...new Set([...apiVersions, ...inventory.apiVersions])],
      };
      const text = await charts.renderChart({ name, version: chartVersion, file: chartFile }, input, signal);
      const parsed = parseRendered(text, { chart: `${name}-${chartVersion}`, release: release.name });
      return { release, objects: parsed.objects };
    }),
  );
}
