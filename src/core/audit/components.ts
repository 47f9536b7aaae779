// Groups the images of a bundle by component: the parts of the software that a person knows by name.
import { isTestHook } from "../charts/hooks.js";
import { compareText } from "../compare-text.js";
import { groupBy } from "../group-by.js";
import type { ComponentLabels, Evidence, OperatorWorkload } from "../images/image-use.js";
import { formatRepository, parseReference } from "../images/reference.js";
import type { Inventory } from "../bundle/inventory.js";
import type { ChartFacts } from "./audit-facts.js";
import { indexCharts, type ChartIndex } from "./chart-facts.js";
import type { AuditSettings, ComponentOverride, ImageOverride } from "../spec/bundle-spec.js";
import type { AuditWorkload } from "./report.js";

/** What the spec says about components and images. */
export type ComponentOverrides = Pick<AuditSettings, "components" | "images">;

/** An image with its evidence; resolved or not. */
export interface EvidentImage {
  readonly normalized: string;
  readonly evidence: readonly Evidence[];
}

/** A component before sizes and purposes are known. */
export interface GroupedComponent {
  readonly name: string;
  /** Its name without the override of the spec. */
  readonly foundName: string;
  readonly release: string | null;
  readonly namespace: string | null;
  readonly chart: ChartFacts | null;
  readonly workloads: readonly AuditWorkload[];
  readonly images: readonly { readonly normalized: string; readonly workloads: readonly AuditWorkload[] }[];
}

/** One place that an image has in the software: an object, or what an operator creates for one. */
interface Placement {
  readonly image: string;
  readonly release: string | null;
  readonly chart: ChartFacts | null;
  /** The name that is certain, from the knowledge base or the spec. */
  readonly fixedName?: string | undefined;
  /** The name of the program, and the part of it. */
  readonly app: string;
  readonly part: string;
  readonly workload: AuditWorkload | null;
}

/** Rules of evidence that says nothing about who runs an image. */
const WITHOUT_OBJECT = new Set(["declared", "spec", "rehearsed"]);

/** The kinds that run Pods, most telling first. */
const KINDS = ["StatefulSet", "Deployment", "DaemonSet", "ReplicaSet", "CronJob", "Job", "Pod"];

/**
 * Returns the components sorted by name. An image that several components run is in each of them, and
 * one that nothing in the charts runs is a component of its own.
 *
 * The name is that of the program that an operator starts, or the label `app.kubernetes.io/name`, or
 * the innermost chart. Parts of a program (`app.kubernetes.io/component`) that share no image with
 * the others are components of their own, such as `loki-gateway`.
 */
export function groupComponents(
  images: readonly EvidentImage[],
  { releases }: Pick<Inventory, "releases">,
  charts: readonly ChartFacts[],
  overrides: ComponentOverrides,
): readonly GroupedComponent[] {
  const index = indexCharts(charts);
  const placements = images.flatMap((image) => placementsOf(image, releases, index, overrides));
  const named = [
    ...groupBy(placements, ({ release, app }) => JSON.stringify([release, app])).values(),
  ].flatMap(nameParts);
  const components = groupBy(named, ({ placement: { release }, name }) =>
    JSON.stringify([release, componentOverride(name, overrides)?.name ?? name]),
  );
  return [...components.values()]
    .map((group) => toComponent(group, releases, overrides))
    .sort(
      (one, other) =>
        compareText(one.name, other.name) || compareText(one.release ?? "", other.release ?? ""),
    );
}

/** Returns the override of a component by the name that was found. */
export function componentOverride(
  name: string,
  { components = {} }: ComponentOverrides,
): ComponentOverride | undefined {
  return Object.hasOwn(components, name) ? components[name] : undefined;
}

/** Returns the override of an image: that of its reference, or else that of its repository. */
export function overrideOf(
  normalized: string,
  { images = {} }: ComponentOverrides,
): ImageOverride | undefined {
  if (Object.hasOwn(images, normalized)) return images[normalized];
  const repository = formatRepository(parseReference(normalized));
  return Object.hasOwn(images, repository) ? images[repository] : undefined;
}

function placementsOf(
  { normalized, evidence }: EvidentImage,
  releases: Inventory["releases"],
  charts: ChartIndex,
  overrides: ComponentOverrides,
): readonly Placement[] {
  const fixedName = overrideOf(normalized, overrides)?.component;
  const withObject = evidence.filter(({ rule, object }) => !WITHOUT_OBJECT.has(rule) && object !== "");
  const installed = withObject.filter((one) => !isTestHook(one));
  const telling = installed.length > 0 ? installed : withObject;
  if (telling.length === 0) {
    const app = baseName(normalized);
    return [{ image: normalized, release: null, chart: null, fixedName, app, part: "", workload: null }];
  }
  return telling.flatMap((one) => {
    const sources = one.workloads ?? [one];
    return sources.map((source) =>
      placementOf({ image: normalized, evidence: one, source, fixedName }, releases, charts),
    );
  });
}

interface PlacementSource {
  readonly image: string;
  readonly fixedName: string | undefined;
  readonly evidence: Evidence;
  /** The evidence itself, or what an operator creates. */
  readonly source: Evidence | OperatorWorkload;
}

function placementOf(
  { image, fixedName, evidence, source }: PlacementSource,
  releases: Inventory["releases"],
  charts: ChartIndex,
): Placement {
  const release = findRelease(source.release, evidence.chart, releases);
  const chartName = release === undefined ? evidence.chart : `${release.chart.name}-${release.chart.version}`;
  const chart = charts.find(chartName, source.template) ?? packagedChart(release);
  const innermost = innermostChart(source.template) ?? chart?.name ?? (evidence.chart || baseName(image));
  const { app, part } = namesOf(source.labels ?? {}, innermost);
  const isOperators = "kind" in source;
  return {
    image,
    release: release?.name ?? source.release ?? null,
    chart,
    fixedName: fixedName ?? (isOperators ? source.component : undefined),
    app: fixedName ?? (isOperators ? (source.component ?? app) : app),
    part,
    workload: toWorkload(source, release?.namespace ?? null),
  };
}

function findRelease(
  name: string | undefined,
  chart: string,
  releases: Inventory["releases"],
): Inventory["releases"][number] | undefined {
  const ofChart = releases.filter((release) => `${release.chart.name}-${release.chart.version}` === chart);
  // Bundles of older releases have no names of releases in their evidence.
  if (name === undefined) return ofChart.length === 1 ? ofChart[0] : undefined;
  return (
    ofChart.find((release) => release.name === name) ?? releases.find((release) => release.name === name)
  );
}

function packagedChart(release: Inventory["releases"][number] | undefined): ChartFacts | null {
  if (release === undefined) return null;
  const { name, version, appVersion } = release.chart;
  return {
    package: `${name}-${version}`,
    path: name,
    name,
    version,
    appVersion: appVersion ?? null,
    description: null,
    dependencies: [],
  };
}

function innermostChart(template: string): string | undefined {
  return /([^/]+)\/(?:templates|crds)\/(?!.*\/charts\/)/.exec(template)?.[1];
}

/**
 * Returns the name of the program and its part by the labels. Charts put their own name before that
 * of a part (`kube-prometheus-stack-prometheus-operator`), which is left out if the part says the same.
 */
function namesOf({ name, component = "" }: ComponentLabels, chart: string): { app: string; part: string } {
  const app = name ?? chart;
  const rest = app.startsWith(`${chart}-`) ? app.slice(chart.length + 1) : app;
  const isSame = component === rest || component.startsWith(`${rest}-`);
  // A rest of one word, such as `server`, says too little.
  return { app: isSame && rest.includes("-") ? rest : app, part: component };
}

function toWorkload(source: Evidence | OperatorWorkload, namespace: string | null): AuditWorkload | null {
  const [, kind = "", ownNamespace, name = ""] = /^(\S+) (?:([^/\s]+)\/)?(.*)$/s.exec(source.object) ?? [];
  if (kind === "") return null;
  return {
    kind: "kind" in source ? source.kind : kind,
    namespace: ownNamespace ?? namespace,
    name,
    resource: "kind" in source ? source.object : null,
  };
}

interface NamedPlacement {
  readonly name: string;
  readonly placement: Placement;
}

/**
 * Names the placements of one program. Parts that share an image belong together. The program's own
 * name goes to the parts with the image of this name, or to those without a label, or to several
 * parts together, or to the only part.
 */
function nameParts(placements: readonly Placement[]): readonly NamedPlacement[] {
  const fixed = placements.filter(({ fixedName }) => fixedName !== undefined);
  const groups = connectParts(placements.filter(({ fixedName }) => fixedName === undefined));
  const main = [
    groups.find((group) => group.some(({ image, app }) => baseName(image) === app)),
    groups.find((group) => group.some(({ part }) => part === "")),
    groups.find((group) => new Set(group.map(({ part }) => part)).size > 1),
    groups.length === 1 ? groups[0] : undefined,
  ].find((group) => group !== undefined);
  return [
    ...fixed.map((placement) => ({ name: placement.fixedName ?? placement.app, placement })),
    ...groups.flatMap((group) => {
      const [first] = group.toSorted((one, other) => compareText(one.part, other.part));
      const name = group === main || first === undefined ? (first?.app ?? "") : partName(first);
      return group.map((placement) => ({ name, placement }));
    }),
  ];
}

function partName({ app, part }: Placement): string {
  return part === "" || part.startsWith(app) ? part || app : `${app}-${part}`;
}

/** Returns the placements in groups of parts that share images. */
function connectParts(placements: readonly Placement[]): readonly (readonly Placement[])[] {
  const groups: { readonly parts: Set<string>; readonly images: Set<string>; placements: Placement[] }[] = [];
  for (const placement of placements) {
    const { part, image } = placement;
    const [first, ...more] = groups.filter(({ parts, images }) => parts.has(part) || images.has(image));
    if (first === undefined) {
      groups.push({ parts: new Set([part]), images: new Set([image]), placements: [placement] });
      continue;
    }
    first.parts.add(part);
    first.images.add(image);
    first.placements.push(placement);
    for (const other of more) {
      for (const one of other.parts) first.parts.add(one);
      for (const one of other.images) first.images.add(one);
      first.placements.push(...other.placements);
      groups.splice(groups.indexOf(other), 1);
    }
  }
  return groups.map((group) => group.placements);
}

function toComponent(
  group: readonly NamedPlacement[],
  releases: Inventory["releases"],
  overrides: ComponentOverrides,
): GroupedComponent {
  const placements = group.map(({ placement }) => placement);
  const foundName = group[0]?.name ?? "";
  const name = componentOverride(foundName, overrides)?.name ?? foundName;
  const release = placements[0]?.release ?? null;
  const workloads = distinctWorkloads(placements);
  const namespaces = new Set(workloads.map(({ namespace }) => namespace));
  const [namespace = null] = namespaces;
  const images = [...groupBy(placements, ({ image }) => image)]
    .map(([normalized, places]) => ({ normalized, workloads: distinctWorkloads(places) }))
    .sort(
      (one, other) =>
        Number(isMain(other.normalized, foundName)) - Number(isMain(one.normalized, foundName)) ||
        compareText(one.normalized, other.normalized),
    );
  return {
    name,
    foundName,
    release,
    namespace: namespace ?? releases.find((one) => one.name === release)?.namespace ?? null,
    chart: placements.find(({ chart }) => chart !== null)?.chart ?? null,
    workloads,
    images,
  };
}

/** True for the image that has the name of the component, such as `node-exporter`. */
export function isMain(normalized: string, component: string): boolean {
  const base = baseName(normalized);
  return component === base || component.endsWith(`-${base}`);
}

function distinctWorkloads(placements: readonly Placement[]): readonly AuditWorkload[] {
  const workloads = placements.flatMap(({ workload }) => (workload === null ? [] : [workload]));
  return [...new Map(workloads.map((workload) => [JSON.stringify(workload), workload])).values()].sort(
    (one, other) =>
      rankOf(one.kind) - rankOf(other.kind) ||
      compareText(one.kind, other.kind) ||
      compareText(one.name, other.name),
  );
}

function rankOf(kind: string): number {
  const rank = KINDS.indexOf(kind);
  return rank < 0 ? KINDS.length : rank;
}

function baseName(normalized: string): string {
  const { repository } = parseReference(normalized);
  return repository.slice(repository.lastIndexOf("/") + 1);
}
