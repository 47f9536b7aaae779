// The same charts packaged by plain helm and by this program hold the same files.
//
// Plain helm is `helm package` on the folder, after `helm dependency build` where a dependency is
// missing, or `helm dependency update`
// where the lock file does not fit; for an archive it is the archive. Differences by intent:
// - Chart.lock is left out where helm would have written a new one: it holds the time.
// - Two versions of one chart lie in folders of their own; helm package lets one overwrite the
// other (see the last test).
import { cp, mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startChartRepository, type ChartRepository } from "../../../scripts/parts/chart-repository.js";
import { readArchive } from "../../../src/adapters/helm/chart-archive.js";
import type { ChartSource } from "../../../src/core/charts/chart.js";
import { needs } from "../../support/parts.js";
import { mustRun, run } from "../../support/run.js";
import { HELM_PACKAGES, makeTool, newFolder, packagedHelm, plainInput, signal } from "./helm.js";

/**
 * Files of a chart folder by path. REPO and GONE are placeholders for repositories; the second does
 * not respond.
 */
type Files = Readonly<Record<string, string>>;

interface Case {
  readonly files: Files;
  /** Folders next to that of the chart. */
  readonly beside?: Readonly<Record<string, Files>>;
  /** A lock file from when the repository has only version 1.0.0 of each chart. */
  readonly lock?: "fits" | "stale";
  /** Packaged by helm first, and used as an archive. */
  readonly isArchive?: boolean;
  /** Symbolic links in the chart, by path. */
  readonly links?: Files;
}

const GONE = "http://127.0.0.1:1";

/** A chart with a Pod that contains the chart's version. */
function chart(name: string, version: string, more = ""): Files {
  return {
    "Chart.yaml": `apiVersion: v2\nname: ${name}\nversion: "${version}"\n${more}`,
    "values.yaml": `image: reg.example/${name}:${version.replace("+", "-")}\n`,
    "templates/pod.yaml": `apiVersion: v1\nkind: Pod\nmetadata: { name: {{ .Chart.Name }} }\nspec: { containers: [{ name: c, image: {{ .Values.image }} }] }\n`,
  };
}

function below(folder: string, files: Files): Files {
  return Object.fromEntries(Object.entries(files).map(([path, text]) => [`${folder}/${path}`, text]));
}

/** Returns a chart with the dependencies and additional files. */
function app(dependencies: readonly string[], files: Files = {}): Files {
  return {
    ...chart("app", "0.1.0", `dependencies:\n${dependencies.map((one) => `- ${one}\n`).join("")}`),
    ...files,
  };
}

const dep = (version: string, repository = "REPO", more = ""): string =>
  `{ name: dep, version: "${version}", repository: "${repository}"${more} }`;

const vendored = (version: string): Files => below("charts/dep", chart("dep", version));

const CASES: Record<string, Case> = {};

// Existing content of charts/, with any version, and a repository that does not respond.
for (const version of ["1.0.0", "1.2.0-rc.1", "2.0.0+build.5", "0.1.0-SNAPSHOT"]) {
  for (const constraint of ["*", ">=0-0", "^1.0.0", "1.x || 2.x", ">= 1.0, < 3", "9.9.9"]) {
    CASES[`${version} in charts/ for ${constraint}`] = {
      files: app([dep(constraint, GONE)], vendored(version)),
    };
  }
}
// Fetched dependencies.
for (const constraint of [
  "1.0.0",
  "v1.0.0",
  "^1.0.0",
  "*",
  ">=0-0",
  "~1.1.0",
  "1.0 - 1.5",
  ">=1.0.0, !=1.1.0",
  "2.x",
]) {
  CASES[`${constraint} from a repository`] = { files: app([dep(constraint)]) };
}
for (const constraint of ["^1.0.0", "*", ">=0-0", "1.x"]) {
  CASES[`${constraint} with a lock that fits`] = { files: app([dep(constraint)]), lock: "fits" };
  CASES[`${constraint} with a lock of other dependencies`] = { files: app([dep(constraint)]), lock: "stale" };
}
// Forms of declarations.
for (const [name, more] of Object.entries({
  alias: ", alias: mine",
  condition: ", condition: dep.enabled",
  tags: ", tags: [back, front]",
  "import-values": ", import-values: [{ child: image, parent: depImage }]",
})) {
  CASES[`${name}, fetched`] = { files: app([dep("^1.0.0", "REPO", more)]) };
  CASES[`${name}, in charts/`] = { files: app([dep("^1.0.0", GONE, more)], vendored("1.0.0")) };
}
for (const repository of ["@local", "alias:local"]) {
  CASES[`repository ${repository}`] = { files: app([dep("^1.0.0", repository)]) };
  CASES[`repository ${repository} with a lock that fits`] = {
    files: app([dep("^1.0.0", repository)]),
    lock: "fits",
  };
}
const other = (repository: string): string => `{ name: other, version: 1.x, repository: "${repository}" }`;
Object.assign(CASES, {
  "no dependency": { files: chart("app", "0.1.0") },
  "a chart in charts/ that is not declared": { files: { ...chart("app", "0.1.0"), ...vendored("1.0.0") } },
  "no repository, in charts/": { files: app([dep(">=0-0", "")], vendored("1.2.0-rc.1")) },
  "one under two aliases": {
    files: app([dep("1.0.0", "REPO", ", alias: a"), dep("1.0.0", "REPO", ", alias: b")]),
  },
  "one under two aliases, in charts/": {
    files: app([dep("1.x", GONE, ", alias: a"), dep("1.x", GONE, ", alias: b")], vendored("1.0.0")),
  },
  "two, both fetched": { files: app([dep("1.x"), other("REPO")]) },
  "two, with a lock that fits": { files: app([dep("1.x"), other("REPO")]), lock: "fits" },
  "a file:// folder": {
    files: app([dep("1.x", "file://../parts/dep")]),
    beside: { "parts/dep": chart("dep", "1.5.0") },
  },
  "a file:// folder with an alias and a lock that fits": {
    files: app([dep("1.x", "file://../parts/dep", ", alias: mine"), other("REPO")]),
    beside: { "parts/dep": chart("dep", "1.5.0") },
    lock: "fits",
  },
  "two file:// folders of one name": {
    files: app([dep("1.x", "file://../a/chart"), other("file://../b/chart")]),
    beside: { "a/chart": chart("dep", "1.5.0"), "b/chart": chart("other", "1.6.0") },
  },
  "a file:// folder with a .helmignore and a chart in it": {
    files: app([dep("1.x", "file://../parts/dep")]),
    beside: {
      "parts/dep": {
        ...chart("dep", "1.5.0"),
        ...below("charts/inner", chart("inner", "3.0.0")),
        ".helmignore": "*.secret\nnotes/\n",
        "my.secret": "x",
        "notes/text.txt": "x",
        "kept.txt": "x",
      },
    },
  },
  "a .helmignore": {
    files: {
      ...chart("app", "0.1.0"),
      ".helmignore": "# comment\n*.bak\n/docs\n",
      "old.bak": "x",
      "docs/a.md": "x",
      "files/docs/b.md": "x",
    },
  },
  "files of all kinds": {
    files: {
      ...chart("app", "0.1.0"),
      "README.md": "# app",
      LICENSE: "free",
      ".hidden": "x",
      "values.schema.json": "{}",
      "crds/thing.yaml": "kind: CustomResourceDefinition\n",
      "files/data.json": "{}",
      "templates/NOTES.txt": "hello",
      "templates/_helpers.tpl": '{{ define "x" }}{{ end }}',
      "templates/tests/test.yaml": "",
    },
  },
  "a link to a file of its own": {
    files: { ...chart("app", "0.1.0"), "files/a.txt": "x" },
    links: { "files/b.txt": "a.txt" },
  },
  "folders in charts/ that helm leaves out": {
    files: { ...chart("app", "0.1.0"), ...below("charts/_old", chart("old", "1.0.0")), "charts/.keep": "" },
  },
  "an old chart with requirements.yaml, in charts/": {
    files: {
      ...chart("app", "0.1.0"),
      "Chart.yaml": "apiVersion: v1\nname: app\nversion: 0.1.0\n",
      "requirements.yaml": `dependencies:\n- ${dep("^1.0.0", GONE)}\n`,
      ...vendored("1.0.0"),
    },
  },
  "an old chart with requirements.yaml and a lock that fits": {
    files: {
      ...chart("app", "0.1.0"),
      "Chart.yaml": "apiVersion: v1\nname: app\nversion: 0.1.0\n",
      "requirements.yaml": `dependencies:\n- ${dep("^1.0.0")}\n`,
    },
    lock: "fits",
  },
  "charts in charts": {
    files: app([dep("1.x", GONE)], {
      ...vendored("1.0.0"),
      ...below("charts/dep/charts/deeper", chart("deeper", "4.0.0")),
    }),
  },
  "a packaged chart": { files: chart("app", "0.1.0"), isArchive: true },
  "a packaged chart with what nobody asked for in charts/": {
    files: app([dep("9.9.9", GONE)], vendored("1.2.0-rc.1")),
    isArchive: true,
  },
  "a packaged chart with a .helmignore that helm applied": {
    files: { ...app([dep("1.x", GONE)], vendored("1.0.0")), ".helmignore": "*.bak\n", "a.bak": "x" },
    isArchive: true,
  },
} satisfies Record<string, Case>);

async function write(folder: string, files: Files): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
}

/** Returns the texts of an archive by path. */
async function contentOf(archive: string): Promise<Readonly<Record<string, string>>> {
  const files = await readArchive(archive);
  return Object.fromEntries(files.map(({ path, bytes }) => [path, bytes.toString("base64")]));
}

const describeHelm = await needs("helm");

describeHelm.each(HELM_PACKAGES)("packages of helm of %s and ours", async (packageName) => {
  const helm = await packagedHelm(packageName);
  let folder: string;
  let repository: ChartRepository;
  let env: Readonly<Record<string, string>>;
  let ours: ReturnType<typeof makeTool>;

  const helmRun = (args: readonly string[]) =>
    run(helm.program, args, { env: { PATH: process.env["PATH"], ...env } });
  const mustHelm = async (args: readonly string[]): Promise<void> => {
    const { code, stderr } = await helmRun(args);
    if (code !== 0) expect.fail(`helm ${args.join(" ")}: ${stderr}`);
  };
  const serve = async (name: string, version: string): Promise<void> => {
    await write(join(folder, "source", name), chart(name, version));
    await mustHelm(["package", join(folder, "source", name), "--destination", join(folder, "served")]);
  };

  beforeAll(async () => {
    folder = await newFolder();
    await mkdir(join(folder, "served"));
    repository = await startChartRepository(join(folder, "served"));
    env = {
      HOME: folder,
      HELM_REPOSITORY_CONFIG: join(folder, "repositories.yaml"),
      HELM_CACHE_HOME: join(folder, "cache"),
    };
    ours = makeTool(helm, { insecure: [] }, env);
    await serve("dep", "1.0.0");
    await serve("other", "1.0.0");
    await mustHelm(["repo", "add", "local", repository.url]);
    for (const [name, { files, beside = {}, lock, links = {} }] of Object.entries(CASES)) {
      const place = join(folder, "cases", placeOf(name));
      const inRepository = (texts: Files): Files =>
        Object.fromEntries(
          Object.entries(texts).map(([path, text]) => [path, text.replaceAll("REPO", repository.url)]),
        );
      await write(join(place, "app"), inRepository(files));
      for (const [path, texts] of Object.entries(beside)) await write(join(place, path), inRepository(texts));
      for (const [path, target] of Object.entries(links)) await symlink(target, join(place, "app", path));
      if (lock === undefined) continue;
      await mustHelm(["dependency", "update", join(place, "app")]);
      await rm(join(place, "app", "charts"), { recursive: true });
      if (lock === "fits") continue;
      const declaration = join(place, "app", "Chart.yaml");
      await writeFile(
        declaration,
        (await readFile(declaration, "utf8")).replace("name: dep,", "name: dep, alias: x,"),
      );
    }
    for (const version of ["1.1.0", "1.2.0-rc.1", "2.0.0"]) await serve("dep", version);
    await serve("other", "1.1.0");
    await mustHelm(["repo", "update"]);
  }, 120_000);
  afterAll(async () => {
    await repository.close();
    await rm(folder, { recursive: true });
  });

  const placeOf = (name: string): string => `case-${Object.keys(CASES).indexOf(name)}`;

  /** Packages a copy of the folder with plain helm. Returns true when helm wrote a lock file. */
  const packagePlainly = async (
    place: string,
    to: string,
  ): Promise<{ readonly archive: string; readonly isLockNew: boolean }> => {
    await cp(place, to, { recursive: true, verbatimSymlinks: true });
    const chartFolder = join(to, "app");
    const pack = ["package", chartFolder, "--destination", to];
    let isLockNew = false;
    if ((await helmRun(pack)).code !== 0) {
      const isBuilt = (await helmRun(["dependency", "build", chartFolder])).code === 0;
      if (!isBuilt) await mustHelm(["dependency", "update", chartFolder]);
      const hadLock = (await readdir(join(place, "app"))).some((name) => name.endsWith(".lock"));
      isLockNew = !isBuilt || !hadLock;
      await mustHelm(pack);
    }
    return { archive: join(to, "app-0.1.0.tgz"), isLockNew };
  };

  it.each(Object.keys(CASES))("%s", async (name) => {
    const place = join(folder, "cases", placeOf(name));
    const { archive, isLockNew } = await packagePlainly(place, join(folder, "plain", placeOf(name)));
    const source: ChartSource = CASES[name]?.isArchive
      ? { kind: "archive", file: archive }
      : { kind: "folder", folder: join(place, "app") };

    const packaged = await ours.packageChart(
      source,
      [],
      { directory: join(folder, "ours", placeOf(name)) },
      signal,
    );

    const expected = Object.entries(await contentOf(archive)).filter(
      ([path]) => !(isLockNew && /\/(?:Chart|requirements)\.lock$/.test(path)),
    );
    expect(await contentOf(packaged.file)).toEqual(Object.fromEntries(expected));
  });

  it("counts enough charts", () => {
    expect(Object.keys(CASES).length).toBeGreaterThanOrEqual(60);
  });

  it("keeps two versions of one chart apart: the package renders as the folder does", async () => {
    const place = join(folder, "two");
    const files = app([
      dep("1.0.0", repository.url, ", alias: a"),
      dep("2.0.0", repository.url, ", alias: b"),
    ]);
    await write(join(place, "app"), files);

    const packaged = await ours.packageChart(
      { kind: "folder", folder: join(place, "app") },
      [],
      { directory: join(place, "ours") },
      signal,
    );

    await mustHelm(["dependency", "update", join(place, "app")]);
    const plain = await mustRun(helm.program, ["template", "app", join(place, "app")], { env });
    const imagesOf = (text: string) => [...text.matchAll(/image: (\S+)/g)].map(([, image]) => image).sort();
    expect(imagesOf(await ours.renderChart(packaged, plainInput(packaged), signal))).toEqual(imagesOf(plain));
    expect(imagesOf(plain)).toContain("reg.example/dep:2.0.0");
  });
});
