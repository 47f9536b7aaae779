// The audit of an inventory: sizes with shared blobs, facts of configs, and images without any.
import { describe, expect, it } from "vitest";
import type { AuditFacts, ConfigFacts } from "../../../../src/core/audit/audit-facts.js";
import { auditInventory } from "../../../../src/core/audit/audit-inventory.js";
import type { InventoryImage } from "../../../../src/core/bundle/inventory.js";
import { imageUse } from "../../../support/image-use.js";
import { digestOfText, imageOf, inventoryOf } from "../load/inventory-of.js";
import { processorMs } from "../../../support/processor-time.js";

const ONE = "docker.io/a/one:1";
const TWO = "docker.io/a/two:1";

function configOf(image: InventoryImage): string {
  return image.platforms[0]?.config.digest ?? "";
}

function factsOf(configs: readonly (readonly [InventoryImage, Partial<ConfigFacts>])[]): AuditFacts {
  return {
    configs: new Map(
      configs.map(([image, facts]) => [configOf(image), { created: null, user: "", labels: {}, ...facts }]),
    ),
    charts: [],
  };
}

/** The size of a blob is the length of its text. */
const configBytes = (name: string): number => `${name} linux/amd64 config`.length;

describe("sizes", () => {
  const images = [
    imageOf(ONE, { layers: ["base layer", "one"] }),
    imageOf(TWO, { layers: ["base layer", "two", "two"] }),
  ];
  const report = auditInventory(inventoryOf(images));

  it("count each blob of an image once, and tell what leaving it out saves", () => {
    expect(
      report.images.map((image) => [image.compressedBytes, image.uniqueBytes, image.sharedBytes]),
    ).toEqual([
      [configBytes(ONE) + 13, configBytes(ONE) + 3, 10],
      [configBytes(TWO) + 13, configBytes(TWO) + 3, 10],
    ]);
  });

  it("add up to the whole bundle", () => {
    const { totals } = report;
    const all = configBytes(ONE) + configBytes(TWO) + 10 + 3 + 3;
    expect(totals).toEqual({
      images: 2,
      layers: 3,
      uniqueBytes: all,
      sharedBytes: 10,
      uncompressedBytes: null,
    });
    const separate = report.images.reduce((sum, image) => sum + image.compressedBytes, 0);
    expect(separate).toBe(totals.uniqueBytes + totals.sharedBytes);
  });

  it("list every layer once with the images that contain it, largest first", () => {
    expect(report.layers.map(({ digest, size, images: names }) => [digest, size, names])).toEqual([
      [digestOfText("base layer"), 10, [ONE, TWO]],
      ...[
        [digestOfText("one"), 3, [ONE]],
        [digestOfText("two"), 3, [TWO]],
      ].sort(([one], [other]) => (String(one) < String(other) ? -1 : 1)),
    ]);
  });

  it("of all platforms are in the image, and shared layers of platforms count once", () => {
    const image = imageOf(ONE, { layers: ["base layer"], platforms: ["linux/amd64", "linux/arm64"] });
    const [audited] = auditInventory(inventoryOf([image])).images;
    expect(audited?.platforms.map(({ compressedBytes }) => compressedBytes - 10)).toEqual([
      configBytes(ONE),
      configBytes(ONE),
    ]);
    expect(audited?.compressedBytes).toBe(2 * configBytes(ONE) + 10);
  });

  it("after decompression are known only if those of all layers are", () => {
    const known = (image: InventoryImage, sizes: readonly (number | null)[]): InventoryImage => ({
      ...image,
      platforms: image.platforms.map((platform) => ({
        ...platform,
        layers: platform.layers.map((layer, index) => ({
          ...layer,
          uncompressedSize: sizes[index] ?? null,
        })),
      })),
    });
    const given = [
      known(imageOf(ONE, { layers: ["base layer", "one"] }), [100, 20]),
      known(imageOf(TWO, { layers: ["base layer", "two"] }), [100, null]),
    ];
    const { images: audited, totals } = auditInventory(inventoryOf(given));
    expect(audited.map(({ uncompressedBytes }) => uncompressedBytes)).toEqual([120, null]);
    expect(totals.uncompressedBytes).toBeNull();
  });
});

describe("facts of configs", () => {
  const image = imageOf(ONE, { layers: ["one"] });
  const audit = (facts: Partial<ConfigFacts>) =>
    auditInventory(inventoryOf([image]), {}, factsOf([[image, facts]])).images[0];

  it.each([
    ["2024-11-15T10:20:30.5Z", "2024-11-15T10:20:30.500Z"],
    ["2024-11-15T10:20:30+09:00", "2024-11-15T01:20:30.000Z"],
    ["0001-01-01T00:00:00Z", null],
    ["1970-01-01T00:00:00Z", null],
    ["yesterday", null],
    ["2024-13-45T00:00:00Z", null],
    ["+275760-09-13T00:00:00Z", null],
    [null, null],
  ])("read the date %s as %s", (created, expected) => {
    expect(audit({ created })?.created).toBe(expected);
    expect(audit({ created })?.platforms[0]?.created).toBe(expected);
  });

  it("tell the user, which is null without a config", () => {
    expect(audit({ user: "65532" })?.user).toBe("65532");
    expect(audit({ user: "" })?.user).toBe("");
    expect(auditInventory(inventoryOf([image])).images[0]?.user).toBeNull();
  });

  it("tell the base image where labels do", () => {
    const labels = { "org.opencontainers.image.base.name": "docker.io/library/alpine:3.20" };
    expect(audit({ labels })?.base).toEqual({ name: "docker.io/library/alpine:3.20", digest: null });
    expect(audit({})?.base).toBeNull();
  });

  it("give a purpose on one short line", () => {
    const labels = { "org.opencontainers.image.description": `한국어 📦\n${"x".repeat(500)}` };
    const purpose = audit({ labels })?.purpose ?? "";
    expect(purpose).toMatch(/^한국어 📦 x+…$/);
    expect(purpose.length).toBeLessThan(200);
  });

  it("give a well-known image its purpose in the language, also in a mirror", () => {
    const known = imageOf("mirror.example/hub/grafana/grafana:11.3.1");
    const purposeIn = (language: "en" | "ko") =>
      auditInventory(inventoryOf([known]), { language }).images[0]?.purpose;
    expect(purposeIn("en")).toBe("dashboards");
    expect(purposeIn("ko")).toMatch(/[가-힣]/);
  });
});

it("lists an image that could not be resolved, with sizes that are not known", () => {
  const facts = {
    configs: new Map(),
    charts: [],
    unresolved: [{ use: imageUse("docker.io/a/gone:1"), reason: "the registry does not respond" }],
  };
  const report = auditInventory(inventoryOf([imageOf(ONE, { layers: ["one"] })]), {}, facts);
  expect(report.images.map(({ normalized }) => normalized)).toEqual(["docker.io/a/gone:1", ONE]);
  expect(report.images[0]).toMatchObject({ digest: "", platforms: [], uncompressedBytes: null });
  expect(report.totals).toMatchObject({ images: 2, uncompressedBytes: null });
  expect(report.components.map(({ name }) => name)).toEqual(["gone", "one"]);
});

it("audits an inventory without images", () => {
  expect(auditInventory(inventoryOf([]))).toMatchObject({
    components: [],
    layers: [],
    totals: { images: 0, uniqueBytes: 0, uncompressedBytes: 0 },
  });
});

it("audits 500 images with 5,000 layers in a moment", () => {
  const images = Array.from({ length: 500 }, (_, index) =>
    imageOf(`registry.example/${"long/".repeat(8)}image-${"n".repeat(150)}-${index}:1`, {
      layers: Array.from({ length: 10 }, (__, layer) => `layer ${index} ${layer}`),
    }),
  );
  const inventory = inventoryOf(images);
  const computed = processorMs(() => {
    const { totals, components } = auditInventory(inventory);
    expect([totals.layers, components.length]).toEqual([5000, 500]);
  });
  // It takes about 0.1 s.
  expect(computed).toBeLessThan(3_000);
});
