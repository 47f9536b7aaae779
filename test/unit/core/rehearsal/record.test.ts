// The record of a rehearsal: parsing, evidence for images, and differences from a bundle.
import { describe, expect, it } from "vitest";
import { digestOf } from "../../../../src/core/oci/digest.js";
import {
  differencesFrom,
  parseRecord,
  rehearsableOf,
  rehearsalWarnings,
  withRehearsal,
  type Rehearsable,
  type RehearsalRecord,
} from "../../../../src/core/rehearsal/record.js";
import { digestOfText, imageOf, inventoryOf } from "../load/inventory-of.js";
import { imageUse, named } from "../../../support/image-use.js";

const WEB = named("docker.io/library/web:1");
const HIDDEN = named("quay.io/org/hidden:2");
const VALUES = "values/shop.yaml";

const INVENTORY = {
  ...inventoryOf([imageOf(WEB)]),
  releases: [
    {
      name: "shop",
      namespace: "apps",
      chart: { name: "app", version: "1.0.0" },
      file: "charts/app-1.0.0.tgz",
      sha256: "a".repeat(64),
      values: [VALUES],
    },
  ],
  files: [{ path: VALUES, sha256: "b".repeat(64), size: 1 }],
};
const given = (...files: readonly string[]): { files: Uint8Array[]; set: string[] } => ({
  files: files.map((text) => Buffer.from(text)),
  set: [],
});
const NOW = rehearsableOf(INVENTORY, "v1.30.2");
const RECORD: RehearsalRecord = {
  formatVersion: 1,
  date: "2026-11-25T12:00:00.000Z",
  bundle: "shop 1.0.0",
  bundleDigest: digestOfText("bundle"),
  spec: digestOfText("spec"),
  kubeVersion: "v1.30.2",
  containerd: ["1.7.24"],
  outcome: "complete",
  releases: NOW.releases.map((release) => ({ ...release, ready: 1, pods: 1 })),
  asked: [{ normalized: WEB, digest: imageOf(WEB).digest, usedBy: ["Deployment apps/web"] }],
  missing: [],
  unused: [],
};

describe("parseRecord", () => {
  it("parses a written record, and ignores unknown fields", () => {
    const text = JSON.stringify({ ...RECORD, ofOthers: [], context: "kind-x" });
    expect(parseRecord(text, "r.json")).toEqual(RECORD);
  });

  it.each([
    ["text", "no record"],
    ["another format", JSON.stringify({ ...RECORD, formatVersion: 2 })],
    ["a digest that is none", JSON.stringify({ ...RECORD, spec: "sha256:1" })],
    ["a bundle's inventory", JSON.stringify(INVENTORY)],
  ])("rejects %s", (_, text) => {
    expect(() => parseRecord(text, "r.json")).toThrow(
      expect.objectContaining({ code: "RECORD_INVALID", subject: "r.json" }),
    );
  });
});

describe("differences", () => {
  const from = (now: Partial<Rehearsable>, record = RECORD): readonly string[] =>
    differencesFrom(record, { ...NOW, ...now });
  const installedWith = (
    then: { files: Uint8Array[]; set: string[] },
    now: { files: Uint8Array[]; set: string[] },
  ): readonly string[] => {
    const record = {
      ...RECORD,
      releases: rehearsableOf(INVENTORY, "v1.30.2", then).releases.map((one) => ({
        ...one,
        ready: 1,
        pods: 1,
      })),
    };
    return differencesFrom(record, rehearsableOf(INVENTORY, "v1.30.2", now));
  };

  it("are empty for the same input, and for a patch release of Kubernetes", () => {
    expect(from({})).toEqual([]);
    expect(from({ kubeVersion: "v1.30.9" })).toEqual([]);
  });

  it("contain another Kubernetes version, another chart, and a new release", () => {
    const [release] = NOW.releases;
    if (release === undefined) throw new Error("no release");
    expect(from({ kubeVersion: "v1.31.0" })).toHaveLength(1);
    expect(from({ releases: [{ ...release, chartDigest: digestOfText("other") }] })).toHaveLength(1);
    expect(from({ releases: [{ ...release, name: "other" }] })).toHaveLength(1);
  });

  it("contain images with other content, and new images", () => {
    expect(from({ images: [{ normalized: WEB, digest: digestOfText("moved") }] })).toEqual([
      expect.stringContaining(WEB),
    ]);
    expect(from({ images: [...NOW.images, imageOf(HIDDEN)] })).toEqual([expect.stringContaining(HIDDEN)]);
    const unused = { ...RECORD, unused: [{ normalized: HIDDEN }] };
    expect(from({ images: [...NOW.images, imageOf(HIDDEN)] }, unused)).toEqual([]);
  });

  it("contain additional, removed and reordered values files", () => {
    expect(installedWith(given("a"), given("a"))).toEqual([]);
    expect(installedWith(given(), given("a"))).toHaveLength(1);
    expect(installedWith(given("a"), given())).toHaveLength(1);
    expect(installedWith(given("a"), given("b"))).toHaveLength(2);
    expect(installedWith(given("a", "b"), given("b", "a"))).toHaveLength(1);
  });

  it("contain the keys with other values, and never the values", () => {
    const set = (...expressions: string[]): { files: Uint8Array[]; set: string[] } => ({
      files: [],
      set: expressions,
    });
    const [message, ...more] = installedWith(set("a=1", "password=old"), set("a=1", "password=secret"));
    expect(more).toEqual([]);
    expect(message).toContain("password");
    expect(message).not.toContain("secret");
    expect(installedWith(set("a=1", "b=2"), set("b=2", "a=1"))).toHaveLength(1);
    expect(JSON.stringify(rehearsableOf(INVENTORY, undefined, set("password=secret")))).not.toContain(
      "secret",
    );
  });
});

describe("warnings of a build", () => {
  const missing = [
    { normalized: HIDDEN, usedBy: [], owners: ["DaemonSet apps/agent"], operator: "conductor" },
  ];

  it("report an incomplete list while a missing image is not in the bundle", () => {
    const warnings = rehearsalWarnings({ ...RECORD, missing }, NOW);
    expect(warnings).toEqual([
      expect.objectContaining({ code: "rehearsal-missing", incomplete: true, images: [HIDDEN] }),
    ]);
  });

  it("are absent when it is", () => {
    const now = { ...NOW, images: [...NOW.images, imageOf(HIDDEN)] };
    expect(rehearsalWarnings({ ...RECORD, missing }, now)).toEqual([]);
  });
});

describe("evidence", () => {
  it("contains the pulled images, and those that were missing", () => {
    const missing = [
      { normalized: HIDDEN, usedBy: [], owners: ["DaemonSet apps/agent"], operator: "conductor" },
    ];
    const [web, hidden, other] = withRehearsal(
      [imageUse(WEB), imageUse(HIDDEN), imageUse("quay.io/org/other:1")],
      {
        ...RECORD,
        missing,
      },
    );
    expect(web?.evidence).toMatchObject([{ rule: "rehearsed", object: "Deployment apps/web", value: WEB }]);
    expect(hidden?.evidence).toMatchObject([
      { rule: "rehearsed", object: expect.stringContaining("conductor") as string },
    ]);
    expect(other?.evidence).toEqual([]);
  });

  it("is found by the name that a node pulls, where a digest precedes its tag", () => {
    const digest = digestOf("x");
    const asked = [{ normalized: named(`quay.io/org/pinned@${digest}`), digest, usedBy: [] }];
    const [pinned] = withRehearsal([imageUse(`quay.io/org/pinned:1@${digest}`)], { ...RECORD, asked });
    expect(pinned?.evidence).toHaveLength(1);
  });
});
