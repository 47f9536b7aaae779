// Arranges the images of an audit in groups, in an order that a person asked for.
import { compareText } from "../compare-text.js";
import { groupBy } from "../group-by.js";
import type { AuditComponent, AuditImage, AuditReport, AuditWorkload } from "./report.js";

export const AUDIT_GROUPS = ["component", "chart", "registry", "namespace"] as const;
export type AuditGroup = (typeof AUDIT_GROUPS)[number];

export const AUDIT_SORTS = ["component", "size", "name", "age"] as const;
export type AuditSort = (typeof AUDIT_SORTS)[number];

export interface Arrangement {
  readonly group: AuditGroup;
  readonly sort: AuditSort;
}

/** An image as a component uses it. */
export interface ArrangedRow {
  readonly component: AuditComponent;
  readonly image: AuditImage;
  readonly purpose: string | null;
  readonly workloads: readonly AuditWorkload[];
}

/** Rows of one component, chart, registry or namespace. Sizes count each blob once. */
export interface ArrangedGroup {
  /** Empty when not known, such as the namespace of an image that no chart uses. */
  readonly name: string;
  readonly rows: readonly ArrangedRow[];
  readonly compressedBytes: number;
  readonly uncompressedBytes: number | null;
}

/**
 * Returns the groups, and their rows. By size, the largest come first; by age, the oldest, and those
 * whose age is not known last. Rows of one component stay together in all other orders.
 */
export function arrangeAudit(
  report: Pick<AuditReport, "components" | "images" | "layers">,
  { group, sort }: Arrangement,
): readonly ArrangedGroup[] {
  const images = new Map(report.images.map((image) => [image.normalized, image]));
  const rows = report.components.flatMap((component) =>
    component.images.flatMap(({ normalized, purpose, workloads }) => {
      const image = images.get(normalized);
      return image === undefined ? [] : [{ component, image, purpose, workloads }];
    }),
  );
  const sizes = new Map(
    report.layers.map(({ digest, size, uncompressedSize }) => [digest, { size, uncompressedSize }]),
  );
  const order = orderOf(sort);
  return [...groupBy(rows, (row) => groupKey(row, group)).values()]
    .map((members) => ({
      name: groupName(members[0], group),
      rows: sort === "component" ? members : members.toSorted(order.rows),
      ...measure(members, sizes),
    }))
    .toSorted(order.groups);
}

function groupKey({ component, image }: ArrangedRow, group: AuditGroup): string {
  switch (group) {
    case "component":
      return JSON.stringify([component.name, component.release]);
    case "chart":
      return JSON.stringify([component.chart?.name, component.chart?.version]);
    case "registry":
      return image.registry;
    case "namespace":
      return component.namespace ?? "";
  }
}

function groupName(row: ArrangedRow | undefined, group: AuditGroup): string {
  if (row === undefined) return "";
  const { component, image } = row;
  switch (group) {
    case "component":
      return component.name;
    case "chart":
      return component.chart === null ? "" : `${component.chart.name}-${component.chart.version}`;
    case "registry":
      return image.registry;
    case "namespace":
      return component.namespace ?? "";
  }
}

interface Order {
  readonly rows: (one: ArrangedRow, other: ArrangedRow) => number;
  readonly groups: (one: ArrangedGroup, other: ArrangedGroup) => number;
}

function orderOf(sort: AuditSort): Order {
  const byName = (one: ArrangedGroup, other: ArrangedGroup): number => compareText(one.name, other.name);
  switch (sort) {
    case "component":
      return {
        rows: (one, other) => compareText(one.component.name, other.component.name),
        groups: byName,
      };
    case "size":
      return {
        rows: (one, other) => other.image.compressedBytes - one.image.compressedBytes,
        groups: (one, other) => other.compressedBytes - one.compressedBytes || byName(one, other),
      };
    case "name":
      return {
        rows: (one, other) => compareText(one.image.normalized, other.image.normalized),
        groups: (one, other) => compareText(nameOf(one), nameOf(other)) || byName(one, other),
      };
    case "age":
      return {
        rows: (one, other) => compareText(ageOf(one), ageOf(other)),
        groups: (one, other) => compareText(oldestOf(one), oldestOf(other)) || byName(one, other),
      };
  }
}

function nameOf({ rows: [first] }: ArrangedGroup): string {
  return first?.image.normalized ?? "";
}

/** ISO dates sort as text, before a tilde. */
function ageOf({ image }: ArrangedRow): string {
  return image.created ?? "~";
}

function oldestOf({ rows }: ArrangedGroup): string {
  return rows.map(ageOf).sort()[0] ?? "~";
}

interface LayerSize {
  readonly size: number;
  readonly uncompressedSize: number | null;
}

/** The config of a platform is what its layers leave of its size. */
function measure(
  rows: readonly ArrangedRow[],
  sizes: ReadonlyMap<string, LayerSize>,
): Pick<ArrangedGroup, "compressedBytes" | "uncompressedBytes"> {
  const platforms = new Map(
    rows.flatMap(({ image }) => image.platforms.map((platform) => [platform.digest, platform] as const)),
  );
  const layers = new Set([...platforms.values()].flatMap((platform) => platform.layers));
  const isKnown = rows.every(({ image }) => image.platforms.length > 0);
  let compressedBytes = 0;
  for (const platform of platforms.values()) {
    compressedBytes += platform.compressedBytes;
    for (const digest of platform.layers) compressedBytes -= sizes.get(digest)?.size ?? 0;
  }
  let uncompressedBytes: number | null = isKnown ? 0 : null;
  for (const digest of layers) {
    const layer = sizes.get(digest);
    compressedBytes += layer?.size ?? 0;
    const size = layer?.uncompressedSize ?? null;
    uncompressedBytes = uncompressedBytes === null || size === null ? null : uncompressedBytes + size;
  }
  return { compressedBytes, uncompressedBytes };
}
