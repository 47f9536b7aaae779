// An inventory with every field of the format, and every invalid variant of a field.
import type { Inventory } from "../../src/core/bundle/inventory.js";
import { formatPath } from "../../src/core/json.js";
import { digestOf, hexOf } from "../../src/core/oci/digest.js";
import { imageOf, inventoryOf } from "../unit/core/load/inventory-of.js";
import { named } from "./image-use.js";

const evidence = {
  rule: "pod-spec",
  chart: "app-1.0.0",
  template: "app/templates/a.yaml",
  object: "Pod apps/a",
  path: "spec.containers[0].image",
  value: "a/b:1",
  because: "it runs",
  hooks: ["pre-install"],
  release: "app",
  labels: { name: "app", component: "web" },
  workloads: [
    {
      kind: "StatefulSet",
      component: "app",
      object: "App apps/a",
      template: "app/templates/a.yaml",
      release: "app",
      labels: { name: "app", component: "web" },
    },
  ],
};
const plain = imageOf("docker.io/a/b:1", { layers: ["layer"] });
const image = {
  ...plain,
  evidence: [evidence],
  platforms: plain.platforms.map((platform) => ({
    ...platform,
    attached: [{ digest: digestOf("artifact"), config: platform.config, layers: [platform.config] }],
  })),
};

/** All optional fields are present. */
export const WHOLE_INVENTORY: Inventory = {
  ...inventoryOf([image]),
  kubeVersion: "v1.30.2",
  apiVersions: ["apps/v1"],
  releases: [
    {
      name: "app",
      namespace: "apps",
      chart: { name: "app", version: "1.0.0", appVersion: "1", kubeVersion: ">=1.20.0", range: "^1" },
      file: "charts/app-1.0.0.tgz",
      sha256: hexOf(digestOf("chart")),
      values: ["values/app.yaml"],
    },
  ],
  hostImages: [image],
  testImages: [{ reference: "e/f:1", normalized: named("e/f:1"), objects: ["Pod apps/test"] }],
  nodePlatforms: ["linux/amd64"],
  rendered: {
    apis: [{ apiVersion: "v1", kind: "Pod", objects: 1, first: "Pod apps/a" }],
    alwaysPulled: [{ object: "Pod apps/a", path: "spec.pullPolicy", image: "a/b:1", implied: false }],
    largeDefinitions: [{ object: "CustomResourceDefinition a.b", chart: "app-1.0.0", bytes: 300_000 }],
  },
  audit: {
    components: { web: { name: "front", purpose: "sells" } },
    images: { "docker.io/a/b": { component: "web", purpose: "sells" } },
    maxBytes: 1000,
    maxLayerBytes: 1000,
    maxAgeDays: 365,
    suppress: [{ rule: "no-digest", subject: "a/b", reason: "judged", until: "2026-12-31" }],
  },
  excluded: [{ reference: "docker.io/c/d:1", reason: "not needed" }],
  warnings: [
    {
      code: "unknown-operator",
      message: "look at it",
      chart: "app-1.0.0",
      template: "app/templates/a.yaml",
      object: "Pod apps/a",
      images: ["a/b:1"],
      incomplete: true,
      silenced: "judged",
    },
  ],
  files: [{ path: "charts/app-1.0.0.tgz", sha256: hexOf(digestOf("chart")), size: 5 }],
};

/** Optional fields, by path. */
const OPTIONAL =
  /^(?:kubeVersion|hostImages|testImages|nodePlatforms|rendered|audit|audit\.(?:max\w+|suppress|components|images)(?:\..*|\[".*)?|.*\.(?:subject|until)|.*chart\.range|.*\.(?:appVersion|because|hooks|attached|release|labels|workloads|component)|.*labels\.name|.*chart\.kubeVersion|warnings\[0\]\.(?:chart|template|object|images|silenced))$/;

/** The inventory with one invalid field. */
export interface Damage {
  /** The path in messages. */
  readonly path: string;
  readonly how: string;
  readonly json: string;
  /** True when the variant is valid, because an optional field is missing. */
  readonly isFine: boolean;
}

type Key = string | number;

/** Changes each field in turn to another type, null, a nested list, and missing. */
export function damages(): readonly Damage[] {
  return [...paths(WHOLE_INVENTORY, [])].flatMap(({ path, value }) => {
    const others: readonly (readonly [string, unknown])[] = [
      ["a number", 7],
      ["a fraction", 0.5],
      ["text", "text"],
      ["a switch", true],
      ["null", null],
      ["a map", {}],
      ["an empty list", []],
      ["nested in a list", [value]],
    ];
    const text = formatPath(path);
    const wrong = others
      .filter(([how]) => !isAllowed(text, value, how))
      .map(([how, other]) => ({ path: text, how, json: changed(path, () => other), isFine: false }));
    const isInList = typeof path.at(-1) === "number";
    if (isInList) return wrong;
    const json = changed(path, () => undefined);
    return [...wrong, { path: text, how: "missing", json, isFine: OPTIONAL.test(text) }];
  });
}

/** True for a value that is valid for the field. */
function isAllowed(path: string, value: unknown, how: string): boolean {
  if (path.endsWith(".uncompressedSize")) return how === "null" || how === "a number";
  // Every field of it is optional.
  if (/^audit$|^audit\.(?:components|images)(?:\.web|\[[^\]]+\])?$|\.labels$/.test(path))
    return how === "a map";
  if (Array.isArray(value)) return how === "an empty list";
  if (typeof value === "number") return how === "a number" && path !== "formatVersion";
  if (typeof value === "boolean") return how === "a switch";
  return typeof value === "string" && how === "text" && !CHECKED_TEXT.test(path);
}

/** Text with a format that "text" does not have. */
const CHECKED_TEXT =
  /(?:digest|sha256|normalized|confidence|createdFrom\.spec|until|(?:nodeP|p)latforms\[0\](?:\.platform)?|names\[0\]|mediaType)$|^kubeVersion$/;

function* paths(
  value: unknown,
  path: readonly Key[],
): Iterable<{ readonly path: readonly Key[]; readonly value: unknown }> {
  if (path.length > 0) yield { path, value };
  if (typeof value !== "object" || value === null) return;
  for (const [key, child] of Object.entries(value)) {
    yield* paths(child, [...path, Array.isArray(value) ? Number(key) : key]);
  }
}

function changed(path: readonly Key[], change: (value: unknown) => unknown): string {
  const copy: unknown = structuredClone(WHOLE_INVENTORY);
  let parent = copy as Record<Key, unknown>;
  for (const key of path.slice(0, -1)) parent = parent[key] as Record<Key, unknown>;
  const last = path.at(-1) ?? "";
  parent[last] = change(parent[last]);
  return JSON.stringify(copy);
}
