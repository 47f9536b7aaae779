// Applies the knowledge base: which known operators a render contains, what they will start, and which of their flags are idle.
import { coerce, satisfies } from "semver";
import type { RenderedObject } from "../charts/rendered-object.js";
import { findReference, type Reference } from "../images/reference.js";
import { findImage } from "./candidate.js";
import { isTestHook } from "./hooks.js";
import type { Confidence, FindingWarning } from "./image-use.js";
import type { OperatorImage, OperatorRule, ResourceCondition } from "./operator-rules.js";
import { groupOf } from "./rules/custom-resource.js";
import { containers, formatPath, isRecord, textOf, valueAt, type ContainerAt, type Path } from "./walk.js";

/** A container of a rendered workload that runs a known operator. */
export interface OperatorUse {
  readonly rule: OperatorRule;
  readonly object: RenderedObject;
  readonly path: Path;
  readonly container: ContainerAt["container"];
  readonly image: Reference;
  /** Values of the release table for this tag. */
  readonly values: Readonly<Record<string, string>>;
  /** True when the facts were checked for this tag. */
  readonly isVerified: boolean;
}

/** An image that an operator starts, implied by `object`. */
export interface ImpliedImage {
  readonly rule: string;
  readonly reference: string;
  /** The custom resource, or the operator's workload where it needs none. */
  readonly object: RenderedObject;
  readonly path: Path;
  readonly required: boolean;
  readonly confidence: Confidence;
  readonly because: string;
}

/** Returns every container that runs an operator of the knowledge base, helm tests aside. */
export function findOperators(
  objects: readonly RenderedObject[],
  rules: readonly OperatorRule[],
): readonly OperatorUse[] {
  const uses: OperatorUse[] = [];
  for (const object of objects) {
    if (isTestHook(object)) continue;
    for (const { path, container } of containers(object.body)) {
      const image = findReference(textOf(container["image"]) ?? "");
      const rule = image && rules.find(({ repository }) => isRepository(image.repository, repository));
      if (image === undefined || rule === undefined) continue;
      const release = rule.releases.find(({ tags }) => isInRange(image.tag, tags));
      const values = (release ?? rule.releases[0])?.values ?? {};
      uses.push({ rule, object, path, container, image, values, isVerified: release !== undefined });
    }
  }
  return uses;
}

/** Returns what the operator starts by itself, given the custom resources that are there. */
export function* findImpliedImages(
  use: OperatorUse,
  objects: readonly RenderedObject[],
): Iterable<ImpliedImage> {
  for (const image of use.rule.images) {
    const { when, otherwise } = image;
    if (when === undefined) {
      yield* imply(use, image, undefined, true, "starts it");
      continue;
    }
    const resources = objects.filter((object) => when.some((condition) => isMet(condition, object)));
    for (const resource of resources) {
      yield* imply(use, image, resource, true, `starts it for ${resource.kind} ${resource.name}`);
    }
    if (resources.length === 0 && otherwise !== undefined) {
      const kinds = when.map(({ kind }) => kind).join(" or ");
      yield* imply(
        use,
        image,
        undefined,
        otherwise === "required",
        `would start it for a ${kinds}; none is rendered`,
      );
    }
  }
}

function* imply(
  use: OperatorUse,
  image: OperatorImage,
  resource: RenderedObject | undefined,
  required: boolean,
  doing: string,
): Iterable<ImpliedImage> {
  if (image.unless?.some((name) => lookUp(name, use, resource) !== undefined)) return;
  const reference = fillIn(image.reference, use, resource);
  if (reference === undefined || findImage(reference) === undefined) return;
  const operator = `${use.rule.name} ${use.image.tag ?? use.image.digest ?? ""}`;
  yield {
    rule: `operator:${use.rule.id}`,
    reference,
    object: resource ?? use.object,
    path: resource === undefined ? [...use.path, "image"] : ["spec"],
    required,
    confidence: use.isVerified ? "certain" : "low",
    because: `${operator} (${use.object.kind} ${use.object.name}, ${formatPath(use.path)}) ${doing}`,
  };
}

/** True when the flag's image is started by something that is rendered, or nothing is known about it. */
export function isFlagUsed(use: OperatorUse, flag: string, objects: readonly RenderedObject[]): boolean {
  const known = use.rule.flags.find((entry) => entry.flag === flag);
  if (known === undefined) return true;
  return objects.some((object) => known.usedWhen.some((condition) => isMet(condition, object)));
}

/** Returns the warning for an operator whose tag nobody checked the facts for; `implied` is what it starts all the same. */
export function unverifiedWarning(
  use: OperatorUse,
  implied: readonly ImpliedImage[],
): FindingWarning | undefined {
  if (use.isVerified || implied.length === 0) return undefined;
  const tag = use.image.tag ?? use.image.digest ?? "";
  const ranges = use.rule.releases.map(({ tags }) => tags).join(", ");
  return {
    code: "operator-tag-unverified",
    message: `${use.rule.name} ${tag}: what it starts is known for ${ranges}; other versions may start other images`,
    chart: use.object.chart,
    template: use.object.template,
    object: `${use.object.kind} ${use.object.name}`,
    images: [textOf(use.container["image"]) ?? ""],
    incomplete: true,
  };
}

function isMet({ group, kind, has }: ResourceCondition, object: RenderedObject): boolean {
  if (object.kind !== kind || groupOf(object.apiVersion) !== group || isTestHook(object)) return false;
  if (has === undefined) return true;
  const value = valueAt(object.body, has);
  return value !== undefined && value !== null && value !== false;
}

/** Replaces each `{a|b|"literal"}` by its first alternative that has a value; undefined when one has none. */
function fillIn(
  template: string,
  use: OperatorUse,
  resource: RenderedObject | undefined,
): string | undefined {
  const unknown: string[] = [];
  const filled = template.replaceAll(/\{([^{}]+)\}/g, (_, alternatives: string) => {
    for (const name of alternatives.split("|")) {
      const value = name.startsWith('"') ? name.slice(1, -1) : lookUp(name, use, resource);
      if (value !== undefined) return value;
    }
    unknown.push(alternatives);
    return "";
  });
  return unknown.length === 0 ? filled : undefined;
}

function lookUp(name: string, use: OperatorUse, resource: RenderedObject | undefined): string | undefined {
  const { image, container, values } = use;
  const scope = name.slice(0, name.indexOf("."));
  const rest = name.slice(scope.length + 1);
  switch (scope) {
    case "operator":
      if (rest === "tag") return image.tag;
      if (rest === "version") return image.tag?.replace(/^v/, "");
      if (rest === "registry") return image.registry;
      if (rest === "repository") return `${image.registry}/${image.repository}`;
      return rest === "image" ? textOf(container["image"]) : undefined;
    case "release":
      return values[rest];
    case "flag":
      return flagValue(container, rest);
    case "env":
      return environmentValue(container, rest);
    default:
      return textOf(valueAt(resource?.body, name));
  }
}

function flagValue(container: ContainerAt["container"], flag: string): string | undefined {
  const lists = [container["command"], container["args"]].filter(Array.isArray);
  const items: readonly unknown[] = lists.flat();
  for (const [index, item] of items.entries()) {
    const match = typeof item === "string" ? /^--?([\w.-]+)(?:=(.*))?$/s.exec(item) : null;
    if (match?.[1] === flag) return match[2] ?? textOf(items[index + 1]);
  }
  return undefined;
}

function environmentValue(container: ContainerAt["container"], name: string): string | undefined {
  const variables = container["env"];
  const variable: unknown = Array.isArray(variables)
    ? variables.find((entry) => isRecord(entry) && entry["name"] === name)
    : undefined;
  return isRecord(variable) ? textOf(variable["value"]) : undefined;
}

/** True for the repository itself and for a copy of it below a prefix, as mirrors have it. */
function isRepository(repository: string, known: string): boolean {
  return repository === known || repository.endsWith(`/${known}`);
}

function isInRange(tag: string | undefined, range: string): boolean {
  const version = /^v?\d+\.\d+/.test(tag ?? "") ? coerce(tag, { includePrerelease: true }) : null;
  return version !== null && satisfies(version, range, { includePrerelease: true });
}
