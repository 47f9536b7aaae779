// Spec to plan: images chosen, every reference made a digest, every byte of the archive placed.
import pLimit from "p-limit";
import type { ArchivePlan } from "../../core/bundle/archive-plan.js";
import { planArchive } from "../../core/bundle/archive-plan.js";
import { FORMAT_VERSION, type Inventory } from "../../core/bundle/inventory.js";
import type { SmallFile } from "../../core/bundle/layout-files.js";
import { chartPath, LOADER_PATH, README_PATH, REHEARSAL_PATH, valuesPath } from "../../core/bundle/paths.js";
import type { ImageUse } from "../../core/images/image-use.js";
import { chooseImages } from "../../core/spec/choose-images.js";
import { formatReference, parseReference } from "../../core/images/reference.js";
import type { ResolvedImage } from "../../core/images/resolved-image.js";
import type { Platform } from "../../core/oci/descriptor.js";
import { digestOf, hexOf, type Digest } from "../../core/oci/digest.js";
import { formatPlatform } from "../../core/oci/platform.js";
import {
  rehearsableOf,
  rehearsalWarnings,
  withRehearsal,
  type RehearsalRecord,
} from "../../core/rehearsal/record.js";
import type { BundleSpec } from "../../core/spec/bundle-spec.js";
import { settleAll } from "../../errors.js";
import { findReleaseImages, prepareReleases, type PreparedRelease } from "../find/release-images.js";
import type { PlanPorts } from "../ports.js";
import type { Run } from "../progress.js";
import type { BundledFile } from "../../core/bundle/archive-plan.js";
import { inventoryImage } from "../../core/bundle/inventory.js";

/** What a plan is asked for besides the spec. */
export interface PlanOptions {
  /** sha256 digest of the spec's text. */
  readonly specDigest: Digest;
  /** Platforms to carry, at least one. */
  readonly platforms: readonly Platform[];
  /** Name and version of this program, for the inventory. */
  readonly tool: string;
  /** `README.txt` and, where there is one, `load.sh`. */
  readonly guides: readonly SmallFile[];
  /** What a rehearsal saw, and the file that says so. */
  readonly rehearsal?: { readonly record: RehearsalRecord; readonly bytes: Uint8Array };
  /** What comes along in bin/. */
  readonly bundledFiles?: readonly BundledFile[];
  /** References of images for the engine of the isolated host. */
  readonly hostImages?: readonly string[];
}

/** Everything that is known before the first layer is fetched. */
export interface BundlePlan {
  readonly images: readonly ResolvedImage[];
  readonly archive: ArchivePlan;
}

/** Plans the bundle. Throws all failures of a stage at once: spec and charts, then renders, then images. */
export async function planBundle(
  run: Run,
  spec: BundleSpec,
  options: PlanOptions,
  ports: PlanPorts,
): Promise<BundlePlan> {
  const releases = await prepareReleases(run, spec, ports);
  const findings = await findReleaseImages(run, spec, releases, ports);
  const { chosen: found, excluded, warnings } = chooseImages(findings.images, spec);
  const chosen = withRehearsal(found, options.rehearsal?.record);
  const hostUses = (options.hostImages ?? []).map(hostUse);
  const resolved = await resolveImages(run, [...chosen, ...hostUses], options.platforms, ports);
  const images = resolved.filter(({ use }) => !hostUses.includes(use));
  const hostImages = resolved.filter(({ use }) => hostUses.includes(use));

  const charts = await Promise.all(releases.map((release) => bundledRelease(release, releases, ports)));
  const order = [README_PATH, LOADER_PATH];
  const guides = [...options.guides].sort(
    (one, other) => order.indexOf(one.path) - order.indexOf(other.path),
  );
  const records =
    options.rehearsal === undefined ? [] : [{ path: REHEARSAL_PATH, bytes: options.rehearsal.bytes }];
  const files = new Map(
    [...guides, ...records, ...charts.flatMap(({ files: own }) => own)].map((file) => [file.path, file]),
  );
  const hashed = [...files.values()].map((file) => ({ ...file, sha256: hexOf(digestOf(file.bytes)) }));
  const all = [...hashed, ...(options.bundledFiles ?? [])];
  const contents = {
    releases: charts.map(({ release }) => release),
    images: images.map(inventoryImage),
  };
  const rehearsed =
    options.rehearsal === undefined
      ? []
      : rehearsalWarnings(
          options.rehearsal.record,
          rehearsableOf({ ...contents, files: hashed }, spec.kubeVersion),
        );
  const inventory: Omit<Inventory, "blobs" | "files"> = {
    formatVersion: FORMAT_VERSION,
    name: spec.name,
    version: spec.version,
    createdFrom: { spec: options.specDigest, tool: options.tool },
    platforms: options.platforms.map(formatPlatform),
    ...(spec.kubeVersion !== undefined && { kubeVersion: spec.kubeVersion }),
    apiVersions: spec.apiVersions,
    ...contents,
    ...(hostImages.length > 0 && { hostImages: hostImages.map(inventoryImage) }),
    excluded,
    warnings: [...findings.warnings, ...warnings, ...rehearsed],
  };
  return { images, archive: planArchive({ inventory, files: all, images: resolved }) };
}

function hostUse(reference: string): ImageUse {
  const normalized = formatReference(parseReference(reference));
  return { reference, normalized, required: false, confidence: "certain", evidence: [] };
}

/** Makes every reference a digest. Throws the failures of all images at once. */
async function resolveImages(
  { signal, progress }: Run,
  uses: readonly ImageUse[],
  platforms: readonly Platform[],
  ports: PlanPorts,
): Promise<readonly ResolvedImage[]> {
  progress({ kind: "started", step: "resolve", title: "Resolving images", total: uses.length });
  const limit = pLimit(ports.imageConcurrency);
  let done = 0;
  const images = await settleAll(
    "some images cannot be had",
    uses.map((use) =>
      limit(async () => {
        const image = await ports.images.resolveImage(use, platforms, signal);
        progress({ kind: "advanced", step: "resolve", done: ++done, detail: use.normalized });
        return image;
      }),
    ),
  );
  progress({ kind: "ended", step: "resolve", summary: `${images.length} images` });
  return images;
}

async function bundledRelease(
  { spec, chart, valuesFiles }: PreparedRelease,
  releases: readonly PreparedRelease[],
  { files }: PlanPorts,
): Promise<{ readonly release: Inventory["releases"][number]; readonly files: readonly SmallFile[] }> {
  // Names in the bundle are by release and by chart, which several namespaces may share, and several forms of a chart.
  const isFirst = releases.find((other) => other.spec.release === spec.release)?.spec === spec;
  const key = isFirst ? spec.release : `${spec.namespace}.${spec.release}`;
  const like = releases.find(
    (other) => other.chart.name === chart.name && other.chart.version === chart.version,
  );
  const file = chartPath(chart.name, chart.version, like?.chart.digest === chart.digest ? undefined : key);
  const values = await Promise.all(
    valuesFiles.map(async (path, index) => ({
      path: valuesPath(key, index, valuesFiles.length),
      bytes: await files.readFile(path),
    })),
  );
  const { name, version, appVersion, kubeVersion } = chart;
  return {
    release: {
      name: spec.release,
      namespace: spec.namespace,
      chart: {
        name,
        version,
        ...(appVersion !== undefined && { appVersion }),
        ...(kubeVersion !== undefined && { kubeVersion }),
      },
      file,
      sha256: hexOf(chart.digest),
      values: values.map(({ path }) => path),
    },
    files: [{ path: file, bytes: await files.readFile(chart.file) }, ...values],
  };
}
