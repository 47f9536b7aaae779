// Plans a bundle from its spec: chooses images, resolves references to digests, lays out the
// archive.
import {
  planArchive,
  type ArchiveInput,
  type ArchivePlan,
  type BundledFile,
} from "../../core/bundle/archive-plan.js";
import { planBase } from "../../core/bundle/plan-base.js";
import { withholdValues, type BundledValues } from "../../core/bundle/bundled-values.js";
import { FORMAT_VERSION, inventoryImage, type Inventory } from "../../core/bundle/inventory.js";
import type { PackagedChart } from "../../core/charts/chart.js";
import type { SmallFile } from "../../core/bundle/layout-files.js";
import { bundleReadmes } from "../../core/bundle/readme.js";
import { isProgram, REHEARSAL_PATH } from "../../core/bundle/paths.js";
import type { Findings, FindingWarning, ImageUse } from "../../core/images/image-use.js";
import { chooseImages } from "../../core/spec/choose-images.js";
import { silenceWarnings } from "../../core/spec/silence-warnings.js";
import { findLimitedImages } from "../../core/load/engine-limits.js";
import { engineNames, formatReference, parseReference } from "../../core/images/reference.js";
import type { ResolvedImage } from "../../core/images/resolved-image.js";
import { digestOf, hexOf, type Digest } from "../../core/oci/digest.js";
import { formatPlatform } from "../../core/oci/platform.js";
import {
  rehearsableOf,
  rehearsalWarnings,
  withRehearsal,
  type RehearsalRecord,
} from "../../core/rehearsal/record.js";
import type { PublicKey } from "../../core/signing/keys.js";
import type { BundleSpec } from "../../core/spec/bundle-spec.js";
import { findNameConflicts } from "../../core/bundle/names.js";
import { oneOrMany, ViolaError } from "../../errors.js";
import {
  hasOperators,
  inspectOperators,
  type Inspection,
  type InspectPorts,
} from "../find/inspect-operators.js";
import { bundledRelease, withAllValues } from "./bundled-release.js";
import { requireSignedImages } from "./require-signed-images.js";
import { resolveImages, type ResolveOptions, type FailedUse } from "./resolve-images.js";
import { prepareReleases, searchReleases } from "../find/release-images.js";
import type { OpenBundle, PlanPorts } from "../ports.js";
import type { Run } from "../progress.js";

/** Options of a plan in addition to the spec. */
export interface PlanOptions extends Omit<ResolveOptions, "findsArtifacts"> {
  /** sha256 digest of the spec's text. */
  readonly specDigest: Digest;
  /** Name and version of this program, for the inventory. */
  readonly tool: string;
  /** `load.sh` */
  readonly loader: SmallFile;
  /** The record of a rehearsal, and the bytes of its file. */
  readonly rehearsal?: { readonly record: RehearsalRecord; readonly bytes: Uint8Array };
  /** Files to include in bin/. */
  readonly bundledFiles?: readonly BundledFile[];
  /** References of images for the container engine of the isolated host. */
  readonly hostImages?: readonly string[];
  /** What the bundle includes of values files. All when absent. */
  readonly values?: BundledValues;
  /**
   * Creates the adapters for inspecting operators. They are needed only when a warning names an
   * operator's image. Operators are not inspected if absent.
   */
  readonly inspect?: () => Promise<InspectPorts>;
  /** Makes a differential bundle: the base, with all of its blobs. */
  readonly base?: OpenBundle;
  /** True to reserve the place of a signature. */
  readonly isSigned?: boolean;
  /** The keys of cosign that every image must be signed with. Signatures are not verified if absent. */
  readonly imageKeys?: readonly PublicKey[];
}

/** The plan of a bundle, complete before the first layer is fetched. */
export interface BundlePlan {
  readonly images: readonly ResolvedImage[];
  /** Charts, values and the other small files, with their bytes. */
  readonly files: readonly SmallFile[];
  readonly archive: ArchivePlan;
  readonly charts: readonly PackagedChart[];
  /** Images that are not in the archive because they could not be resolved, and why. */
  readonly unresolved: readonly FailedUse[];
}

/**
 * Plans the bundle. Throws all failures of a stage at once: packaging, then rendering, then
 * resolving.
 */
export async function planBundle(
  run: Run,
  spec: BundleSpec,
  options: PlanOptions,
  ports: PlanPorts,
): Promise<BundlePlan> {
  const releases = await prepareReleases(run, spec, ports);
  const searched = await searchReleases(run, spec, releases, ports);
  const findings = await inspectFindings(run, searched.findings, options);
  const { chosen: found, excluded, tests, warnings } = chooseImages(findings.images, spec);
  const chosen = withRehearsal(found, options.rehearsal?.record);
  const hostUses = (options.hostImages ?? []).map(hostUse);
  const findsArtifacts = spec.includeReferrers === true || options.imageKeys !== undefined;
  // Compressing the charts takes as long as asking for the images.
  const [pulled, complete] = await Promise.all([
    resolveImages(run, [...chosen, ...hostUses], { ...options, findsArtifacts }, ports),
    Promise.all(releases.map((release) => bundledRelease(run, release, releases, ports))),
  ]);
  if (options.imageKeys !== undefined)
    await requireSignedImages(pulled.images, options.imageKeys, ports.images, run.signal);
  const bundled = pulled.images.map((image) =>
    spec.includeReferrers === true ? image : { ...image, artifacts: [] },
  );
  const resolved = bundled.map((image) => (hostUses.includes(image.use) ? withEngineNames(image) : image));
  refuseNameConflicts(resolved);
  const images = resolved.filter(({ use }) => !hostUses.includes(use));
  const hostImages = resolved.filter(({ use }) => hostUses.includes(use));

  const charts = complete.map(({ release, files: chartFiles }) =>
    withholdValues(release, chartFiles, options.values ?? "all"),
  );
  const contents = {
    releases: charts.map(({ release }) => release),
    images: images.map(inventoryImage),
  };
  const rehearsed =
    options.rehearsal === undefined
      ? []
      : rehearsalWarnings(
          options.rehearsal.record,
          rehearsableOf({ images: contents.images, ...withAllValues(complete) }, spec.kubeVersion),
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
    ...(tests.length > 0 && { testImages: tests.map(testImage) }),
    excluded,
    warnings: silenceWarnings(
      [
        ...findings.warnings,
        ...warnings,
        ...rehearsed,
        ...absenceWarnings(resolved),
        ...limitWarnings(resolved),
      ],
      spec.silencedWarnings,
    ),
    ...nodePlatforms(spec, options),
    rendered: searched.rendered(),
    ...(spec.audit !== undefined && { audit: spec.audit }),
  };
  const files = bundleFiles(
    inventory,
    charts.flatMap(({ files: chartFiles }) => chartFiles),
    options,
  );
  return {
    images,
    files: files.flatMap((file) => ("bytes" in file ? [file] : [])),
    archive: planArchive({
      inventory,
      files,
      images: resolved,
      isSigned: options.isSigned === true,
      ...(options.base !== undefined && { base: planBase(spec, options.base) }),
    }),
    charts: releases.map(({ chart }) => chart),
    unresolved: pulled.unresolved,
  };
}

/** Returns the entries between `facts` and `images.tar`, in order. Each path is there once. */
function bundleFiles(
  inventory: Omit<Inventory, "blobs" | "files">,
  chartFiles: readonly SmallFile[],
  { loader, rehearsal, bundledFiles = [], isSigned = false }: PlanOptions,
): ArchiveInput["files"] {
  const programs = bundledFiles
    .filter(({ path }) => isProgram(path))
    .map(({ path }) => path.slice(path.indexOf("/") + 1));
  const small: readonly SmallFile[] = [
    ...bundleReadmes({
      inventory,
      programs,
      ...(rehearsal !== undefined && { rehearsal: rehearsal.record }),
      isSigned,
    }),
    loader,
    ...(rehearsal === undefined ? [] : [{ path: REHEARSAL_PATH, bytes: rehearsal.bytes }]),
    ...chartFiles,
  ];
  const files = new Map(small.map((file) => [file.path, file]));
  const hashed = [...files.values()].map((file) => ({ ...file, sha256: hexOf(digestOf(file.bytes)) }));
  return [...hashed, ...bundledFiles];
}

function testImage({
  reference,
  normalized,
  evidence,
}: ImageUse): NonNullable<Inventory["testImages"]>[number] {
  return { reference, normalized, objects: [...new Set(evidence.map(({ object }) => object))].sort() };
}

/** Returns the platforms that the spec names if the bundle is built for others. */
function nodePlatforms(spec: BundleSpec, { platforms }: PlanOptions): Pick<Inventory, "nodePlatforms"> {
  const named = spec.platforms.map(formatPlatform);
  const built = platforms.map(formatPlatform);
  return named.every((platform) => built.includes(platform)) ? {} : { nodePlatforms: named };
}

/**
 * Inspects the operators whose images or versions are not known. What their programs name without
 * being required goes into the warnings, because only the user can tell whether it is needed.
 */
async function inspectFindings(
  run: Run,
  findings: Findings,
  { inspect, platforms }: PlanOptions,
): Promise<Findings> {
  if (inspect === undefined || !hasOperators(findings)) return findings;
  const inspection = await inspectOperators(run, findings, { platforms }, await inspect());
  return {
    ...inspection.findings,
    warnings: [...inspection.findings.warnings, ...suspectWarnings(inspection)],
  };
}

function suspectWarnings({ findings, suspects }: Inspection): readonly FindingWarning[] {
  const unknown = findings.warnings.filter(({ code }) => code === "unknown-operator");
  const operators = [...new Set(unknown.flatMap(({ images = [] }) => images))];
  return operators.flatMap((image): readonly FindingWarning[] => {
    const named = suspects.filter(({ operatorImage, exists }) => operatorImage === image && exists === true);
    if (named.length === 0) return [];
    return [
      {
        code: "operator-suspects",
        message: `the program of ${image} names ${named.map(({ reference }) => reference).join(", ")}`,
        hint: "Add the images that you need to images.include of the spec.",
        images: [image],
        incomplete: false,
      },
    ];
  });
}

function hostUse(reference: string): ImageUse {
  const normalized = formatReference(parseReference(reference));
  return { reference, normalized, required: false, confidence: "certain", evidence: [] };
}

function withEngineNames(image: ResolvedImage): ResolvedImage {
  return { ...image, names: engineNames(parseReference(image.use.normalized)) };
}

/** Throws for each name that stands for several images: every target would refuse such a bundle. */
function refuseNameConflicts(images: readonly ResolvedImage[]): void {
  const conflicts = findNameConflicts(images.map(({ names, root }) => ({ names, digest: root.digest })));
  if (conflicts.length === 0) return;
  throw oneOrMany(
    "some image names stand for more than one image",
    conflicts.map(
      ({ name, digests }) =>
        new ViolaError(
          "SPEC_INVALID",
          `${name} stands for ${digests.length} different images: ${digests.join(", ")}`,
          {
            subject: name,
            hint: "Pin one of them by its digest, or exclude one in the spec.",
          },
        ),
    ),
  );
}

/** Reports platforms that an index lists and no registry has: a later build cannot add them. */
function absenceWarnings(images: readonly ResolvedImage[]): readonly FindingWarning[] {
  return images.flatMap(({ use: { normalized }, absent = [] }) => {
    if (absent.length === 0) return [];
    const parts = absent.map(({ platform, digest }) => (platform ? formatPlatform(platform) : digest));
    return [
      {
        code: "platform-absent",
        message: `${normalized}: its index lists ${parts.join(", ")}, which no registry has; the bundle has the rest`,
        images: [normalized],
        incomplete: false,
      },
    ];
  });
}

/** Reports the images that a container engine cannot hold. Nodes and registries can. */
function limitWarnings(images: readonly ResolvedImage[]): readonly FindingWarning[] {
  return findLimitedImages(images.map(inventoryImage)).map(({ normalized, message, hint }) => ({
    code: "image-unfit",
    message,
    hint,
    images: [normalized],
    incomplete: false,
  }));
}
