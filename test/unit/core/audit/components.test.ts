// How images are grouped by component.
import { describe, expect, it } from "vitest";
import { auditInventory } from "../../../../src/core/audit/audit-inventory.js";
import type { ChartFacts } from "../../../../src/core/audit/audit-facts.js";
import type { Inventory } from "../../../../src/core/bundle/inventory.js";
import type { Evidence } from "../../../../src/core/images/image-use.js";
import { hexOf, digestOf } from "../../../../src/core/oci/digest.js";
import { imageOf, inventoryOf } from "../load/inventory-of.js";

const RELEASE: Inventory["releases"][number] = {
  name: "shop",
  namespace: "store",
  chart: { name: "shop", version: "1.0.0", appVersion: "7.1" },
  file: "charts/shop-1.0.0.tgz",
  sha256: hexOf(digestOf("chart")),
  values: [],
};

function inObject(object: string, more: Partial<Evidence> = {}): Evidence {
  return {
    rule: "pod-spec",
    chart: "shop-1.0.0",
    template: "shop/templates/a.yaml",
    object,
    path: "spec.image",
    value: "",
    release: "shop",
    ...more,
  };
}

interface Given {
  readonly images: Readonly<Record<string, readonly Evidence[]>>;
  readonly audit?: Inventory["audit"];
  readonly charts?: readonly ChartFacts[];
  readonly releases?: Inventory["releases"];
}

function componentsOf({ images, audit, charts = [], releases = [RELEASE] }: Given) {
  const inventory = {
    ...inventoryOf(Object.entries(images).map(([name, evidence]) => ({ ...imageOf(name), evidence }))),
    releases,
    ...(audit && { audit }),
  };
  return auditInventory(inventory, {}, { configs: new Map(), charts }).components;
}

/** The names of components, and the images of each. */
function groupsOf(given: Given): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(
    componentsOf(given).map(({ name, images }) => [name, images.map(({ normalized }) => normalized)]),
  );
}

const labelled = (object: string, name: string, component?: string): Evidence =>
  inObject(object, { labels: { name, ...(component !== undefined && { component }) } });

describe("the name of a component", () => {
  it("is the recommended label, or else the innermost chart, or else the image", () => {
    const groups = groupsOf({
      images: {
        "docker.io/a/one:1": [labelled("Deployment store/one", "cart")],
        "docker.io/a/two:1": [
          inObject("Deployment store/two", { template: "shop/charts/db/templates/two.yaml" }),
        ],
        "docker.io/a/three:1": [{ ...inObject(""), rule: "spec", chart: "", template: "" }],
      },
    });
    expect(Object.keys(groups)).toEqual(["cart", "db", "three"]);
  });

  it("is that of the program where parts share an image, and has the part where they do not", () => {
    const groups = groupsOf({
      images: {
        "docker.io/acme/logs:1": [
          labelled("StatefulSet store/write", "logs", "write"),
          labelled("Deployment store/read", "logs", "read"),
        ],
        "docker.io/acme/sidecar:1": [labelled("Deployment store/read", "logs", "read")],
        "docker.io/acme/proxy:1": [labelled("Deployment store/gateway", "logs", "gateway")],
      },
    });
    expect(groups).toEqual({
      logs: ["docker.io/acme/logs:1", "docker.io/acme/sidecar:1"],
      "logs-gateway": ["docker.io/acme/proxy:1"],
    });
  });

  it("is that of the program where only one part is known", () => {
    const images = {
      "docker.io/acme/exporter:1": [labelled("DaemonSet store/x", "node-exporter", "metrics")],
    };
    expect(Object.keys(groupsOf({ images }))).toEqual(["node-exporter"]);
  });

  it("lacks the name of the chart before that of the part", () => {
    const images = {
      "docker.io/acme/a:1": [labelled("Deployment store/a", "shop-cart-operator", "cart-operator")],
      "docker.io/acme/b:1": [labelled("Job store/b", "shop-cart-operator", "cart-operator-webhook")],
    };
    expect(Object.keys(groupsOf({ images }))).toEqual(["cart-operator", "cart-operator-webhook"]);
  });

  it("is not that of an object property", () => {
    const images = { "docker.io/acme/a:1": [labelled("Deployment store/a", "constructor")] };
    expect(Object.keys(groupsOf({ images, audit: { components: {}, images: {} } }))).toEqual(["constructor"]);
  });
});

describe("what runs an image", () => {
  const byOperator: Evidence = inObject("Deployment store/operator", {
    rule: "flag",
    labels: { name: "operator" },
    workloads: [
      {
        kind: "StatefulSet",
        component: "database",
        object: "Database store/main",
        template: "shop/templates/main.yaml",
        release: "shop",
        labels: { name: "shop" },
      },
    ],
  });

  it("is what the operator creates, with the resource beside it", () => {
    const [component] = componentsOf({ images: { "docker.io/acme/reloader:1": [byOperator] } });
    expect(component).toMatchObject({
      name: "database",
      release: "shop",
      namespace: "store",
      workloads: [{ kind: "StatefulSet", namespace: "store", name: "main", resource: "Database store/main" }],
    });
  });

  it("has the namespace of the release where the object has none", () => {
    const [component] = componentsOf({ images: { "docker.io/a/b:1": [inObject("Deployment web")] } });
    expect(component?.workloads).toEqual([
      { kind: "Deployment", namespace: "store", name: "web", resource: null },
    ]);
  });

  it("is not a test, or a list of the publisher, where something else runs it too", () => {
    const images = {
      "docker.io/a/b:1": [
        labelled("Deployment store/web", "web"),
        { ...labelled("Pod store/test", "test"), hooks: ["test"] },
        inObject("Chart shop-1.0.0", { rule: "declared", template: "shop/Chart.yaml" }),
      ],
    };
    expect(Object.keys(groupsOf({ images }))).toEqual(["web"]);
  });
});

describe("the chart of a component", () => {
  const facts = (path: string, more: Partial<ChartFacts> = {}): ChartFacts => ({
    package: "shop-1.0.0",
    path,
    name: path.split("/").at(-1) ?? "",
    version: "2.0.0",
    appVersion: "16",
    description: `the ${path}`,
    dependencies: [],
    ...more,
  });

  it("is the innermost one, also by an alias", () => {
    const charts = [
      facts("shop", { dependencies: [{ name: "db", version: "2.x", repository: "", alias: "orders" }] }),
      facts("shop/charts/db"),
    ];
    const images = {
      "docker.io/a/b:1": [
        inObject("StatefulSet store/orders", { template: "shop/charts/orders/templates/x.yaml" }),
      ],
    };
    const [component] = componentsOf({ images, charts });
    expect(component).toMatchObject({
      name: "orders",
      purpose: "the shop/charts/db",
      chart: { name: "db", version: "2.0.0", appVersion: "16" },
    });
  });

  it("is the packaged one where no Chart.yaml is known, and without evidence of a release", () => {
    const { release, ...evidence } = inObject("Deployment store/web");
    const [component] = componentsOf({ images: { "docker.io/a/b:1": [evidence] } });
    expect(release).toBe("shop");
    expect(component).toMatchObject({
      release: "shop",
      chart: { name: "shop", version: "1.0.0", appVersion: "7.1", description: null },
    });
  });

  it("does not describe all components of a chart", () => {
    const images = {
      "docker.io/a/one:1": [labelled("Deployment store/one", "one")],
      "docker.io/a/two:1": [labelled("Deployment store/two", "two")],
    };
    const components = componentsOf({ images, charts: [facts("shop")] });
    expect(components.map(({ purpose }) => purpose)).toEqual([null, null]);
  });
});

describe("the spec", () => {
  const images = {
    "docker.io/acme/logs:1": [labelled("StatefulSet store/logs", "logs")],
    "docker.io/acme/proxy:1": [labelled("Deployment store/proxy", "proxy")],
  };

  it("renames components, and joins those with the same name", () => {
    const audit = { components: { proxy: { name: "logs" }, logs: { purpose: "keeps logs" } } };
    const components = componentsOf({ images, audit });
    expect(components.map(({ name, purpose }) => [name, purpose])).toEqual([["logs", "keeps logs"]]);
    expect(components[0]?.images).toHaveLength(2);
  });

  it("moves images, and says what they are for by repository or by reference", () => {
    const audit = {
      images: {
        "docker.io/acme/proxy": { component: "edge", purpose: "all versions" },
        "docker.io/acme/proxy:1": { component: "edge", purpose: "this version" },
      },
    };
    const components = componentsOf({ images, audit });
    expect(components.map(({ name }) => name)).toEqual(["edge", "logs"]);
    expect(components[0]).toMatchObject({ purpose: "this version", images: [{ purpose: "this version" }] });
  });
});

it("keeps components of the same name in two releases apart", () => {
  const images = {
    "docker.io/a/b:1": [
      labelled("Deployment store/web", "web"),
      { ...labelled("Deployment other/web", "web"), release: "second" },
    ],
  };
  const releases = [RELEASE, { ...RELEASE, name: "second", namespace: "other" }];
  const components = componentsOf({ images, releases });
  expect(components.map(({ name, release, namespace }) => [name, release, namespace])).toEqual([
    ["web", "second", "other"],
    ["web", "shop", "store"],
  ]);
});
