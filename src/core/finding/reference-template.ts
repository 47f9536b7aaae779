// Fills in the placeholders of a rule: {operator.tag}, {flag.x}, {config.y}, {spec.version}.
import type { RenderedObject } from "../charts/rendered-object.js";
import type { Reference } from "../images/reference.js";
import { commandLines, flagsIn } from "./rules/command-line.js";
import { UnusableYaml } from "../parse-yaml.js";
import { readStructure } from "../embedded-yaml.js";
import { isRecord, textOf, valueAt } from "../json.js";
import type { ContainerAt } from "../kubernetes/containers.js";

/** Where the names in placeholders are looked up. */
export interface Scope {
  /** The container that runs the operator; empty if the operator is in no chart. */
  readonly container: ContainerAt["container"];
  /** The operator's image; undefined if the operator is in no chart. */
  readonly image: Reference | undefined;
  /** Values of the release table; null if unknown. */
  readonly values: Readonly<Record<string, string | null>>;
  /** ConfigMaps that the operator may read. */
  readonly configMaps: readonly RenderedObject[];
  /** The custom resource that the rule applies to, if any. */
  readonly resource: RenderedObject | undefined;
}

/** A pattern for `{a|b|"literal"}`. */
const PLACEHOLDER = /\{([^{}]+)\}/g;
/** The version of a template: what follows the last colon or at sign behind the last slash. */
const VERSION = /[:@](?:[^/{}:@]|\{[^{}]*\})*$/;
/** Names whose values differ from release to release of the operator. */
const OF_RELEASE = /^(?:release\.|operator\.(?:tag|version)$)/;
/** Names whose values come from the operator's image. */
const OF_OPERATOR = /^(?:release|operator)\./;

/**
 * Replaces each `{a|b|"literal"}` with its first alternative that has a value. Returns undefined if
 * a placeholder has no value. Double slashes, as after a registry with a trailing slash, become
 * one.
 */
export function fillReference(template: string, scope: Scope): string | undefined {
  const unknown: string[] = [];
  const filled = template.replaceAll(PLACEHOLDER, (_, alternatives: string) => {
    for (const name of alternatives.split("|")) {
      const value = name.startsWith('"') ? name.slice(1, -1) : lookUp(name, scope);
      if (value !== undefined) return value;
    }
    unknown.push(alternatives);
    return "";
  });
  return unknown.length === 0 ? filled.replaceAll(/\/{2,}/g, "/") : undefined;
}

/** A template whose version is not known. */
export interface VersionlessReference {
  readonly repository: string;
  /** The tag if this release follows the rule of other releases, such as the operator's own tag. */
  readonly expectedTag?: string;
  /** Variables of the operator that give the version. */
  readonly variables?: readonly string[];
}

/**
 * Fills in the repository of a template, for a release of the operator whose versions are not
 * known. `otherValues` are those of another release: they may name a registry. Returns undefined if
 * the repository has no value.
 */
export function fillRepository(
  template: string,
  scope: Scope,
  otherValues: Scope["values"],
): VersionlessReference | undefined {
  const name = template.replace(VERSION, "");
  const repository = fillReference(name, { ...scope, values: otherValues });
  if (repository === undefined) return undefined;
  const version = fillReference(template.slice(name.length), { ...scope, values: {} });
  const variables = Array.from(
    template.slice(name.length).matchAll(/[{|]env\.(\w+)/g),
    ([, variable = ""]) => variable,
  );
  return {
    repository,
    ...(version !== undefined && version !== "" && { expectedTag: version.slice(1) }),
    ...(variables.length > 0 && { variables }),
  };
}

/**
 * True if the user sets the version in a custom resource, a flag, a variable or a ConfigMap. All
 * other versions hold for the releases that they were read for.
 */
export function isVersionSet(template: string, scope: Scope): boolean {
  const [version = ""] = VERSION.exec(template) ?? [];
  if (version === "") return fillReference(template, scope) !== undefined;
  let isSet = false;
  for (const [, alternatives = ""] of version.matchAll(PLACEHOLDER)) {
    const used = alternatives
      .split("|")
      .find((name) => name.startsWith('"') || OF_RELEASE.test(name) || lookUp(name, scope) !== undefined);
    if (used === undefined || OF_RELEASE.test(used)) return false;
    isSet ||= !used.startsWith('"');
  }
  return isSet;
}

/**
 * True if the custom resource and defaults that are the same in all releases determine the
 * reference, so that it does not depend on the operator's image.
 */
export function isSetByResource(template: string, scope: Scope): boolean {
  const placeholders = Array.from(template.matchAll(PLACEHOLDER), ([, alternatives = ""]) => alternatives);
  return placeholders.every((alternatives) => {
    const used = alternatives
      .split("|")
      .find((name) => name.startsWith('"') || OF_OPERATOR.test(name) || lookUp(name, scope) !== undefined);
    return used !== undefined && !OF_OPERATOR.test(used);
  });
}

/** True if a name such as `env.USE_OTHER` has a value other than `false`. */
export function isSet(name: string, scope: Scope): boolean {
  return !/^(?:false)?$/i.test(lookUp(name, scope) ?? "");
}

/** Returns the value of a name such as `operator.tag` or `spec.version`, or undefined. */
export function lookUp(name: string, scope: Scope): string | undefined {
  const first = name.slice(0, name.indexOf("."));
  const rest = name.slice(first.length + 1);
  switch (first) {
    case "operator":
      return operatorPart(rest, scope);
    case "release":
      return Object.hasOwn(scope.values, rest) ? (scope.values[rest] ?? undefined) : undefined;
    case "flag":
      return flagValue(scope.container, rest);
    case "env":
      return environmentValue(scope.container, rest);
    case "config":
      return configValue(scope.configMaps, rest);
    default:
      return settingOf(valueAt(scope.resource?.body, name));
  }
}

function operatorPart(part: string, { image, container }: Scope): string | undefined {
  if (image === undefined) return undefined;
  const repository = `${image.registry}/${image.repository}`;
  switch (part) {
    case "tag":
      return image.tag;
    case "version":
      return image.tag?.replace(/^v/, "");
    case "registry":
      return image.registry;
    case "repository":
      return repository;
    case "prefix":
      return repository.slice(0, repository.lastIndexOf("/"));
    case "image":
      return textOf(container["image"]);
    default:
      return undefined;
  }
}

function flagValue(container: ContainerAt["container"], flag: string): string | undefined {
  for (const words of commandLines({ path: [], container })) {
    for (const { name, value } of flagsIn(words)) if (name === flag) return value;
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

/** Looks up a key of `data`, or a dotted path into a value that is YAML or JSON. */
function configValue(configMaps: readonly RenderedObject[], name: string): string | undefined {
  const [first = "", ...rest] = name.split(".");
  for (const { body } of configMaps) {
    const data = isRecord(body["data"]) ? body["data"] : {};
    const value = textOf(data[name]);
    if (value !== undefined) return value;
    for (const [key, text] of Object.entries(data)) {
      const path = key === first ? rest.join(".") : name;
      if (typeof text !== "string" || !text.includes(path.split(".")[0] ?? "")) continue;
      const inner = settingOf(valueAt(structureIn(text), path));
      if (inner !== undefined) return inner;
    }
  }
  return undefined;
}

/** A text that exceeds the limits has no values. The finder warns of the object that contains it. */
function structureIn(text: string): unknown {
  try {
    return readStructure(text);
  } catch (cause) {
    if (!(cause instanceof UnusableYaml)) throw cause;
    return undefined;
  }
}

/** Like `textOf`, but `true` also counts as set. */
function settingOf(value: unknown): string | undefined {
  return value === true ? "true" : textOf(value);
}
