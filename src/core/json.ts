// Traverses parsed JSON: maps and strings with their paths, and values at a path.

export type Json = Readonly<Record<string, unknown>>;

/** Keys and list indexes from the root of a body. */
export type Path = readonly (string | number)[];

/** A map in a body, and its path. */
export interface MapAt {
  readonly path: Path;
  readonly map: Json;
}

export function isRecord(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Returns a string, or a number as a string; undefined for any other value and for the empty
 * string.
 */
export function textOf(value: unknown): string | undefined {
  if (typeof value === "number") return String(value);
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** Yields every map in the value, parents before children. */
export function* maps(value: unknown, path: Path = []): Iterable<MapAt> {
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) yield* maps(item, [...path, index]);
  } else if (isRecord(value)) {
    yield { path, map: value };
    for (const key in value) {
      const child = value[key];
      if (typeof child === "object" && child !== null) yield* maps(child, [...path, key]);
    }
  }
}

/** Yields every string in the value with its path. */
export function* strings(value: unknown, path: Path): Iterable<readonly [string, Path]> {
  if (typeof value === "string") yield [value, path];
  else if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) yield* strings(item, [...path, index]);
  } else if (isRecord(value)) {
    for (const [key, item] of Object.entries(value)) yield* strings(item, [...path, key]);
  }
}

/**
 * Returns the value at a dotted path such as `spec.thanos.image`, or undefined. Inherited
 * properties are ignored.
 */
export function valueAt(body: unknown, dotted: string): unknown {
  let value = body;
  for (const key of dotted.split(".")) {
    value = isRecord(value) && Object.hasOwn(value, key) ? value[key] : undefined;
  }
  return value;
}

/** Returns the value at a path, or undefined. */
export function valueAtPath(body: unknown, path: Path): unknown {
  return path.reduce(childOf, body);
}

/** Returns the value of a key or index of a map or list, or undefined. */
export function childOf(value: unknown, key: Path[number]): unknown {
  return isRecord(value) || Array.isArray(value) ? (value as Json)[key] : undefined;
}

/**
 * Formats a path as `spec.containers[0].image`. Keys with other characters are in brackets:
 * `data["a.b"]`.
 */
export function formatPath(path: Path): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === "number") return `${text}[${part}]`;
    if (!/^[\w-]+$/.test(part)) return `${text}[${JSON.stringify(part)}]`;
    return text === "" ? part : `${text}.${part}`;
  }, "");
}
