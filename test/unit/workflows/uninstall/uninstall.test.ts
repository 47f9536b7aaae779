// Uninstalling, and what must not be unloaded: with a fake cluster and a fake helm.
import { describe, expect, it } from "vitest";
import type { ClusterRemains, ReleaseRemover } from "../../../../src/core/install/cluster.js";
import { digestOf, hexOf } from "../../../../src/core/oci/digest.js";
import { ViolaError } from "../../../../src/errors.js";
import { requireUninstalled } from "../../../../src/workflows/uninstall/require-uninstalled.js";
import { uninstallBundle, type UninstallReport } from "../../../../src/workflows/uninstall/uninstall.js";
import { workflowRun } from "../../../support/workflow-run.js";
import { inventoryOf } from "../../core/load/inventory-of.js";

const CHART = Buffer.from("a chart");
const NAMES = ["first", "second", "third"];
const inventory = {
  ...inventoryOf([]),
  releases: NAMES.map((name) => ({
    name,
    namespace: "apps",
    chart: { name, version: "1.0.0" },
    file: "charts/app.tgz",
    sha256: "",
    values: [],
  })),
  files: [{ path: "charts/app.tgz", sha256: hexOf(digestOf(CHART)), size: CHART.length }],
};

interface Scene {
  readonly absent?: readonly string[];
  readonly fails?: string;
  readonly release?: string;
  readonly remains?: Partial<ClusterRemains>;
}

async function uninstallWith({ absent = [], fails, release, remains }: Scene): Promise<{
  readonly report: UninstallReport;
  readonly removed: readonly string[];
  readonly notes: readonly string[];
}> {
  const removed: string[] = [];
  const notes: string[] = [];
  const releases: ReleaseRemover = {
    isInstalled: ({ name }) => Promise.resolve(!absent.includes(name)),
    installedCharts: () => Promise.resolve([]),
    remove: ({ name }) => {
      if (name === fails) return Promise.reject(new ViolaError("UNINSTALL_FAILED", "a hook failed"));
      removed.push(name);
      return Promise.resolve([`[Secret] of-${name}`]);
    },
    definitionsOf: () => Promise.resolve("kind: CustomResourceDefinition"),
  };
  const cluster: ClusterRemains = {
    context: "ctx",
    findExisting: () => Promise.resolve(["customresourcedefinition.apiextensions.k8s.io/things.example.org"]),
    claims: (namespace) => Promise.resolve([{ metadata: { namespace, name: "data" } }]),
    volumes: () =>
      Promise.resolve([
        { metadata: { name: "pv-1" }, spec: { claimRef: { namespace: "apps" } } },
        { metadata: { name: "pv-2" }, spec: { claimRef: { namespace: "others" } } },
      ]),
    namespacePhase: () => Promise.resolve("Active"),
    ...remains,
  };
  const report = await uninstallBundle(
    workflowRun({
      progress: (event) => {
        if (event.kind === "note") notes.push(event.message);
      },
    }),
    {
      file: "x.bundle",
      size: 0,
      digest: digestOf(""),
      inventory,
      blobs: new Map(),
      read: () => Promise.resolve(CHART),
      readPlace: () => Promise.resolve(CHART),
      locate: () => ({ file: "bundle.tar", offset: 0, size: CHART.length }),
    },
    { release, timeoutSeconds: 60, runsHooks: true, isWaiting: true },
    {
      releases,
      cluster,
      files: { writeFile: () => Promise.resolve() },
      temporaryFolder: "/nowhere",
    },
  );
  return { report, removed, notes };
}

describe("uninstalling", () => {
  it("takes the last release first, and says what stays", async () => {
    const { report, removed } = await uninstallWith({});

    expect(removed).toEqual(["third", "second", "first"]);
    expect(report).toMatchObject({
      outcome: "uninstalled",
      remains: {
        kept: ["[Secret] of-third", "[Secret] of-second", "[Secret] of-first"],
        definitions: ["things.example.org"],
        claims: ["apps/data"],
        volumes: ["pv-1"],
        namespaces: ["apps"],
      },
    });
  });

  it("takes one release, and refuses one that the bundle does not have", async () => {
    expect((await uninstallWith({ release: "second" })).removed).toEqual(["second"]);
    await expect(uninstallWith({ release: "other" })).rejects.toMatchObject({
      code: "USAGE",
      subject: "other",
    });
  });

  it("passes over a release that is gone", async () => {
    const { report, removed } = await uninstallWith({ absent: ["third"] });

    expect(removed).toEqual(["second", "first"]);
    expect(report).toMatchObject({
      outcome: "uninstalled",
      releases: [{ name: "third", outcome: "absent" }, {}, {}],
    });
  });

  it("stops at the first failure: what was installed before may be needed", async () => {
    const { report, removed } = await uninstallWith({ fails: "second" });

    expect(removed).toEqual(["third"]);
    expect(report.outcome).toBe("failed");
    expect(report.releases).toMatchObject([
      { name: "third", outcome: "uninstalled" },
      { name: "second", outcome: "failed", message: "a hook failed" },
      { name: "first", outcome: "not-started" },
    ]);
  });

  it("is done also where the cluster does not say what stays", async () => {
    const denied = (): Promise<never> =>
      Promise.reject(new ViolaError("CLUSTER_UNREACHABLE", "volumes are forbidden"));
    const { report, notes } = await uninstallWith({ remains: { volumes: denied } });

    expect(report).toMatchObject({ outcome: "uninstalled", remains: { volumes: [], claims: ["apps/data"] } });
    expect(notes.join()).toContain("volumes are forbidden");
  });
});

describe("unloading", () => {
  const check = (charts: Readonly<Record<string, readonly string[]>>): Promise<void> =>
    requireUninstalled(workflowRun(), inventory, {
      installedCharts: ({ name }) => Promise.resolve(charts[name] ?? []),
    });

  it("is refused with every release that is installed", async () => {
    await expect(check({ second: ["second-1.0.0"], third: ["x-9", "third-1.0.0"] })).rejects.toMatchObject({
      code: "RELEASE_INSTALLED",
      subject: "second",
      message: expect.stringMatching(/second.*third/) as string,
    });
  });

  it("is allowed where the release is gone, or was upgraded to another chart", async () => {
    await expect(check({})).resolves.toBeUndefined();
    await expect(check({ second: ["second-2.0.0"] })).resolves.toBeUndefined();
  });
});
