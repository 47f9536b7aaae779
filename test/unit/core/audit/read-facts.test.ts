// What is read of configs and of Chart.yaml files, also of those that are not valid.
import { describe, expect, it } from "vitest";
import { readChartFacts } from "../../../../src/core/audit/chart-facts.js";
import { readConfigFacts } from "../../../../src/core/audit/config-facts.js";

describe("readConfigFacts", () => {
  const read = (config: unknown) => readConfigFacts(Buffer.from(JSON.stringify(config)));
  const rootfs = { type: "layers", diff_ids: [] };

  it("reads date, user and labels", () => {
    const config = { User: "1000:1000", Labels: { a: "b", "<b>": "\u001b[31m" } };
    expect(read({ rootfs, created: "2024-01-02T03:04:05Z", config })).toEqual({
      created: "2024-01-02T03:04:05Z",
      user: "1000:1000",
      labels: { a: "b", "<b>": "\u001b[31m" },
    });
  });

  it.each([{ rootfs }, { rootfs, config: null }, { rootfs, config: { User: null, Labels: null } }])(
    "reads a config without history or settings: %j",
    (config) => {
      expect(read(config)).toEqual({ created: null, user: "", labels: {} });
    },
  );

  it.each([
    ["an artifact", {}],
    ["a list", []],
    ["null", null],
    ["other types", { rootfs, created: 5 }],
  ])("does not take %s for a config", (_, config) => {
    expect(read(config)).toBeUndefined();
  });

  it("does not take text for a config, or what exceeds the limits", () => {
    expect(readConfigFacts(Buffer.from("not JSON"))).toBeUndefined();
    expect(readConfigFacts(Buffer.from("[".repeat(10_000)))).toBeUndefined();
  });
});

describe("readChartFacts", () => {
  it("reads charts of both versions, and skips what is not valid", () => {
    const facts = readChartFacts("shop-1.0.0", [
      {
        path: "shop/Chart.yaml",
        text: "apiVersion: v2\nname: shop\nversion: 1.0.0\ndescription: 상점 🛒\ndependencies: [{ name: db, version: 1.x, alias: orders, repository: https://a }]",
      },
      { path: "shop/charts/db/Chart.yaml", text: "name: db\nversion: 1.2.3\nappVersion: 16" },
      { path: "shop/charts/db/requirements.yaml", text: "dependencies: [{ name: common, version: 2.0.0 }]" },
      { path: "shop/charts/broken/Chart.yaml", text: "name: [" },
      { path: "shop/images.lock", text: "images: []" },
    ]);
    expect(
      facts.map(({ path, name, appVersion, description }) => [path, name, appVersion, description]),
    ).toEqual([
      ["shop", "shop", null, "상점 🛒"],
      ["shop/charts/db", "db", "16", null],
    ]);
    expect(facts.map(({ dependencies }) => dependencies)).toEqual([
      [{ name: "db", version: "1.x", repository: "https://a", alias: "orders" }],
      [{ name: "common", version: "2.0.0", repository: "" }],
    ]);
  });
});
