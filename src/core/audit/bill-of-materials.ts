// The software bill of materials of a bundle: releases, charts and images, and what needs what. Formats
// such as CycloneDX are written from it.
import { createHash } from "node:crypto";
import { helmPurl, ociPurl } from "../images/package-url.js";
import type { AuditComponent, AuditImage, AuditReport } from "./report.js";

export interface BillOfMaterials {
  readonly name: string;
  readonly version: string;
  /** A UUID of the content: two bundles with the same charts and images have the same. */
  readonly id: string;
  /** When the newest image was created, as an ISO date with time. Null when no date is known. */
  readonly created: string | null;
  /** Releases in the order of installation, then subcharts, then images. */
  readonly parts: readonly BillPart[];
  /** References of the parts that the bundle itself needs: releases, and images of no release. */
  readonly needs: readonly string[];
}

/** A chart or an image. */
export interface BillPart {
  readonly kind: "release" | "chart" | "image";
  /** Unique in the bill. */
  readonly ref: string;
  readonly name: string;
  readonly version: string;
  readonly description: string | null;
  /** A package URL: https://github.com/package-url/purl-spec. */
  readonly purl: string;
  /** `algorithm:hex` of the packaged chart, or of the image's index or manifest. Null when not known. */
  readonly digest: string | null;
  /** True for what only `helm test` starts, or no object uses. */
  readonly isOptional: boolean;
  /** References of other parts. */
  readonly needs: readonly string[];
  /** What formats have no field for. */
  readonly properties: Readonly<Record<string, string>>;
}

/** Returns the bill. It depends on the report only, and on no clock. */
export function billOfMaterials(report: AuditReport): BillOfMaterials {
  const subcharts = subchartsOf(report);
  const releases = report.releases.map((release): BillPart => {
    const { name, namespace, chart, sha256 } = release;
    const components = report.components.filter((one) => one.release === name && one.namespace === namespace);
    return {
      kind: "release",
      ref: `release:${namespace}/${name}`,
      name: chart.name,
      version: chart.version,
      description: descriptionOf(report, chart),
      purl: helmPurl(chart),
      digest: `sha256:${sha256}`,
      isOptional: false,
      needs: unique([
        ...components.flatMap(({ chart: own }) => subcharts.get(chartRef(own))?.ref ?? []),
        ...components.flatMap(imageRefs),
      ]),
      properties: {
        release: name,
        namespace,
        ...(chart.appVersion !== undefined && { appVersion: chart.appVersion }),
      },
    };
  });
  const images = report.images.map(imagePart);
  const needed = new Set([...releases, ...subcharts.values()].flatMap(({ needs }) => needs));
  return {
    name: report.name,
    version: report.version,
    id: contentId(report),
    created: newest(report.images),
    parts: [...releases, ...subcharts.values(), ...images],
    needs: [...releases, ...images].map(({ ref }) => ref).filter((ref) => !needed.has(ref)),
  };
}

/** The charts of components that are not the chart of a release, by reference. */
function subchartsOf({ components, releases }: AuditReport): ReadonlyMap<string, BillPart> {
  const charts = new Map<string, BillPart>();
  for (const component of components) {
    const { chart } = component;
    if (chart === null || releases.some((release) => isSame(release.chart, chart))) continue;
    const ref = chartRef(chart);
    charts.set(ref, {
      kind: "chart",
      ref,
      name: chart.name,
      version: chart.version,
      description: chart.description,
      purl: helmPurl(chart),
      digest: null,
      isOptional: false,
      needs: unique([...(charts.get(ref)?.needs ?? []), ...imageRefs(component)]),
      properties: chart.appVersion === null ? {} : { appVersion: chart.appVersion },
    });
  }
  return charts;
}

function imagePart(image: AuditImage): BillPart {
  const { normalized, repository, version, digest, purpose, required, platforms, created, base } = image;
  const { compressedBytes, uncompressedBytes, confidence } = image;
  const properties: Readonly<Record<string, string | number | null | undefined>> = {
    reference: normalized,
    ...Object.fromEntries(platforms.map((one) => [`manifest:${one.platform}`, one.digest])),
    ...(platforms.length > 0 && { compressedBytes }),
    uncompressedBytes,
    created,
    confidence,
    "base:name": base?.name,
    "base:digest": base?.digest,
  };
  const known = Object.entries(properties).flatMap(([name, value]) =>
    value === null || value === undefined ? [] : [[name, String(value)] as const],
  );
  return {
    kind: "image",
    ref: imageRef(normalized),
    name: repository,
    version,
    description: purpose,
    purl: ociPurl(image),
    digest: digest === "" ? null : digest,
    isOptional: !required,
    needs: [],
    properties: Object.fromEntries(known),
  };
}

/** A UUID of version 8 (RFC 9562, 5.8), from the digests of the content. */
function contentId({ name, version, releases, images }: AuditReport): string {
  const content = [
    name,
    version,
    releases.map((release) => [release.name, release.namespace, release.sha256]),
    images.map(({ normalized, digest, platforms }) => [
      normalized,
      digest,
      platforms.map((one) => one.digest),
    ]),
  ];
  const bytes = createHash("sha256").update(JSON.stringify(content)).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

function newest(images: readonly AuditImage[]): string | null {
  const times = images
    .map(({ created }) => (created === null ? NaN : Date.parse(created)))
    .filter((time) => !Number.isNaN(time));
  return times.length === 0 ? null : new Date(times.reduce((a, b) => Math.max(a, b))).toISOString();
}

interface ChartName {
  readonly name: string;
  readonly version: string;
}

function descriptionOf({ components }: AuditReport, chart: ChartName): string | null {
  return components.find((one) => one.chart !== null && isSame(one.chart, chart))?.chart?.description ?? null;
}

function isSame(a: ChartName, b: ChartName): boolean {
  return a.name === b.name && a.version === b.version;
}

function chartRef(chart: ChartName | null): string {
  return chart === null ? "" : `chart:${chart.name}@${chart.version}`;
}

function imageRef(normalized: string): string {
  return `image:${normalized}`;
}

function imageRefs({ images }: AuditComponent): readonly string[] {
  return images.map(({ normalized }) => imageRef(normalized));
}

function unique(refs: readonly string[]): readonly string[] {
  return [...new Set(refs)].sort();
}
