// What a build leaves: a file that replaces only bundles, reuses them, and is as private as the values
// in it.
import { execFileSync } from "node:child_process";
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startChartRepository, type ChartRepository } from "../../scripts/parts/chart-repository.js";
import { startEmbeddedRegistry, type EmbeddedRegistry } from "../../scripts/parts/embedded-registry.js";
import { partsPath } from "../../scripts/parts/home.js";
import { makeImage } from "../../scripts/parts/images.js";
import { runCli } from "../support/cli.js";
import { needs } from "../support/parts.js";
import type { RunResult } from "../support/run.js";

const describeAll = await needs("helm");

const SECRET = "hunter2";
const IMAGE = "registry.example/app:1";

interface Built {
  readonly file: string;
  readonly fetchedBytes: number;
  readonly copiedBytes: number;
}

describeAll("a built bundle", () => {
  let folder: string;
  let registry: EmbeddedRegistry;
  let repository: ChartRepository;
  const at = (name: string): string => join(folder, name);
  const writeChart = (name: string, template: string): void => {
    mkdirSync(at(`${name}/templates`), { recursive: true });
    writeFileSync(at(`${name}/Chart.yaml`), `apiVersion: v2\nname: ${name}\nversion: 1.0.0\n`);
    writeFileSync(at(`${name}/templates/a.yaml`), template);
  };
  const cli = (...args: readonly string[]): Promise<RunResult> =>
    runCli([...args, "--config", at("settings.yaml")], { cwd: folder });
  const build = async (spec: string, ...args: readonly string[]): Promise<RunResult & { built: Built }> => {
    const result = await cli("build", spec, "--json", ...args);
    expect(result, result.stderr).toMatchObject({ code: 0 });
    return { ...result, built: JSON.parse(result.stdout) as Built };
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "viola-outputs-"));
    registry = await startEmbeddedRegistry();
    mkdirSync(at("blobs"));
    const image = makeImage(at("blobs"), { seed: "a", mediaTypes: "oci", layers: [300_000, 20_000] });
    registry.addImage(at("blobs"), image, "registry.example/app", "1");
    writeChart(
      "app",
      `apiVersion: v1\nkind: Pod\nmetadata: { name: a }\nspec: { containers: [{ name: a, image: "${IMAGE}" }] }\n`,
    );
    writeChart("part", "");
    mkdirSync(at("charts"));
    execFileSync("tar", ["-czf", at("charts/part-1.0.0.tgz"), "-C", folder, "part"]);
    repository = await startChartRepository(at("charts"));
    writeFileSync(at("values.yaml"), `password: ${SECRET}\n`, { mode: 0o600 });
    writeFileSync(
      at("settings.yaml"),
      `mirrors:\n  "*": { endpoints: ["${registry.url}/{registry}"], only: true }\ncache: ${partsPath("helm")}\n`,
    );
    const spec = (more: string): string =>
      `name: app\nversion: 1.0.0\nplatforms: [linux/amd64]\ncharts:\n  - { chart: ./app, release: app, namespace: apps${more} }\n`;
    writeFileSync(at("spec.yaml"), spec(""));
    writeFileSync(at("private.yaml"), spec(", valuesFiles: [values.yaml]"));
    const url = repository.url.replace("://", `://somebody:${SECRET}@`);
    const part = `{ name: part, version: 1.0.0, repository: "${url}" }`;
    writeFileSync(at("added.yaml"), spec(`, dependencies: [${part}]`));
    const away = `http://somebody:${SECRET}@127.0.0.1:9/charts`;
    writeFileSync(
      at("away.yaml"),
      `name: app\nversion: 1.0.0\ncharts:\n  - { chart: none, version: 1.0.0, repository: "${away}", release: a, namespace: a }\n`,
    );
  });
  afterAll(async () => {
    await registry.close();
    await repository.close();
    await rm(folder, { recursive: true });
  });

  it("reuses the bundle that it replaces, intact or not, and says how much", async () => {
    const { built: first } = await build("spec.yaml", "-o", "again.bundle");
    const asked = registry.requests.length;
    const { built: second } = await build("spec.yaml", "-o", "again.bundle");
    const blobs = registry.requests.slice(asked).filter(({ kind }) => kind === "blob");

    expect(first).toMatchObject({ copiedBytes: 0 });
    expect(first.fetchedBytes).toBeGreaterThan(320_000);
    expect(second).toMatchObject({ copiedBytes: first.fetchedBytes, fetchedBytes: 0 });
    // The config of the image is read to resolve it.
    expect(blobs.length).toBeLessThanOrEqual(1);

    truncateSync(at("again.bundle"), 100_000);
    const { built: third, stderr } = await build("spec.yaml", "-o", "again.bundle");
    expect(third).toMatchObject({ copiedBytes: 0, fetchedBytes: first.fetchedBytes });
    expect(stderr).toContain("again.bundle");
    expect(await cli("verify", "again.bundle")).toMatchObject({ code: 0 });
  });

  it("has its name in a folder, and replaces the target of a link", async () => {
    mkdirSync(at("folder"));
    symlinkSync("folder/target.bundle", at("link"));

    expect((await build("spec.yaml", "-o", "folder")).built.file).toBe(at("folder/app-1.0.0.bundle"));
    expect((await build("spec.yaml", "-o", "link")).built.file).toBe(at("folder/target.bundle"));
    expect(lstatSync(at("link")).isSymbolicLink()).toBe(true);
    expect(readdirSync(at("folder")).sort()).toEqual(["app-1.0.0.bundle", "target.bundle"]);
  });

  it("is built in spite of what lies in its way, which is kept and named", async () => {
    mkdirSync(at("way.bundle.partial"));
    execFileSync("mkfifo", [at("way.bundle.partial.journal")]);

    const { stderr } = await build("spec.yaml", "-o", "way.bundle");

    for (const name of ["way.bundle.partial.aside-1", "way.bundle.partial.journal.aside-1"]) {
      expect(statSync(at(name)).isFile()).toBe(false);
      expect(stderr).toContain(name);
    }
    expect(await cli("verify", "way.bundle")).toMatchObject({ code: 0 });
  });

  it("is as private as a values file in it, and says that it has values", async () => {
    const { code, stdout } = await cli("build", "private.yaml", "-o", "private.bundle");

    expect(code).toBe(0);
    expect(stdout).toMatch(/values of app .*--values/);
    expect(statSync(at("private.bundle")).mode & 0o777).toBe(0o600);
    expect(readFileSync(at("private.bundle"), "latin1")).toContain(SECRET);
    // The file that is replaced may have been made private by its owner.
    await build("spec.yaml", "-o", "private.bundle");
    expect(statSync(at("private.bundle")).mode & 0o777).toBe(0o600);
  });

  it("is as private in parts, which replace the file", async () => {
    const { built } = await build("private.yaml", "-o", at("parts.bundle"), "--split", "100kB");
    const parts = (built as Built & { parts: readonly { file: string }[] }).parts.map(({ file }) => file);

    expect(readdirSync(folder).filter((name) => name.startsWith("parts.bundle"))).toHaveLength(parts.length);
    expect(parts.length).toBeGreaterThan(3);
    for (const part of parts) expect(statSync(part).mode & 0o777).toBe(0o600);
    expect((await cli("verify", parts[1]!)).code).toBe(0);
    const header = 1024;
    const joined = Buffer.concat(parts.map((part) => readFileSync(part).subarray(header)));
    writeFileSync(at("whole.bundle"), joined);
    expect((await cli("verify", at("whole.bundle"))).code).toBe(0);
  });

  it.each(["none", "keys"])(
    "has no values with --values %s, and is not installed without them",
    async (wanted) => {
      const name = `${wanted}.bundle`;
      await build("private.yaml", "-o", name, "--values", wanted);

      const text = readFileSync(at(name), "latin1");
      expect(text).not.toContain(SECRET);
      expect(/^password:$/m.test(text)).toBe(wanted === "keys");
      // No input forbids reading, so the umask alone decides, as for any new file.
      writeFileSync(at("plain"), "");
      expect(statSync(at(name)).mode).toBe(statSync(at("plain")).mode);
      const { code, stdout } = await cli("verify", name, "--json");
      expect(code).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({ withheldValues: ["app"], problems: [] });
      for (const command of [["install"], ["load", "--install", "--to", "k3s"]]) {
        const refused = await cli(...command, name, "--json");
        expect(JSON.parse(refused.stdout)).toMatchObject({ error: { code: "USAGE", subject: "app" } });
      }
    },
  );

  it("has no password of a repository, and no message has", async () => {
    await build("added.yaml", "-o", "added.bundle");
    const chart = execFileSync("tar", ["-xOf", at("added.bundle"), "charts/app-1.0.0.tgz"]);
    const declaration = execFileSync("tar", ["-xzOf", "-", "app/Chart.yaml"], { input: chart }).toString();
    expect(declaration).toContain(repository.url);
    expect(declaration).not.toContain(SECRET);

    const { code, stdout, stderr } = await cli("build", "away.yaml", "-o", "away.bundle", "--json");
    expect(code).toBe(2);
    expect(stdout).toContain("127.0.0.1:9");
    expect(stdout + stderr).not.toContain(SECRET);
  });
});
