// Packages a chart folder with `helm package`.
import { mkdtemp, readdir } from "node:fs/promises";
import { join } from "node:path";
import { ViolaError } from "../../errors.js";
import { unavailable } from "./fetch-chart.js";
import type { FetchContext } from "./fetch-context.js";
import { runHelmOffline } from "./helm-runner.js";

/**
 * Packages the folder and returns the archive, in a new folder in `work`. `subject` names the chart
 * in errors. Throws `CHART_UNAVAILABLE` with the message of helm.
 */
export async function packageFolder(
  folder: string,
  subject: string,
  work: string,
  context: Pick<FetchContext, "helm" | "signal" | "onActivity">,
): Promise<string> {
  const packed = await mkdtemp(join(work, "packed-"));
  try {
    const argv = [context.helm, "package", `--destination=${packed}`, "--", folder];
    await runHelmOffline(argv, work, context);
  } catch (cause) {
    throw unavailable(subject, cause);
  }
  const [archive] = await readdir(packed);
  if (archive === undefined) {
    throw new ViolaError("CHART_UNAVAILABLE", `chart ${subject}: helm package wrote no archive`, { subject });
  }
  return join(packed, archive);
}
