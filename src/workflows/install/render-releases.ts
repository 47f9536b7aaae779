// Renders every release as it would be applied to the cluster.
import type { InventoryRelease } from "../../core/bundle/inventory.js";
import type { RenderInput } from "../../core/charts/chart.js";
import type { RenderedObject } from "../../core/charts/rendered-object.js";
import { settleAll } from "../../errors.js";
import { parseRender } from "../find/parse-render.js";
import type { Run } from "../progress.js";
import type { ExtractedBundle, InstallOptions, InstallPorts } from "./types.js";

/** Renders every release for this cluster. Throws the errors of all releases at once. */
export async function renderReleases(
  { signal }: Run,
  { inventory, releases, facts }: ExtractedBundle,
  { set }: Pick<InstallOptions, "set">,
  { charts }: Pick<InstallPorts, "charts">,
): Promise<readonly { readonly release: InventoryRelease; readonly objects: readonly RenderedObject[] }[]> {
  return settleAll(
    "some charts could not be rendered",
    releases.map(async ({ release, chartFile, valuesFiles }) => {
      const { name, version } = release.chart;
      const input: RenderInput = {
        release: release.name,
        namespace: release.namespace,
        valuesFiles,
        set,
        kubeVersion: facts.version,
        // Charts installed earlier define the API versions that the bundle was built for.
        apiVersions: [...new Set([...facts.apiVersions, ...inventory.apiVersions])],
      };
      const text = await charts.renderChart({ name, version, file: chartFile }, input, signal);
      const from = { chart: `${name}-${version}`, release: release.name };
      const parsed = await parseRender(text, from, signal);
      return { release, objects: parsed.objects };
    }),
  );
}
