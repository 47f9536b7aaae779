// Charts with real helm 3 and 4: fetching, adding dependencies, packaging, rendering.
import { execFile } from "node:child_process";
import { cp, mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startChartRepository, type ChartRepository } from "../../../scripts/parts/chart-repository.js";
import { findHelm } from "../../../src/adapters/helm/find-helm.js";
import type { ChartDependency, ChartSource, PackagedChart } from "../../../src/core/charts/chart.js";
import type { PackageTarget } from "../../../src/core/charts/chart-tool.js";
import { ManyErrors, type ViolaError } from "../../../src/errors.js";
import { needs } from "../../support/parts.js";
import { ROOT } from "../../support/paths.js";
import { HELM_PACKAGES, makeTool, newFolder, packagedHelm, plainInput, signal } from "./helm.js";

const run = promisify(execFile);
const charts = join(ROOT, "test/fixtures/charts");
const app: ChartSource = { kind: "folder", folder: join(charts, "app") };

/** Returns the paths in a packaged chart, in archive order. */
async function entriesOf(file: string): Promise<readonly string[]> {
  return (await run("tar", ["-tzf", file])).stdout.trim().split("\n");
}

async function fileIn(archive: string, path: string): Promise<string> {
  return (await run("tar", ["-xOzf", archive, path])).stdout;
}

async function failureOf(promise: Promise<unknown>): Promise<ViolaError> {
  return promise.then(
    () => expect.fail("it did not fail"),
    (error: unknown) => error as ViolaError,
  );
}

const describeHelm = await needs("helm");

describeHelm.each(HELM_PACKAGES)("charts with helm of %s", async (packageName) => {
  const helm = await packagedHelm(packageName);
  const tool = makeTool(helm);
  let folder: string;
  let served: string;
  let repository: ChartRepository;

  beforeAll(async () => {
    folder = await newFolder();
    served = join(folder, "served");
    await mkdir(served);
    await run(helm.program, ["package", join(charts, "deep"), "--destination", served]);
    repository = await startChartRepository(served);
  });
  afterAll(async () => {
    await repository.close();
    await rm(folder, { recursive: true });
  });

  const inServed = (more: Partial<ChartDependency> = {}): ChartDependency => ({
    name: "deep",
    version: "^1.0.0",
    repository: repository.url,
    ...more,
  });

  it("packages a folder without changing it and without fetching its vendored dependencies", async () => {
    const before = await run("find", [join(charts, "app"), "-type", "f", "-exec", "sha256sum", "{}", "+"]);

    const chart = await tool.packageChart(app, [], { directory: join(folder, "plain") }, signal);

    expect(chart).toMatchObject({
      name: "app",
      version: "1.2.0",
      appVersion: "3.4",
      kubeVersion: ">=1.25.0-0",
    });
    expect(chart.file).toBe(join(folder, "plain", "app-1.2.0.tgz"));
    expect(await entriesOf(chart.file)).toEqual([
      "app/.helmignore",
      "app/Chart.yaml",
      "app/charts/inner/Chart.yaml",
      "app/charts/inner/templates/pod.yaml",
      "app/crds/thing.yaml",
      "app/templates/deployment.yaml",
      "app/templates/tests/test.yaml",
      "app/values.yaml",
    ]);
    const after = await run("find", [join(charts, "app"), "-type", "f", "-exec", "sha256sum", "{}", "+"]);
    expect(after.stdout).toBe(before.stdout);
  });

  it("is reproducible", async () => {
    const one = await tool.packageChart(app, [inServed()], { directory: join(folder, "one") }, signal);
    const other = await tool.packageChart(app, [inServed()], { directory: join(folder, "other") }, signal);

    expect(other.digest).toBe(one.digest);
    expect(await readFile(other.file)).toEqual(await readFile(one.file));
  });

  it("adds dependencies from a repository and from a folder, including those of the folder", async () => {
    const extra = {
      name: "extra",
      version: "2.x",
      repository: `file://${join(charts, "extra")}`,
      condition: "extra.enabled",
    };

    const chart = await tool.packageChart(
      app,
      [inServed({ alias: "again" }), extra],
      { directory: join(folder, "added") },
      signal,
    );

    const entries = await entriesOf(chart.file);
    expect(entries).toContain("app/charts/deep/Chart.yaml");
    expect(entries).toContain("app/charts/extra/Chart.yaml");
    expect(entries.some((path) => /^app\/charts\/extra\/charts\/deep\b/.test(path))).toBe(true);
    const chartYaml = await fileIn(chart.file, "app/Chart.yaml");
    expect(chartYaml).toContain("alias: again");
    expect(chartYaml).toContain("condition: extra.enabled");
    const text = await tool.renderChart(chart, plainInput(chart), signal);
    expect(text).toContain("registry.example/extra:2");
    expect(text).toContain("registry.example/deep:1");
  });

  it("replaces a dependency that the chart already declares", async () => {
    const inner = { name: "inner", version: "0.1.7", repository: "https://elsewhere.invalid" };

    const chart = await tool.packageChart(app, [inner], { directory: join(folder, "replaced") }, signal);

    const chartYaml = await fileIn(chart.file, "app/Chart.yaml");
    expect(chartYaml).toContain("https://elsewhere.invalid");
    expect(chartYaml).not.toContain("https://charts.invalid");
    expect((await entriesOf(chart.file)).filter((path) => path.endsWith("inner/Chart.yaml"))).toHaveLength(1);
  });

  it("ignores an outdated lock file, and fetches a version when the vendored one does not match", async () => {
    const own = join(folder, "own", "app");
    await cp(join(charts, "app"), own, { recursive: true });
    await writeFile(join(own, "Chart.lock"), "dependencies: []\ndigest: sha256:00\ngenerated: now\n");
    await mkdir(join(own, "charts", "deep"));
    await writeFile(
      join(own, "charts", "deep", "Chart.yaml"),
      "apiVersion: v2\nname: deep\nversion: 0.9.0\n",
    );

    const chart = await tool.packageChart(
      { kind: "folder", folder: own },
      [inServed()],
      { directory: join(folder, "unlocked") },
      signal,
    );

    expect(await entriesOf(chart.file)).not.toContain("app/Chart.lock");
    expect(await fileIn(chart.file, "app/charts/deep/Chart.yaml")).toContain("version: 1.0.0");
  });

  it("gives an archive the same dependencies as the folder that it was made of", async () => {
    const own = join(folder, "both", "app");
    await cp(join(charts, "app"), own, { recursive: true });
    await mkdir(join(own, "charts", "deep", "templates"), { recursive: true });
    const old = "apiVersion: v2\nname: deep\nversion: 0.9.0\n";
    await writeFile(join(own, "charts", "deep", "Chart.yaml"), old);
    await writeFile(join(own, "charts", "deep", "templates", "old.yaml"), "kind: Old\n");
    await run(helm.program, ["package", own, "--destination", join(folder, "both")]);
    const archive: ChartSource = { kind: "archive", file: join(folder, "both", "app-1.2.0.tgz") };
    const target = (name: string): PackageTarget => ({ directory: join(folder, "both", name) });

    const added = [inServed()];
    const fromFolder = await tool.packageChart(
      { kind: "folder", folder: own },
      added,
      target("folder"),
      signal,
    );
    const fromArchive = await tool.packageChart(archive, added, target("archive"), signal);

    // Helm unpacks dependencies when it packages a folder.
    const unpacked = (await entriesOf(fromFolder.file)).filter((path) => !path.includes("/charts/deep/"));
    const packed = (await entriesOf(fromArchive.file)).filter((path) => !path.includes("/charts/deep-"));
    expect(packed).toEqual(unpacked);
    expect(await entriesOf(fromArchive.file)).toContain("app/charts/deep-1.0.0.tgz");
    const rendered = async (chart: PackagedChart): Promise<readonly string[]> =>
      (await tool.renderChart(chart, plainInput(chart), signal)).split("---").sort();
    expect(await rendered(fromArchive)).toEqual(await rendered(fromFolder));
  });

  it("finds the folder of a declared dependency in the archive", async () => {
    const own = join(folder, "inside", "app");
    await cp(join(charts, "deep"), join(own, "parts", "deep"), { recursive: true });
    const dependency = "dependencies: [{ name: deep, version: 1.0.0, repository: file://parts/deep }]\n";
    await writeFile(join(own, "Chart.yaml"), `apiVersion: v2\nname: app\nversion: 1.0.0\n${dependency}`);
    const file = join(folder, "inside", "app.tgz");
    await run("tar", ["-czf", file, "-C", join(folder, "inside"), "app"]);

    const target = { directory: join(folder, "inside", "ours") };
    const chart = await tool.packageChart({ kind: "archive", file }, [], target, signal);

    expect(await entriesOf(chart.file)).toContain("app/charts/deep-1.0.0.tgz");
  });

  it("asks helm once for the repositories, and names each archive that may be the package", async () => {
    const argvs: (readonly string[])[] = [];
    const watched = makeTool(helm, { insecure: [] }, {}, (activity) => {
      if (activity.kind === "command") argvs.push(activity.argv.slice(1, 3));
    });
    const source: ChartSource = {
      kind: "repository",
      repository: repository.url,
      name: "deep",
      version: "1.0.0",
    };
    const named: string[] = [];
    const target: PackageTarget = {
      directory: join(folder, "once"),
      onPackage: ({ file }) => named.push(file),
    };

    const plain = await watched.packageChart(source, [], target, signal);
    const added = { ...inServed(), alias: "inner" };
    const changed = await watched.packageChart(source, [added], target, signal);

    expect([...new Set(named)]).toEqual([plain.file, changed.file]);
    expect(argvs.filter(([command]) => command === "repo")).toHaveLength(1);
    expect(argvs.filter(([command]) => command === "pull")).toHaveLength(3);
  });

  it("reads the dependencies of an old chart from requirements.yaml", async () => {
    const needy: ChartSource = { kind: "folder", folder: join(charts, "needy") };

    const chart = await tool.packageChart(needy, [], { directory: join(folder, "old") }, signal);

    expect(await entriesOf(chart.file)).toContain("needy/charts/deep/Chart.yaml");
  });

  it("accepts a chart from a repository and from an archive", async () => {
    const fromRepository = await tool.packageChart(
      { kind: "repository", repository: repository.url, name: "deep", version: "1.0.0" },
      [],
      { directory: join(folder, "repository") },
      signal,
    );
    const fromArchive = await tool.packageChart(
      { kind: "archive", file: join(served, "deep-1.0.0.tgz") },
      [],
      { directory: join(folder, "archive") },
      signal,
    );

    expect(fromRepository).toMatchObject({ name: "deep", version: "1.0.0", digest: fromArchive.digest });
  });

  it.each<readonly [string, () => ChartSource]>([
    [
      "a repository that does not answer",
      () => ({ kind: "repository", repository: "http://127.0.0.1:1", name: "deep" }),
    ],
    [
      "a chart that the repository lacks",
      () => ({ kind: "repository", repository: repository.url, name: "absent" }),
    ],
    [
      "a version that the repository lacks",
      () => ({ kind: "repository", repository: repository.url, name: "deep", version: "9.9.9" }),
    ],
    [
      "a registry that does not answer",
      () => ({ kind: "oci", reference: "oci://127.0.0.1:1/deep", version: "1.0.0" }),
    ],
    ["a folder that is not there", () => ({ kind: "folder", folder: "/nowhere/app" })],
    ["a file that is not there", () => ({ kind: "archive", file: "/nowhere/app.tgz" })],
    ["a file that is no archive", () => ({ kind: "archive", file: join(charts, "app/Chart.yaml") })],
  ])("names chart and place for %s", async (_, source) => {
    const chartSource = source();
    const failure = await failureOf(
      tool.packageChart(chartSource, [], { directory: join(folder, "none") }, signal),
    );

    expect(failure.code).toBe("CHART_UNAVAILABLE");
    const place = Object.entries(chartSource).filter(([key]) => key !== "kind" && key !== "version");
    for (const [, value] of place) expect(failure.message).toContain(value);
    expect(failure.message).not.toContain("\n");
    expect(await readdir(folder)).not.toContain("none");
  });

  describe("with repositories of the user's helm", () => {
    let known: ReturnType<typeof makeTool>;
    beforeAll(async () => {
      const config = join(folder, "repositories.yaml");
      const entry = (name: string, url: string): string => `- { name: ${name}, url: "${url}" }\n`;
      const entries = entry("gone", "http://127.0.0.1:1") + entry("served", repository.url);
      await writeFile(config, `apiVersion: v1\ngenerated: "2024-01-01T00:00:00Z"\nrepositories:\n${entries}`);
      known = makeTool(helm, { insecure: [] }, { HELM_REPOSITORY_CONFIG: config });
    });

    it.each<readonly [string, (url: string) => string]>([
      ["its URL", (url) => url],
      ["another spelling of its URL", (url) => `${url}/`],
      ["@NAME", () => "@served"],
      ["alias:NAME", () => "alias:served"],
    ])("takes a dependency by %s, whatever has become of the others", async (_, write) => {
      const added = [inServed({ repository: write(repository.url) })];

      const chart = await known.packageChart(app, added, { directory: join(folder, "known") }, signal);

      expect(await entriesOf(chart.file)).toContain("app/charts/deep/Chart.yaml");
    });

    it.each<readonly [string, ChartSource, string]>([
      [
        "known by name",
        { kind: "repository", repository: "@gone", name: "deep" },
        "http://127.0.0.1:1 could not be reached (connection refused)",
      ],
      [
        "given by URL",
        { kind: "repository", repository: "http://127.0.0.1:2/charts", name: "deep" },
        "http://127.0.0.1:2/charts could not be reached (connection refused)",
      ],
      [
        "that does not exist",
        { kind: "repository", repository: "https://charts.nowhere.invalid", name: "deep" },
        "https://charts.nowhere.invalid could not be reached (",
      ],
      [
        "in a registry",
        { kind: "oci", reference: "oci://127.0.0.1:2/charts/deep", version: "1.0.0" },
        "127.0.0.1:2 could not be reached (connection refused)",
      ],
    ])("says that a repository cannot be reached, and why: %s", async (_, source, message) => {
      const failure = await failureOf(
        known.packageChart(source, [], { directory: join(folder, "none") }, signal),
      );

      expect(failure.code).toBe("CHART_UNAVAILABLE");
      expect(failure.message).toContain(message);
    });
  });

  it("reports every dependency that cannot be fetched", async () => {
    const missing = [
      { name: "absent", version: "1.0.0", repository: repository.url },
      { name: "gone", version: "2.0.0", repository: "http://127.0.0.1:1" },
      { name: "deep", version: "9.0.0", repository: `file://${join(charts, "deep")}` },
    ];

    const failure = await failureOf(
      tool.packageChart(app, missing, { directory: join(folder, "none") }, signal),
    );

    expect(failure.code).toBe("MULTIPLE_ERRORS");
    const errors = failure instanceof ManyErrors ? failure.errors : [];
    expect(errors.map(({ code, subject }) => [code, subject])).toEqual([
      ["CHART_UNAVAILABLE", `absent 1.0.0 in ${repository.url}`],
      ["CHART_UNAVAILABLE", "gone 2.0.0 in http://127.0.0.1:1"],
      ["CHART_UNAVAILABLE", `deep 9.0.0 in file://${join(charts, "deep")}`],
    ]);
  });

  it.each<readonly [string, ChartSource & { readonly kind: "repository" }, RegExp]>([
    ["a chart", { kind: "repository", repository: "", name: "depp" }, /Did you mean deep\?/],
    [
      "a version",
      { kind: "repository", repository: "", name: "deep", version: "1.0.9" },
      /Did you mean 1\.0\.0\?/,
    ],
    ["anything near", { kind: "repository", repository: "", name: "something" }, /Its charts are deep\./],
  ])("says what a repository has that lacks %s, and hides its password", async (_, source, hint) => {
    const config = join(folder, "near-repositories.yaml");
    await writeFile(
      config,
      `apiVersion: v1\ngenerated: "2024-01-01T00:00:00Z"\nrepositories:\n- { name: served, url: "${repository.url}" }\n`,
    );
    const withKnown = makeTool(helm, { insecure: [] }, { HELM_REPOSITORY_CONFIG: config });
    const secret = repository.url.replace("//", "//me:secret@");
    for (const [one, place] of [
      [tool, repository.url],
      [tool, secret],
      [withKnown, "@served"],
    ] as const) {
      const failure = await failureOf(
        one.packageChart({ ...source, repository: place }, [], { directory: join(folder, "none") }, signal),
      );

      expect(failure.code).toBe("CHART_UNAVAILABLE");
      expect(failure.hint).toMatch(hint);
      expect(failure.message).toContain(place === secret ? repository.url : place);
      expect(`${failure.message} ${failure.subject ?? ""}`).not.toContain("secret");
    }
  });

  it("lists the charts of a repository by URL and by name, and says why it cannot", async () => {
    const config = join(folder, "listed-repositories.yaml");
    await writeFile(
      config,
      `apiVersion: v1\ngenerated: "2024-01-01T00:00:00Z"\nrepositories:\n- { name: served, url: "${repository.url}" }\n`,
    );
    const withKnown = makeTool(helm, { insecure: [] }, { HELM_REPOSITORY_CONFIG: config });

    expect(await tool.listCharts(repository.url, signal)).toEqual([{ name: "deep", version: "1.0.0" }]);
    expect(await withKnown.listCharts("@served", signal)).toEqual([{ name: "deep", version: "1.0.0" }]);
    const failure = await failureOf(tool.listCharts("http://me:secret@127.0.0.1:9/charts", signal));
    expect(failure.code).toBe("CHART_UNAVAILABLE");
    expect(failure.message).not.toContain("secret");
  });

  it("names line and field of a file:// dependency that is not there", async () => {
    const chart = join(folder, "local");
    await mkdir(chart);
    await writeFile(
      join(chart, "Chart.yaml"),
      'apiVersion: v2\nname: local\nversion: 1.0.0\ndependencies:\n  - name: gone\n    version: 1.0.0\n    repository: "file://../gone"\n',
    );

    const failure = await failureOf(
      tool.packageChart({ kind: "folder", folder: chart }, [], { directory: join(folder, "none") }, signal),
    );

    expect(failure).toMatchObject({
      code: "CHART_UNAVAILABLE",
      subject: `${join(chart, "Chart.yaml")}:7:5`,
      message: expect.stringContaining("dependencies[0].repository") as string,
      hint: expect.any(String) as string,
    });
  });

  it("renders with values, kube version and API versions, including hooks and definitions", async () => {
    const chart = await tool.packageChart(app, [], { directory: join(folder, "rendered") }, signal);
    const values = join(folder, "values.yaml");
    await writeFile(values, "image: registry.example/app:file\ninner: { enabled: false }\n");

    const text = await tool.renderChart(
      chart,
      plainInput(chart, {
        release: "mine",
        valuesFiles: [values],
        set: ["image=registry.example/app:set"],
        kubeVersion: "v1.30.2",
        apiVersions: ["example.org/v1"],
      }),
      signal,
    );

    expect(text).toContain("# Source: app/templates/deployment.yaml");
    expect(text).toContain("registry.example/app:set");
    expect(text).toContain("kube-version: v1.30.2");
    expect(text).toContain('has-things: "true"');
    expect(text).toContain("kind: CustomResourceDefinition");
    expect(text).toContain("registry.example/test:1");
    expect(text).toMatch(/namespace: apps/);
    expect(text).not.toContain("registry.example/inner");
  });

  it("reports chart, template and reason when a template fails", async () => {
    const needy = await tool.packageChart(
      { kind: "folder", folder: join(charts, "needy") },
      [],
      { directory: join(folder, "needy") },
      signal,
    );
    const failing = await failureOf(
      tool.renderChart(needy, plainInput(needy, { set: ["fail=true"] }), signal),
    );
    const chart = await tool.packageChart(app, [], { directory: join(folder, "app") }, signal);
    const lacking = await failureOf(tool.renderChart(chart, plainInput(chart, { set: ["image="] }), signal));
    const tooOld = await failureOf(
      tool.renderChart(chart, plainInput(chart, { kubeVersion: "v1.20.0" }), signal),
    );

    expect(failing.code).toBe("CHART_RENDER_FAILED");
    expect(failing.subject).toBe("needy-0.0.1 needy/templates/fails.yaml:2:3");
    expect(failing.message).toContain("no password given");
    expect(lacking.subject).toMatch(/^app-1\.2\.0 app\/templates\/deployment\.yaml:\d+:\d+$/);
    expect(lacking.message).toContain("image must be set");
    expect(tooOld.subject).toBe("app-1.2.0");
    expect(tooOld.message).toContain("1.20.0");
  });

  it.each<[string, (port: number) => ChartSource]>([
    ["registry", (port) => ({ kind: "oci", reference: `oci://127.0.0.1:${port}/a/deep`, version: "1.0.0" })],
    [
      "repository",
      (port) => ({
        kind: "repository",
        repository: `http://127.0.0.1:${port}`,
        name: "deep",
        version: "1.0.0",
      }),
    ],
  ])("names a %s that stops responding", async (_, sourceAt) => {
    const server = createServer((request, answer) => {
      if (request.url === "/v2/") answer.end("{}");
      if (request.url === "/index.yaml")
        answer.writeHead(200, { "content-length": 100_000 }).write("apiVersion: v1\n");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const host = `127.0.0.1:${port}`;
    const impatient = makeTool(helm, { insecure: [host], stallTimeoutMs: 1500 });
    try {
      const stalled = await failureOf(
        impatient.packageChart(sourceAt(port), [], { directory: join(folder, "stalled") }, signal),
      );
      expect(stalled).toMatchObject({
        code: "CHART_UNAVAILABLE",
        subject: expect.stringContaining(host) as string,
        message: expect.stringContaining("no data for 1.5 s") as string,
        hint: expect.stringContaining("stallTimeout") as string,
      });
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  it("stops when the signal fires", async () => {
    const controller = new AbortController();
    const packaging = failureOf(
      tool.packageChart(app, [inServed()], { directory: join(folder, "aborted") }, controller.signal),
    );
    controller.abort();

    expect((await packaging).name).toBe("AbortError");
    expect(await readdir(folder)).not.toContain("aborted");
  });
});

describeHelm("the helm that is taken", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await newFolder();
    await symlink((await packagedHelm(HELM_PACKAGES[0])).program, join(folder, "helm"));
  });
  afterAll(() => rm(folder, { recursive: true }));
  const nowhere = { cacheFolder: "/nowhere", packages: [] };

  it("is the one in PATH", async () => {
    const path = ["/nowhere", folder].join(delimiter);

    expect(await findHelm({ ...nowhere, path }, signal)).toMatchObject({
      program: join(folder, "helm"),
      version: expect.stringMatching(/^v[34]\./) as unknown,
    });
  });

  it("is the one in the settings, even if another one is in PATH", async () => {
    const setting = (await packagedHelm(HELM_PACKAGES[1])).program;

    expect(await findHelm({ ...nowhere, path: folder, setting }, signal)).toMatchObject({ program: setting });
  });

  it("is missing if there is none, or if the specified program is not helm", async () => {
    const places = [
      { path: undefined },
      { path: "/nowhere" },
      { path: folder, setting: "/nowhere/helm" },
      { setting: process.execPath },
    ];
    for (const place of places) {
      await expect(findHelm({ ...nowhere, ...place }, signal)).rejects.toMatchObject({
        code: "HELM_MISSING",
      });
    }
  });
});

const describeRoot = await needs("helm", "root");

describeRoot("a packaged chart on a machine without any network", () => {
  it("renders", async () => {
    const helm = await packagedHelm(HELM_PACKAGES[0]);
    const folder = await newFolder();
    const extra = { name: "extra", version: "2.0.0", repository: `file://${join(charts, "extra")}` };
    const chart = await makeTool(helm).packageChart(app, [extra], { directory: folder }, signal);

    const { stdout } = await run("unshare", ["-n", helm.program, "template", "x", chart.file]);

    expect(stdout).toContain("registry.example/deep:1");
    await rm(folder, { recursive: true });
  });
});
