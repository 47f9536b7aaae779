// Refuses to remove the images of a bundle while a release of it is installed.
import type { Inventory } from "../../core/bundle/inventory.js";
import type { ReleaseRemover } from "../../core/install/cluster.js";
import { ViolaError } from "../../errors.js";
import type { Run } from "../progress.js";

/** How the releases of a bundle are looked up before its images are removed. */
export type InstalledReleases = Pick<ReleaseRemover, "installedCharts">;

/**
 * Throws `RELEASE_INSTALLED` with every release of the bundle that is installed: its Pods may start
 * on any node at any time. A release of the same name with another chart or version is not of this
 * bundle. Throws the errors of Helm.
 */
export async function requireUninstalled(
  { signal }: Run,
  { releases }: Pick<Inventory, "releases">,
  helm: InstalledReleases,
): Promise<void> {
  const charts = await Promise.all(
    releases.map(({ name, namespace }) => helm.installedCharts({ name, namespace }, signal)),
  );
  const installed = releases.filter(
    ({ chart }, index) => charts[index]?.includes(`${chart.name}-${chart.version}`) === true,
  );
  const [first] = installed;
  if (first === undefined) return;
  const names = installed.map(({ name, namespace }) => `${name} in namespace ${namespace}`).join(", ");
  throw new ViolaError("RELEASE_INSTALLED", `still installed: ${names}`, {
    subject: first.name,
    hint: "Uninstall it first with viola-airgap uninstall BUNDLE, or use --force to remove the images that no container uses at the moment.",
  });
}
