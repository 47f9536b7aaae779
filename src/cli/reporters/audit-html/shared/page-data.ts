// The data of the page's script: what the audit knows of components, images and layers, in a short
// form.
import { groupBy } from "../../../../core/group-by.js";
import type { AuditFinding, AuditImage, AuditReport, AuditWorkload } from "../../../../core/audit/report.js";
import type { Template } from "../../../../core/words/phrase.js";
import type { HTML_WORDS } from "../../../../core/words/page.js";

/**
 * The JSON document in the page. Images and layers refer to each other by their index, and texts
 * that occur often by their index in `texts`, so that a page of 500 images stays small.
 */
export interface PageData {
  readonly words: Readonly<Record<keyof typeof HTML_WORDS, Template>>;
  readonly texts: readonly string[];
  readonly totalBytes: number;
  readonly components: readonly PageComponent[];
  readonly images: readonly PageImage[];
  readonly layers: readonly PageLayer[];
}

export interface PageComponent {
  readonly name: string;
  /** Indexes of images. */
  readonly images: readonly number[];
}

export interface PageImage {
  readonly reference: string;
  readonly name: string;
  /** The short name of the repository, and the version. */
  readonly label: string;
  readonly digest: string;
  readonly required: boolean;
  readonly confidence: string;
  readonly rebuilt: boolean;
  readonly components: readonly string[];
  readonly workloads: readonly string[];
  readonly purpose: string | null;
  readonly created: string | null;
  readonly user: string | null;
  readonly base: string | null;
  readonly compressedBytes: number;
  readonly uncompressedBytes: number | null;
  readonly uniqueBytes: number;
  readonly sharedBytes: number;
  readonly platforms: readonly PagePlatform[];
  /** Indexes of texts: rule, chart, template, object, path, value, and the reason if there is one. */
  readonly evidence: readonly (readonly number[])[];
  readonly findings: readonly PageFinding[];
}

export interface PagePlatform {
  readonly platform: string;
  readonly digest: string;
  /** Indexes of layers, in order. */
  readonly layers: readonly number[];
}

/** Digest, size, size after decompression, and the indexes of the images that contain it. */
export type PageLayer = readonly [
  digest: string,
  bytes: number,
  uncompressedBytes: number | null,
  images: readonly number[],
];

/** Severity, the indexes of the texts of rule and message, and true if it is suppressed. */
export type PageFinding = readonly [
  severity: AuditFinding["severity"],
  rule: number,
  message: number,
  isSuppressed: boolean,
];

/** Returns the data of the page. */
export function pageData(report: AuditReport, words: PageData["words"]): PageData {
  const texts = new TextTable();
  const imageIndexes = new Map(report.images.map(({ normalized }, index) => [normalized, index]));
  const layerIndexes = new Map(report.layers.map(({ digest }, index) => [digest, index]));
  const findings = groupBy(report.findings, ({ subject }) => subject);
  return {
    words,
    totalBytes: report.totals.uniqueBytes,
    components: report.components.map(({ name, images }) => ({
      name,
      images: indexesOf(
        images.map(({ normalized }) => normalized),
        imageIndexes,
      ),
    })),
    images: report.images.map((image) => ({
      reference: image.reference,
      name: image.normalized,
      label: imageLabel(image),
      digest: image.digest,
      required: image.required,
      confidence: image.confidence,
      rebuilt: image.rebuilt,
      components: image.components,
      workloads: workloadsOf(image, report),
      purpose: image.purpose,
      created: image.created,
      user: image.user,
      base: baseName(image),
      compressedBytes: image.compressedBytes,
      uncompressedBytes: image.uncompressedBytes,
      uniqueBytes: image.uniqueBytes,
      sharedBytes: image.sharedBytes,
      platforms: image.platforms.map(({ platform, digest, layers }) => ({
        platform,
        digest,
        layers: indexesOf(layers, layerIndexes),
      })),
      evidence: image.evidence.map(({ rule, chart, template, object, path, value, because }) =>
        [rule, chart, template, object, path, value, ...(because === undefined ? [] : [because])].map(
          (text) => texts.indexOf(text),
        ),
      ),
      findings: [image.normalized, image.repository]
        .flatMap((subject) => findings.get(subject) ?? [])
        .map(({ rule, severity, message, suppressed }) => [
          severity,
          texts.indexOf(rule),
          texts.indexOf(message),
          suppressed !== undefined,
        ]),
    })),
    layers: report.layers.map(({ digest, size, uncompressedSize, images }) => [
      digest,
      size,
      uncompressedSize,
      indexesOf(images, imageIndexes),
    ]),
    texts: texts.all,
  };
}

/** Returns the last component of the repository, and the version. */
export function imageLabel({ repository, version }: AuditImage): string {
  const short = repository.slice(repository.lastIndexOf("/") + 1);
  return version.startsWith("sha256:") ? `${short}@${version.slice(0, 19)}` : `${short}:${version}`;
}

/** Returns the objects that run the image; the objects of its evidence if no component has it. */
export function workloadsOf({ normalized, usedBy }: AuditImage, report: AuditReport): readonly string[] {
  const workloads = report.components
    .flatMap(({ images }) => images)
    .filter((image) => image.normalized === normalized)
    .flatMap((image) => image.workloads.map(workloadName));
  return workloads.length > 0 ? [...new Set(workloads)].sort() : usedBy;
}

/** Formats `StatefulSet monitoring/prometheus (Prometheus monitoring/viola)`. */
export function workloadName({ kind, namespace, name, resource }: AuditWorkload): string {
  const place = namespace === null ? name : `${namespace}/${name}`;
  return `${kind} ${place}${resource === null ? "" : ` (${resource})`}`;
}

function baseName({ base }: AuditImage): string | null {
  const parts = [base?.name, base?.digest].filter((part) => typeof part === "string");
  return parts.length === 0 ? null : parts.join("@");
}

function indexesOf(keys: readonly string[], indexes: ReadonlyMap<string, number>): readonly number[] {
  return keys.flatMap((key) => indexes.get(key) ?? []);
}

/** Numbers texts in the order of their first use. */
class TextTable {
  readonly #indexes = new Map<string, number>();

  get all(): readonly string[] {
    return [...this.#indexes.keys()];
  }

  indexOf(text: string): number {
    const known = this.#indexes.get(text);
    if (known !== undefined) return known;
    this.#indexes.set(text, this.#indexes.size);
    return this.#indexes.size - 1;
  }
}
