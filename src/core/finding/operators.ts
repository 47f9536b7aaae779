// Applies the knowledge base: finds known operators, the images that they start, and unused flags.
import type { RenderedObject } from "../charts/rendered-object.js";
import { findReference, type Reference } from "../images/reference.js";
import { SETTLE_LATER, SETTLE_PROGRAM } from "../images/warning-advice.js";
import { findImage } from "./rules/candidate.js";
import { factsAt, type TagFacts } from "./tag-facts.js";
import { describeReleases, isInRange, readTagVersion } from "./tag-range.js";
import { fillReference, fillRepository, isSet, isVersionSet, type Scope } from "./reference-template.js";
import { isTestHook } from "../charts/hooks.js";
import type { Confidence, FindingWarning, UnresolvedImage } from "../images/image-use.js";
import type { OperatorIndex } from "./operator-index.js";
import type { OperatorImage, ResourceCondition } from "./operator-rules.js";
import { formatPath, textOf, valueAt, type Path } from "../json.js";
import { groupBy } from "../group-by.js";
import { containers, type ContainerAt } from "../kubernetes/containers.js";
import { groupOf } from "../kubernetes/api-group.js";

/** A container of a rendered workload that runs a known operator. */
export interface OperatorUse extends TagFacts {
  readonly object: RenderedObject;
  readonly path: Path;
  readonly container: ContainerAt["container"];
  readonly image: Reference;
  /** ConfigMaps of the same release. */
  readonly configMaps: readonly RenderedObject[];
}

/** An image that an operator starts, implied by `object`. */
export interface ImpliedImage {
  readonly rule: string;
  /** The reference, or only the repository if the version is not known for this tag. */
  readonly reference: string;
  /** Present if the version is not known. */
  readonly unresolved?: Pick<UnresolvedImage, "repository" | "expectedTag" | "variables">;
  /** The custom resource, or the operator's workload if no custom resource is needed. */
  readonly object: RenderedObject;
  readonly path: Path;
  readonly required: boolean;
  readonly confidence: Confidence;
  readonly because: string;
}

/** Rendered objects by `GROUP/KIND`, without helm tests. */
export type Resources = ReadonlyMap<string, readonly RenderedObject[]>;

/** Groups the objects by API group and kind. */
export function indexResources(objects: readonly RenderedObject[]): Resources {
  return groupBy(
    objects.filter((object) => !isTestHook(object)),
    ({ apiVersion, kind }) => `${groupOf(apiVersion)}/${kind}`,
  );
}

/** Returns every container that runs an operator of the knowledge base, except in helm tests. */
export function findOperators(
  objects: readonly RenderedObject[],
  known: OperatorIndex,
): readonly OperatorUse[] {
  const uses: OperatorUse[] = [];
  /** Workloads often share a tag, and a table may have a hundred ranges. */
  const factsByTag = new Map<string, TagFacts>();
  const configMaps = groupBy(
    objects.filter(({ kind }) => kind === "ConfigMap"),
    ({ release }) => release,
  );
  for (const object of objects) {
    if (isTestHook(object)) continue;
    for (const { path, container } of containers(object.body)) {
      const image = findReference(textOf(container["image"]) ?? "");
      const rule = image && known.find(image);
      if (image === undefined || rule === undefined) continue;
      const key = `${rule.id} ${image.tag ?? ""}`;
      const facts = factsByTag.get(key) ?? factsAt(image.tag, rule);
      factsByTag.set(key, facts);
      uses.push({
        ...facts,
        object,
        path,
        container,
        image,
        configMaps: configMaps.get(object.release) ?? [],
      });
    }
  }
  return uses;
}

/** What image rules are evaluated with: an operator and its settings. */
export type OperatorSettings = Pick<OperatorUse, "rule"> & Omit<Scope, "resource">;

/** An image rule that applies: the rendered objects make the operator start the image. */
export interface ActiveRule {
  readonly image: OperatorImage;
  readonly scope: Scope;
  readonly required: boolean;
  readonly doing: string;
}

/** Returns the images that the operator starts for the rendered custom resources. */
export function* findImpliedImages(use: OperatorUse, resources: Resources): Iterable<ImpliedImage> {
  for (const demand of findActiveRules(use, resources)) {
    const image = toImplied(use, demand);
    if (image !== undefined) yield image;
  }
}

/** Fills in the reference, or only the repository if the version would be that of another release. */
function toImplied(use: OperatorUse, demand: ActiveRule): ImpliedImage | undefined {
  const { image, scope, required, doing } = demand;
  const isKnown = use.isVerified || isVersionSet(image.reference, scope);
  const reference = isKnown ? fillReference(image.reference, scope) : undefined;
  const unresolved = reference === undefined ? versionless(use, demand) : undefined;
  const name = reference ?? unresolved?.repository;
  if (name === undefined || findImage(name) === undefined) return undefined;
  return {
    rule: `operator:${use.rule.id}`,
    reference: name,
    ...(unresolved !== undefined && { unresolved }),
    object: scope.resource ?? use.object,
    path: scope.resource === undefined ? [...use.path, "image"] : ["spec"],
    required,
    confidence: use.isVerified ? "certain" : "medium",
    because: `${nameOf(use)} (${use.object.kind} ${use.object.name}, ${formatPath(use.path)}) ${doing}`,
  };
}

/** Returns the repository of an image whose version is the only thing that is not known. */
function versionless(
  use: OperatorUse,
  { image: { reference }, scope }: ActiveRule,
): ImpliedImage["unresolved"] {
  const unread = Object.fromEntries(
    Object.entries(use.rule.releases[0]?.values ?? {}).map(([name, value]) => [name, value ?? "?"]),
  );
  const values = use.isVerified
    ? Object.fromEntries(Object.entries(use.values).map(([name, value]) => [name, value ?? "?"]))
    : unread;
  // Another placeholder without a value, such as a field of the resource, means that there is no image.
  if (fillReference(reference, { ...scope, values }) === undefined) return undefined;
  return fillRepository(reference, scope, values);
}

/** Returns the image rules that apply to the rendered custom resources. */
export function* findActiveRules(use: OperatorSettings, resources: Resources): Iterable<ActiveRule> {
  for (const image of use.rule.images) {
    const { when, with: besides, without, otherwise, unless, given, optional } = image;
    if (without !== undefined && allMeeting(without, resources).length > 0) continue;
    const activate = (
      resource: RenderedObject | undefined,
      required: boolean,
      doing: string,
    ): ActiveRule[] => {
      const scope: Scope = { ...use, resource };
      const isSettled = unless?.some((name) => isSet(name, scope)) ?? false;
      const isAsked = given?.some((name) => isSet(name, scope)) ?? true;
      return isSettled || !isAsked ? [] : [{ image, scope, required, doing }];
    };
    if (when === undefined) {
      yield* activate(undefined, true, "starts it");
      continue;
    }
    const matching = allMeeting(when, resources);
    const isWhole = besides === undefined || allMeeting(besides, resources).length > 0;
    if (isWhole) {
      for (const resource of matching) {
        const doing = `${optional === true ? "can start" : "starts"} it for ${resource.kind} ${resource.name}`;
        yield* activate(resource, optional !== true, doing);
      }
    }
    if ((matching.length === 0 || !isWhole) && otherwise !== undefined) {
      const kinds = (isWhole ? when : besides).map(({ kind }) => kind).join(" or ");
      const doing = `starts it for a ${kinds}, and none is rendered`;
      yield* activate(matching[0], otherwise === "required", doing);
    }
  }
}

/**
 * True for an operator that starts images for custom resources, none of which is rendered. Images
 * that it starts for resources created later are not required and not in the bundle. A resource of
 * its API groups that contains an image (`naming` lists the groups) shows that the operator is in
 * use.
 */
export function waitsForResources(
  use: OperatorUse,
  resources: Resources,
  naming: ReadonlySet<string>,
): boolean {
  const conditions = laterConditions(use);
  if (conditions.length === 0) return false;
  const groups = new Set([...conditions.map(({ group }) => group), ...Object.keys(use.rule.harmless)]);
  return (
    conditions.every(({ group, kind }) => (resources.get(`${group}/${kind}`) ?? []).length === 0) &&
    ![...groups].some((group) => naming.has(group))
  );
}

/** Returns the conditions of all facts that the settings of the operator do not settle. */
function laterConditions(use: OperatorUse): readonly ResourceCondition[] {
  const scope: Scope = { ...use, resource: undefined };
  const isOpen = ({ unless }: { readonly unless?: readonly string[] | undefined }): boolean =>
    !(unless?.some((name) => isSet(name, scope)) ?? false);
  const { images, flags, unknown } = use.rule;
  return [
    ...images.filter(isOpen).flatMap(({ when = [] }) => when),
    ...flags.flatMap(({ usedWhen }) => usedWhen),
    ...unknown.filter(isOpen).flatMap(({ when = [] }) => when),
  ];
}

/** Returns the images for custom resources created later that do not depend on fields of these. */
export function* findLaterImages(use: OperatorUse): Iterable<ImpliedImage> {
  const scope: Scope = { ...use, resource: undefined };
  for (const image of use.rule.images) {
    const { when, unless, given } = image;
    if (when === undefined || unless?.some((name) => isSet(name, scope)) === true) continue;
    if (given !== undefined && !given.some((name) => isSet(name, scope))) continue;
    const kinds = [...new Set(when.map(({ kind }) => kind))].join(" or ");
    const doing = `starts it for a ${kinds}, and none is rendered`;
    const later = toImplied(use, { image, scope, required: image.otherwise === "required", doing });
    if (later !== undefined) yield later;
  }
}

/** Returns the warning for an operator that waits for custom resources. */
export function laterWarning(use: OperatorUse): FindingWarning {
  const kinds = [...new Set(laterConditions(use).map(({ kind }) => kind))].join(", ");
  const optional = [...findLaterImages(use)].filter(({ required }) => !required);
  const images = [...new Set(optional.map(({ reference }) => reference))];
  const named = images.length === 0 ? "" : `, such as ${images.join(", ")}`;
  const message = `${nameOf(use)} starts images for custom resources (${kinds}), and none is rendered. It may start images later${named}`;
  return { ...warningOf(use, "operator-images-later", message), hint: SETTLE_LATER };
}

/** Returns a warning for each image that the operator starts but that no rule can determine. */
export function* unknownImages(use: OperatorUse, resources: Resources): Iterable<FindingWarning> {
  for (const { what, when, given, unless } of use.rule.unknown) {
    const isOpen = (resource: RenderedObject | undefined): boolean => {
      const isHere = (name: string): boolean => isSet(name, { ...use, resource });
      return (given?.some(isHere) ?? true) && !(unless?.some(isHere) ?? false);
    };
    const open = when === undefined ? isOpen(undefined) : allMeeting(when, resources).some(isOpen);
    if (open) yield warningOf(use, "operator-images-unknown", `${nameOf(use)}: ${what}`);
  }
}

/** True if a rendered object makes the operator use the flag's image, or if the flag is unknown. */
export function isFlagUsed(use: OperatorUse, flag: string, resources: Resources): boolean {
  const known = use.rule.flags.find((entry) => entry.flag === flag);
  if (known === undefined) return true;
  return allMeeting(known.usedWhen, resources).length > 0;
}

/**
 * Returns the warning for an operator of which versions of images are not known: its tag is in no
 * range, or in one that lacks them. `implied` are the images that it starts by the rules. An
 * operator that starts none and may not create Pods (`mayCreatePods`) gives no warning.
 */
export function versionWarning(
  use: OperatorUse,
  implied: readonly ImpliedImage[],
  { mayCreatePods, resources }: { readonly mayCreatePods: boolean; readonly resources: Resources },
): FindingWarning | undefined {
  const names = [...new Set(implied.flatMap(({ unresolved }) => unresolved?.repository ?? []))];
  const which = `the versions of ${names.join(", ")}, which it starts, are unknown`;
  if (use.isVerified) {
    return names.length === 0
      ? undefined
      : warningOf(use, "operator-version-unknown", `${nameOf(use)}: ${which}`);
  }
  if (implied.length === 0 && !mayCreatePods) return undefined;
  const known = `the images that it starts are known for ${describeReleases(use.rule.releases)}`;
  const message = `${nameOf(use)}: ${known}; ${names.length === 0 ? "other versions may start other images" : which}`;
  // The list is right if the user sets the versions of all images.
  const isSet = names.length === 0 && (implied.length > 0 || hasSettledImage(use, resources));
  return { ...warningOf(use, "operator-tag-unverified", message), incomplete: !isSet };
}

/** True if the user sets an image that the operator would start otherwise. */
function hasSettledImage(use: OperatorUse, resources: Resources): boolean {
  return use.rule.images.some(({ when, unless = [] }) => {
    const users = when === undefined ? [undefined] : allMeeting(when, resources);
    return users.some((resource) => unless.some((name) => isSet(name, { ...use, resource })));
  });
}

/** Creates a warning that the images of the operator may be incomplete. */
export function warningOf({ object, container }: OperatorUse, code: string, message: string): FindingWarning {
  return programWarning(object, [textOf(container["image"]) ?? ""], { code, message });
}

/** Creates a warning that the images which the program of an object starts may be incomplete. */
export function programWarning(
  object: RenderedObject,
  images: readonly string[],
  what: Pick<FindingWarning, "code" | "message">,
): FindingWarning {
  return {
    ...what,
    hint: SETTLE_PROGRAM,
    chart: object.chart,
    template: object.template,
    object: `${object.kind} ${object.name}`,
    images,
    incomplete: true,
  };
}

/** Returns name and version of the operator for messages. */
export function nameOf({ rule, image }: OperatorUse): string {
  return `${rule.name} ${image.tag ?? image.digest ?? ""}`;
}

/** Returns the resources that meet at least one condition. */
export function allMeeting(
  conditions: readonly ResourceCondition[],
  resources: Resources,
): readonly RenderedObject[] {
  const met = conditions.flatMap((condition) =>
    (resources.get(`${condition.group}/${condition.kind}`) ?? []).filter((object) =>
      hasField(condition, object),
    ),
  );
  return [...new Set(met)];
}

export function hasField({ has, in: range, is: wanted }: ResourceCondition, object: RenderedObject): boolean {
  if (has === undefined) return true;
  const value = valueAt(object.body, has);
  if (value === undefined || value === null || value === false) return false;
  if (wanted !== undefined) return textOf(value)?.toLowerCase() === wanted.toLowerCase();
  if (range === undefined) return true;
  const version = readTagVersion(textOf(value))?.version;
  return version !== undefined && isInRange(version, range);
}
