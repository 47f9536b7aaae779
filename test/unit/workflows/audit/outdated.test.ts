// Looking for newer versions: what is asked, what is refused, and what is said about it.
import { describe, expect, it } from "vitest";
import { chartsToCheck, type ChartToCheck } from "../../../../src/core/audit/outdated.js";
import { ViolaError } from "../../../../src/errors.js";
import { findOutdated, type OutdatedPorts } from "../../../../src/workflows/audit/outdated.js";
import { workflowRun } from "../../../support/workflow-run.js";

const refused = (code: "REGISTRY_AUTH" | "REGISTRY_UNAVAILABLE" | "CHART_UNAVAILABLE") =>
  new ViolaError(code, `${code} was the answer`);

interface World {
  /** Tags by repository. Others are not found. */
  readonly tags?: Readonly<Record<string, readonly string[] | ViolaError>>;
  /** Sizes by reference. Others cannot be read. */
  readonly sizes?: Readonly<Record<string, number>>;
  /** Charts as NAME VERSION by repository. */
  readonly charts?: Readonly<Record<string, readonly string[]>>;
}

/** Ports of a world, and what was asked of them. */
function portsOf({
  tags = {},
  sizes = {},
  charts = {},
}: World): OutdatedPorts & { readonly asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    concurrency: 1,
    tags: {
      listTags: ({ registry, repository }) => {
        asked.push(`${registry}/${repository}`);
        const list = tags[`${registry}/${repository}`] ?? refused("REGISTRY_AUTH");
        return list instanceof ViolaError ? Promise.reject(list) : Promise.resolve(list);
      },
      measureImage: ({ registry, repository, tag }) => {
        asked.push(`size ${registry}/${repository}:${tag}`);
        return Promise.resolve(sizes[`${registry}/${repository}:${tag}`]);
      },
    },
    charts: {
      listCharts: (repository) => {
        asked.push(repository);
        const list = charts[repository];
        if (list === undefined) return Promise.reject(refused("CHART_UNAVAILABLE"));
        return Promise.resolve(
          list.map((text) => ({ name: text.split(" ")[0]!, version: text.split(" ")[1]! })),
        );
      },
    },
  };
}

const image = (normalized: string) => ({
  normalized,
  compressedBytes: 100,
  platforms: [
    {
      platform: "linux/amd64",
      digest: "sha256:a",
      layers: [],
      compressedBytes: 100,
      uncompressedBytes: null,
      created: null,
      user: null,
    },
  ],
});

const chart = (name: string, repository: string | undefined): ChartToCheck => ({
  release: "shop",
  namespace: "apps",
  chart: name,
  current: "1.0.0",
  name,
  repository,
});

const search = (world: World, images: readonly string[], charts: readonly ChartToCheck[] = []) => {
  const ports = portsOf(world);
  const outdated = findOutdated(workflowRun(), { images: images.map(image), charts }, ports);
  return { ports, outdated };
};

describe("images", () => {
  it("have newer tags of their kind by level, with the change of the size", async () => {
    const { outdated } = search(
      {
        tags: { "docker.io/library/nginx": ["1.24-alpine", "1.25-alpine", "2.0-alpine", "3.0"] },
        sizes: { "docker.io/library/nginx:1.25-alpine": 130 },
      },
      ["docker.io/library/nginx:1.24-alpine"],
    );

    expect(await outdated).toEqual({
      images: [
        {
          normalized: "docker.io/library/nginx:1.24-alpine",
          current: "1.24-alpine",
          minor: { tag: "1.25-alpine", sizeChange: 30 },
          major: { tag: "2.0-alpine", sizeChange: null },
        },
      ],
      charts: [],
      notChecked: [],
      checked: { images: 1, charts: 0 },
    });
  });

  it("of one repository cost one list, and those that are up to date nothing more", async () => {
    const { ports, outdated } = search({ tags: { "a.io/b": ["1.0.0", "1.0.1"] } }, [
      "a.io/b:1.0.0",
      "a.io/b:1.0.1",
    ]);

    expect((await outdated).images).toMatchObject([{ current: "1.0.0", patch: { tag: "1.0.1" } }]);
    expect((await outdated).checked.images).toBe(2);
    expect(ports.asked).toEqual(["a.io/b", "size a.io/b:1.0.1"]);
  });

  it("without a version are not asked for", async () => {
    const digest = `sha256:${"a".repeat(64)}`;
    const { ports, outdated } = search({}, ["a.io/b:latest", `a.io/c@${digest}`]);

    expect((await outdated).notChecked).toMatchObject([
      { subject: "a.io/b:latest", code: "no-version" },
      { subject: `a.io/c@${digest}`, code: "no-tag" },
    ]);
    expect(ports.asked).toEqual([]);
  });

  it("whose list is refused are said, and the others are compared", async () => {
    const { outdated } = search({ tags: { "a.io/b": ["1.0.0", "2.0.0"] } }, [
      "a.io/b:1.0.0",
      "a.io/secret:1.0.0",
    ]);

    expect((await outdated).images).toHaveLength(1);
    expect((await outdated).notChecked).toEqual([
      { subject: "a.io/secret:1.0.0", code: "unavailable", reason: "REGISTRY_AUTH was the answer" },
    ]);
  });

  it("of a registry that limits requests or cannot be reached cost one request", async () => {
    const down = refused("REGISTRY_UNAVAILABLE");
    const { ports, outdated } = search({ tags: { "a.io/b": down, "c.io/d": ["2.0.0"] } }, [
      ...["a.io/b:1.0.0", "a.io/c:1.0.0", "a.io/d:1.0.0", "c.io/d:1.0.0"],
    ]);

    expect((await outdated).notChecked).toHaveLength(3);
    expect((await outdated).images).toHaveLength(1);
    expect(ports.asked.filter((name) => name.startsWith("a.io"))).toEqual(["a.io/b"]);
  });
});

describe("charts", () => {
  it("have newer versions in an index and in a registry", async () => {
    const { ports, outdated } = search(
      {
        charts: { "https://charts.example": ["db 1.0.0", "db 1.1.0", "other 9.0.0"] },
        tags: { "reg.example:5000/charts/web": ["1.0.0", "1.0.1_build"] },
      },
      [],
      [
        chart("db", "https://charts.example"),
        chart("missing", "https://charts.example"),
        chart("web", "oci://reg.example:5000/charts/web:1.0.0"),
        chart("lost", "https://user:secret@gone.example"),
        chart("own", undefined),
      ],
    );

    const head = { release: "shop", namespace: "apps", current: "1.0.0" };
    expect((await outdated).charts).toEqual([
      { ...head, chart: "db", minor: { version: "1.1.0" } },
      { ...head, chart: "web", patch: { version: "1.0.1+build" } },
    ]);
    expect((await outdated).notChecked.map(({ subject, code }) => `${subject} ${code}`)).toEqual([
      "missing 1.0.0 not-listed",
      "lost 1.0.0 unavailable",
      "own 1.0.0 no-source",
    ]);
    expect(ports.asked.filter((name) => name === "https://charts.example")).toHaveLength(1);
  });

  it("are those of the releases and their direct dependencies from repositories", () => {
    const facts = (
      path: string,
      version: string,
      dependencies: readonly (readonly [string, string])[] = [],
    ) => ({
      package: "shop-1.0.0",
      path,
      name: path.split("/").at(-1)!,
      version,
      appVersion: null,
      description: null,
      dependencies: dependencies.map(([name, repository]) => ({ name, version: "^1", repository })),
    });
    const release = {
      name: "shop",
      namespace: "apps",
      chart: { name: "shop", version: "1.0.0", repository: "https://charts.example" },
      file: "charts/shop-1.0.0.tgz",
      sha256: "a".repeat(64),
      values: [],
    };
    const charts = [
      facts("shop", "1.0.0", [
        ["db", "https://db.example"],
        ["web", "oci://reg.example/charts"],
        ["inner", "file://../inner"],
        ["vendored", ""],
      ]),
      facts("shop/charts/db", "1.2.3", [["common", "https://common.example"]]),
    ];
    const listed = (sources: Parameters<typeof chartsToCheck>[2] = []) =>
      chartsToCheck([release], charts, sources).map(({ chart: name, current, repository }) =>
        [name, current, repository].join(" "),
      );
    const dependencies = ["shop/db 1.2.3 https://db.example", "shop/web ^1 oci://reg.example/charts/web"];

    expect(listed()).toEqual(["shop 1.0.0 https://charts.example", ...dependencies]);
    const local = {
      release: "shop",
      namespace: "apps",
      source: { kind: "folder", folder: "/shop" },
    } as const;
    expect(listed([local])).toEqual(dependencies);
  });
});

it("ends with the reason of the signal", async () => {
  const stopped = new AbortController();
  stopped.abort(new Error("stopped"));
  const run = workflowRun({ signal: stopped.signal });
  const ports = portsOf({ tags: { "a.io/b": refused("REGISTRY_UNAVAILABLE") } });
  await expect(findOutdated(run, { images: [image("a.io/b:1.0.0")], charts: [] }, ports)).rejects.toThrow();
});
