// `init`, and charts in repositories of the user's helm, with the command line and a real helm.
import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { execFile } from "node:child_process";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { startChartRepository, type ChartRepository } from "../../../scripts/parts/chart-repository.js";
import { parseBundleSpec } from "../../../src/core/spec/parse-bundle-spec.js";
import { runCli } from "../../support/cli.js";
import { needs } from "../../support/parts.js";
import { ROOT } from "../../support/paths.js";
import type { RunResult } from "../../support/run.js";
import { HELM_PACKAGES, newFolder, packagedHelm } from "./helm.js";

const run = promisify(execFile);
const charts = join(ROOT, "test/fixtures/charts");
const describeHelm = await needs("helm");

describeHelm.each(HELM_PACKAGES)("init with helm of %s", async (packageName) => {
  const helm = await packagedHelm(packageName);
  let repository: ChartRepository;
  let served: string;
  let folder: string;
  let settings: string;
  let repositories: string;

  beforeAll(async () => {
    served = await newFolder();
    await mkdir(join(served, "charts"));
    await run(helm.program, ["package", join(charts, "app"), "--destination", join(served, "charts")]);
    await cp(join(served, "charts"), join(served, "copy"), { recursive: true });
    repository = await startChartRepository(served);
    settings = join(served, "settings.yaml");
    repositories = join(served, "repositories.yaml");
    await writeFile(settings, `helm: ${helm.program}\n`);
    await writeFile(
      repositories,
      `apiVersion: ""\nrepositories: [{ name: mine, url: "${repository.url}/charts" }, { name: gone, url: "http://127.0.0.1:9" }]\n`,
    );
  });
  afterAll(async () => {
    await repository.close();
    await rm(served, { recursive: true });
  });
  beforeEach(async () => {
    folder = await newFolder();
    return () => rm(folder, { recursive: true });
  });

  const cli = (...args: readonly string[]): Promise<RunResult> =>
    runCli([...args, "--config", settings, "--quiet"], {
      cwd: folder,
      env: { HELM_REPOSITORY_CONFIG: repositories },
    });
  const specOf = (text: string) => parseBundleSpec(text, "bundle.yaml", folder).charts[0];

  it("writes a spec with the URL of the named repository", async () => {
    const { code, stdout } = await cli("init", "mine/app", "--namespace", "apps");

    expect(code).toBe(0);
    expect(specOf(stdout)).toMatchObject({
      source: { kind: "repository", name: "app", repository: `${repository.url}/charts`, version: "1.2.0" },
      release: "app",
      namespace: "apps",
    });
  });

  it("finds the same images for the written spec as for the chart", async () => {
    await cli("init", "mine/app", "--release", "one", "-o", "bundle.yaml");

    const bySpec = await cli("images", "bundle.yaml", "--json");
    const byChart = await cli("images", "mine/app", "--release", "one", "--json");

    expect(bySpec).toMatchObject({ code: 0, stderr: "" });
    expect(bySpec.stdout).toBe(byChart.stdout);
  });

  it("fetches by URL, regardless of other repositories of helm", async () => {
    const { code, stdout } = await cli("init", "app", "--repository", `${repository.url}/copy`);

    expect(code).toBe(0);
    expect(specOf(stdout)?.source).toMatchObject({ kind: "repository", name: "app", version: "1.2.0" });
  });

  it("writes paths relative to the folder of the spec", async () => {
    await mkdir(join(folder, "specs"));
    await writeFile(join(folder, "values.yaml"), "{}\n");
    const { code } = await cli("init", join(charts, "app"), "-f", "values.yaml", "-o", "specs/bundle.yaml");

    const text = await readFile(join(folder, "specs/bundle.yaml"), "utf8");
    expect(code).toBe(0);
    expect(parseBundleSpec(text, "bundle.yaml", join(folder, "specs")).charts[0]).toMatchObject({
      source: { kind: "folder", folder: join(charts, "app") },
      valuesFiles: [join(folder, "values.yaml")],
    });
  });

  it("refers editors to the program's schema, with a path if the program is below the working directory", async () => {
    const schema = join(ROOT, "manifests/bundle.schema.json");
    const modeline = (text: string): string =>
      /^# yaml-language-server: \$schema=(\S+)$/m.exec(text)?.[1] ?? "";

    const elsewhere = await cli("init", join(charts, "app"));
    const below = await runCli(["init", join(charts, "app"), "--config", settings, "--quiet"], { cwd: ROOT });

    expect(fileURLToPath(modeline(elsewhere.stdout))).toBe(schema);
    expect(modeline(below.stdout)).toMatch(/^\.\.?\//);
    expect(resolve(ROOT, modeline(below.stdout))).toBe(schema);
  });

  it("does not overwrite files by default", async () => {
    await writeFile(join(folder, "bundle.yaml"), "mine\n");

    const refused = await cli("init", join(charts, "app"), "-o", "bundle.yaml", "--json");
    const kept = await readFile(join(folder, "bundle.yaml"), "utf8");
    const forced = await cli("init", join(charts, "app"), "-o", "bundle.yaml", "--force");

    expect(refused.code).toBe(2);
    expect(JSON.parse(refused.stdout)).toMatchObject({ error: { code: "FILE_UNUSABLE" } });
    expect(kept).toBe("mine\n");
    expect(forced.code).toBe(0);
  });

  it("reports the existing repositories for an unknown one", async () => {
    const { code, stderr } = await cli("init", "other/app");

    expect(code).toBe(2);
    expect(stderr).toContain("mine");
  });
});
