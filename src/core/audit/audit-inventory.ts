// Computes the audit of an inventory: what is in a bundle by component, image and layer.
import type { Inventory, InventoryImage, InventoryPlatform } from "../bundle/inventory.js";
import { groupBy } from "../group-by.js";
import { formatRepository, parseReference } from "../images/reference.js";
import type { Language } from "../words/language.js";
import { NO_FACTS, type AuditFacts, type ConfigFacts } from "./audit-facts.js";
import { measureBlobs, type MeasuredBlobs } from "./blob-sizes.js";
import {
  componentOverride,
  groupComponents,
  isMain,
  overrideOf,
  type ComponentOverrides,
  type GroupedComponent,
} from "./components.js";
import { usableDate } from "./config-facts.js";
import { imagePurpose, shortText, wellKnownPurpose } from "./purpose.js";
import {
  AUDIT_FORMAT_VERSION,
  type AuditBase,
  type AuditComponent,
  type AuditContents,
  type AuditImage,
  type AuditPlatform,
} from "./report.js";

export interface AuditInventoryOptions {
  /** The language of purposes that the program knows itself; English when absent. */
  readonly language?: Language;
}

/** An image of the inventory, or one that could not be resolved. */
type SourceImage = Pick<
  InventoryImage,
  "reference" | "normalized" | "required" | "confidence" | "evidence" | "rebuilt" | "platforms"
> & { readonly digest: string };

/** What all images of an audit are described with. */
interface AuditContext {
  readonly facts: AuditFacts;
  readonly blobs: MeasuredBlobs;
  readonly overrides: ComponentOverrides;
  readonly language: Language;
}

/** Returns the audit without its findings, which `completeAudit` adds. */
export function auditInventory(
  inventory: Inventory,
  { language = "en" }: AuditInventoryOptions = {},
  facts: AuditFacts = NO_FACTS,
): AuditContents {
  const sources = [...inventory.images, ...unresolvedImages(facts)].sort((one, other) =>
    one.normalized < other.normalized ? -1 : 1,
  );
  const overrides = inventory.audit ?? {};
  const blobs = measureBlobs(sources);
  const context: AuditContext = { facts, blobs, overrides, language };
  const grouped = groupComponents(sources, inventory, facts.charts, overrides);
  const namesByImage = groupBy(
    grouped.flatMap(({ name, images }) => images.map(({ normalized }) => ({ name, normalized }))),
    ({ normalized }) => normalized,
  );
  const images = sources.map((image) =>
    auditImage(image, unique((namesByImage.get(image.normalized) ?? []).map(({ name }) => name)), context),
  );
  return {
    formatVersion: AUDIT_FORMAT_VERSION,
    name: inventory.name,
    version: inventory.version,
    platforms: inventory.platforms,
    kubeVersion: inventory.kubeVersion ?? null,
    releases: inventory.releases,
    components: auditComponents(grouped, images, context),
    images,
    layers: blobs.layers,
    totals: { images: images.length, layers: blobs.layers.length, ...blobs.totals },
    warnings: inventory.warnings,
  };
}

function unresolvedImages({ unresolved = [] }: AuditFacts): readonly SourceImage[] {
  return unresolved.map(({ use: { reference, normalized, required, confidence, evidence } }) => ({
    reference,
    normalized,
    required,
    confidence,
    evidence,
    rebuilt: false,
    digest: "",
    platforms: [],
  }));
}

function auditImage(
  image: SourceImage,
  components: readonly string[],
  { facts, blobs, overrides, language }: AuditContext,
): AuditImage {
  const { normalized, evidence } = image;
  const reference = parseReference(normalized);
  const configs = image.platforms.flatMap(({ config }) => facts.configs.get(config.digest) ?? []);
  const platforms = image.platforms.map((platform) => auditPlatform(platform, facts));
  const dates = platforms.flatMap(({ created }) => created ?? []).sort();
  return {
    reference: image.reference,
    normalized,
    registry: reference.registry,
    repository: formatRepository(reference),
    tag: reference.tag ?? null,
    version: reference.tag ?? reference.digest ?? "",
    digest: image.digest,
    required: image.required,
    confidence: image.confidence,
    rebuilt: image.rebuilt,
    components,
    usedBy: unique(evidence.map(({ object }) => object)),
    purpose: overrideOf(normalized, overrides)?.purpose ?? imagePurpose(normalized, configs, language),
    created: dates.at(-1) ?? null,
    user: platforms.find(({ user }) => user !== null)?.user ?? null,
    base: baseOf(configs),
    platforms,
    ...blobs.ofImage(normalized),
    evidence,
  };
}

function auditPlatform(
  { platform, digest, config, layers }: InventoryPlatform,
  { configs }: AuditFacts,
): AuditPlatform {
  const facts = configs.get(config.digest);
  return {
    platform,
    digest,
    layers: layers.map((layer) => layer.digest),
    compressedBytes: layers.reduce((sum, { size }) => sum + size, config.size),
    uncompressedBytes: layers.reduce<number | null>(
      (sum, { uncompressedSize: size }) => (sum === null || size === null ? null : sum + size),
      0,
    ),
    created: usableDate(facts?.created),
    user: facts?.user ?? null,
  };
}

/** https://github.com/opencontainers/image-spec/blob/main/annotations.md#pre-defined-annotation-keys */
function baseOf(configs: readonly ConfigFacts[]): AuditBase | null {
  for (const { labels } of configs) {
    const name = shortText(labels["org.opencontainers.image.base.name"]);
    const digest = shortText(labels["org.opencontainers.image.base.digest"]);
    if (name !== null || digest !== null) return { name, digest };
  }
  return null;
}

function auditComponents(
  grouped: readonly GroupedComponent[],
  images: readonly AuditImage[],
  context: AuditContext,
): readonly AuditComponent[] {
  const byName = new Map(images.map((image) => [image.normalized, image]));
  const perChart = groupBy(grouped, ({ chart }) => chart);
  return grouped.map((component): AuditComponent => {
    const { name, release, namespace, chart, workloads } = component;
    const ofComponent = component.images.map(({ normalized, workloads: users }) => ({
      normalized,
      purpose: byName.get(normalized)?.purpose ?? null,
      workloads: users,
    }));
    const isOnly = (perChart.get(chart) ?? []).length === 1;
    return {
      name,
      purpose: componentPurpose(component, ofComponent, { isOnly, context }),
      release,
      namespace,
      chart: chart && {
        name: chart.name,
        version: chart.version,
        appVersion: chart.appVersion,
        description: shortText(chart.description),
      },
      workloads,
      images: ofComponent,
      ...context.blobs.ofImages(ofComponent.map(({ normalized }) => normalized)),
    };
  });
}

/**
 * Returns what the spec says, or what the main image is known for, or the description of the chart if
 * it is about this component, or what the label of the image says, or null.
 */
function componentPurpose(
  { foundName, name, chart }: GroupedComponent,
  images: AuditComponent["images"],
  { isOnly, context }: { readonly isOnly: boolean; readonly context: AuditContext },
): string | null {
  const { overrides, language } = context;
  const said =
    componentOverride(foundName, overrides)?.purpose ?? componentOverride(name, overrides)?.purpose;
  if (said !== undefined) return said;
  const [main] = images;
  if (main === undefined) return null;
  const isOwnChart = chart !== null && (isOnly || chart.name === foundName);
  const isCertain = images.length === 1 || isMain(main.normalized, foundName);
  return (
    (isCertain
      ? (overrideOf(main.normalized, overrides)?.purpose ?? wellKnownPurpose(main.normalized, language))
      : null) ??
    (isOwnChart ? shortText(chart.description) : null) ??
    main.purpose
  );
}

function unique(values: readonly string[]): readonly string[] {
  return [...new Set(values)].filter((value) => value !== "").sort();
}
