// Fields with images that a known operator does not start, for example because another field is off.
import { groupOf, isCustom } from "../kubernetes/api-group.js";
import type { RenderedObject } from "../charts/rendered-object.js";
import { readStructure } from "../embedded-yaml.js";
import { isRecord, valueAt, type Path } from "../json.js";
import { decode } from "./rules/config-text.js";
import type { Found } from "./rules/found.js";
import type { OperatorUse } from "./operators.js";
import type { UnusedFields } from "./operator-rules.js";

/** Returns why the operators do not start an image, or undefined if they may. */
export type WhyUnused = (found: Found, object: RenderedObject) => string | undefined;

/** Reads the facts of the operators. Only those that were verified for the tag make an image optional. */
export function readUnusedFields(operators: readonly OperatorUse[]): WhyUnused {
  const facts = operators.flatMap(({ rule, object, isVerified }) =>
    isVerified ? rule.unused.map((fact) => ({ fact, name: rule.name, release: object.release })) : [],
  );
  if (facts.length === 0) return () => undefined;
  return (found, object) => {
    const used = facts.find(({ fact, release }) => isUnused(fact, release, { found, object }));
    return used && `${used.name} does not start it: ${used.fact.why}`;
  };
}

function isUnused(
  fact: UnusedFields,
  release: string,
  { found, object }: { readonly found: Found; readonly object: RenderedObject },
): boolean {
  if (fact.tagged === true && found.reference.includes("@")) return false;
  const path = fact.config === undefined ? pathInResource(fact, found, object) : undefined;
  const inside = path ?? (object.release === release ? pathInText(fact, found, object) : undefined);
  if (inside === undefined) return false;
  if (!fact.fields.some((field) => startsWith(inside, field.split(".")))) return false;
  if (fact.unless.length === 0) return true;
  const root = fact.config === undefined ? object.body : textAt(object, found.path);
  return !fact.unless.some((field) => isOn(valueAt(root, field)));
}

function pathInResource(
  { group, kind }: UnusedFields,
  { path }: Found,
  object: RenderedObject,
): Path | undefined {
  const isMine = isCustom(object.apiVersion) && object.kind === kind && groupOf(object.apiVersion) === group;
  return isMine ? path : undefined;
}

/** Returns the path inside the value of the key, without `data` and the key. */
function pathInText({ config }: UnusedFields, { path }: Found, { kind }: RenderedObject): Path | undefined {
  return (kind === "ConfigMap" || kind === "Secret") && path[1] === config ? path.slice(2) : undefined;
}

function textAt({ kind, body }: RenderedObject, [field = "", key = ""]: Path): unknown {
  const values = body[field];
  const value = isRecord(values) ? values[key] : undefined;
  if (typeof value !== "string") return undefined;
  const text = kind === "Secret" && field === "data" ? decode(value) : value;
  return text === undefined ? undefined : readStructure(text);
}

function startsWith(path: Path, start: Path): boolean {
  return start.every((part, index) => path[index] === part);
}

function isOn(value: unknown): boolean {
  return value !== undefined && value !== null && value !== false && value !== "" && value !== "false";
}
