// Adds missing dependencies to a packaged chart. Only the files that decide about dependencies are
// unpacked: writing and reading hundreds of templates takes longer than everything else.
import { posix } from "node:path";
import type { ChartDependency, LeftOut } from "../../core/charts/chart.js";
import { readChartFolder, unpackChart, type ArchivedFile } from "./chart-archive.js";
import type { EarlyDownloads } from "./early-downloads.js";
import type { FetchContext } from "./fetch-context.js";
import { vendorDependencies } from "./vendor-dependencies.js";

/** The files of a packaged chart. */
interface PackagedFiles {
  readonly files: readonly ArchivedFile[];
  /** Names the archive in errors. */
  readonly archive: string;
  /** Downloads of the added dependencies. */
  readonly downloads: EarlyDownloads;
}

interface VendoredFiles {
  /** Undefined if the chart lacks nothing. */
  readonly files: readonly ArchivedFile[] | undefined;
  readonly leftOut: readonly LeftOut[];
}

/** Declarations, locks, and the charts in `charts/`: archives, and folders with a Chart.yaml. */
const DECISIVE =
  /^[^/]+\/(?:Chart\.(?:yaml|lock)|requirements\.(?:yaml|lock)|charts\/(?:[^/]+|[^/]+\/Chart\.yaml))$/;

/** See `vendorDependencies`. `place` is an empty folder. */
export async function vendorArchive(
  { files, archive, downloads }: PackagedFiles,
  added: readonly ChartDependency[],
  { place, work }: { readonly place: string; readonly work: string },
  context: FetchContext,
): Promise<VendoredFiles> {
  // The folder of a declared dependency may be anywhere in the chart.
  const needsAll = files.some(
    ({ path, bytes }) => /^[^/]+\/(?:Chart|requirements)\.yaml$/.test(path) && bytes.includes("file://"),
  );
  const isUnpacked = (path: string): boolean => needsAll || DECISIVE.test(path);
  const unpacked = files.filter(({ path }) => isUnpacked(path));
  const folder = await unpackChart(unpacked, archive, place);
  const { isChanged, leftOut } = await vendorDependencies(
    { folder, origin: folder, downloads },
    added,
    work,
    context,
  );
  if (!isChanged) return { files: undefined, leftOut };
  const now = await readChartFolder(folder);
  const left = new Set(now.map(({ path }) => path));
  const removed = unpacked.filter(({ path }) => path.endsWith("/Chart.yaml") && !left.has(path));
  const isRemoved = (path: string): boolean =>
    removed.some((chart) => path.startsWith(`${posix.dirname(chart.path)}/`));
  const others = files.filter(({ path }) => !isUnpacked(path) && !isRemoved(path));
  return { files: [...others, ...now], leftOut };
}
