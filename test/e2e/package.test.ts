// The packed program, installed without a network: in a network namespace without interfaces, with
// an empty npm cache, and only Node and the programs of the system on PATH.
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startEmbeddedRegistry } from "../../scripts/parts/embedded-registry.js";
import { makeImage } from "../../scripts/parts/images.js";
import { needs } from "../support/parts.js";
import { ROOT } from "../support/paths.js";
import { mustRun, run, type RunResult } from "../support/run.js";

interface Packed {
  readonly filename: string;
  readonly size: number;
  readonly files: readonly { readonly path: string }[];
}

interface Manifest {
  readonly version: string;
  readonly scripts: Readonly<Record<string, string>>;
}

let folder: string;
let archive: string;
let packed: Packed;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "viola-package-"));
  // Without scripts, because `prepack` would build dist/ again while other tests run it.
  const argv = ["pack", "--json", "--ignore-scripts", "--pack-destination", folder];
  const [answer] = JSON.parse(await mustRun("npm", argv, { cwd: ROOT })) as readonly Packed[];
  packed = answer!;
  archive = join(folder, packed.filename);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("npm pack", () => {
  it("creates a file under 2 MB without source maps and compiled code, with the files that a user needs", () => {
    const paths = packed.files.map(({ path }) => path);

    expect(packed.size).toBeLessThan(2_000_000);
    expect(paths.filter((path) => /\.(?:map|code)$/.test(path))).toEqual([]);
    expect(paths).toEqual(
      expect.arrayContaining([
        "CHANGELOG.md",
        "LICENSE",
        "README.md",
        "dist/THIRD-PARTY-NOTICES.txt",
        "dist/blob-worker.js",
        "dist/main.js",
        "dist/operators.json",
        "dist/program.js",
        "manifests/audit.schema.json",
        "manifests/bundle.schema.json",
        "manifests/bundle/load.sh",
      ]),
    );
  });

  it("packs every file of the repository that the README links to", async () => {
    const readme = await readFile(join(ROOT, "README.md"), "utf8");
    const links = [...readme.matchAll(/\]\(([\w./-]+?)(?:#[\w-]*)?\)/g)].map(([, path]) => path);

    expect(links.length).toBeGreaterThan(0);
    // CONTRIBUTING.md is for people with the repository.
    const expected = links.filter((path) => path !== "CONTRIBUTING.md");
    expect(packed.files.map(({ path }) => path)).toEqual(expect.arrayContaining(expected));
  });

  it("has notices of every package that the source imports", async () => {
    const notices = await readFile(join(ROOT, "dist/THIRD-PARTY-NOTICES.txt"), "utf8");
    const names = await importedPackages();

    expect(names).toContain("zod");
    for (const name of names) expect(notices).toMatch(new RegExp(`^${name} \\d+\\.\\d+\\.\\d+ \\(`, "m"));
  });
});

const describeOffline = await needs("network-namespace");

describeOffline("the packed program on a host without a network", () => {
  let env: Readonly<Record<string, string>>;
  let prefix: string;
  let installed: string;

  const offline = (program: string, ...args: readonly string[]): Promise<RunResult> =>
    run("unshare", ["--net", program, ...args], { cwd: folder, env });

  beforeAll(async () => {
    prefix = join(folder, "prefix");
    installed = join(prefix, "lib/node_modules/viola-airgap");
    const home = join(folder, "home");
    await mkdir(home);
    env = {
      HOME: home,
      PATH: `${join(prefix, "bin")}:${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`,
      DOCKER_HOST: "unix:///nowhere.sock",
      npm_config_cache: join(folder, "npm-cache"),
      npm_config_userconfig: join(home, ".npmrc"),
    };

    const result = await offline("npm", "install", "--global", "--offline", "--prefix", prefix, archive);

    expect({ code: result.code, stderr: result.stderr }).toEqual({ code: 0, stderr: "" });
  });

  it("has no dependencies and no install scripts", async () => {
    const manifest = await readManifest(installed);

    expect(await readdir(join(prefix, "lib/node_modules"))).toEqual(["viola-airgap"]);
    expect(await readdir(installed)).not.toContain("node_modules");
    for (const name of ["dependencies", "optionalDependencies", "peerDependencies", "bundleDependencies"])
      expect(manifest).not.toHaveProperty(name);
    // npm 11 asks the user about `prepare` in a packed file.
    for (const name of ["preinstall", "install", "postinstall", "prepare"])
      expect(manifest.scripts).not.toHaveProperty(name);
  });

  it("reports its version, and what this host lacks", async () => {
    const { version } = await readManifest(ROOT);
    const doctor = await offline("viola-airgap", "doctor", "--json");

    expect(await offline("viola-airgap", "--version")).toMatchObject({ code: 0, stdout: `${version}\n` });
    expect(doctor.code).toBe(0);
    expect(JSON.parse(doctor.stdout)).toMatchObject({
      findings: expect.arrayContaining([
        expect.objectContaining({ name: "viola-airgap", isThere: true }),
        expect.objectContaining({ name: "docker", isThere: false }),
      ]) as unknown,
    });
  });

  it("verifies a bundle, also with npx, and finds the damage in another", async () => {
    const bundle = await buildBundle(folder);
    const damaged = join(folder, "damaged.bundle");
    const bytes = await readFile(bundle);
    const place = Math.floor(bytes.length * 0.75);
    bytes.writeUInt8(bytes.readUInt8(place) ^ 1, place);
    await writeFile(damaged, bytes);

    expect(await offline("viola-airgap", "verify", bundle)).toMatchObject({ code: 0 });
    expect(await offline("viola-airgap", "verify", damaged)).toMatchObject({ code: 1 });
    expect(
      await offline("npx", "--yes", "--offline", "--package", archive, "viola-airgap", "verify", bundle),
    ).toMatchObject({ code: 0 });
  });

  it("includes itself in a bundle", async () => {
    const bundle = await buildBundle(folder, "cli");

    const listed = await mustRun("tar", ["-tf", bundle]);

    expect(listed.split("\n")).toEqual(
      expect.arrayContaining([
        "bin/viola-airgap",
        "bin/lib/viola-airgap/LICENSE",
        "bin/lib/viola-airgap/dist/THIRD-PARTY-NOTICES.txt",
        "bin/lib/viola-airgap/manifests/bundle.schema.json",
      ]),
    );
  });

  /**
   * Builds a bundle of one image with the installed program (it has the network of this process).
   */
  async function buildBundle(inFolder: string, include?: "cli"): Promise<string> {
    const registry = await startEmbeddedRegistry();
    try {
      const work = await mkdtemp(join(inFolder, "build-"));
      const image = makeImage(work, { seed: "package", mediaTypes: "oci", layers: [1_000_000] });
      registry.addImage(work, image, "registry.example/app", "1.0");
      const spec = join(work, "bundle.yaml");
      await writeFile(
        spec,
        `name: app\nversion: 1.0.0\nplatforms: [linux/amd64]\ncharts: []\nimages: { include: ["registry.example/app:1.0"] }\n`,
      );
      const settings = join(work, "settings.yaml");
      await writeFile(
        settings,
        `mirrors:\n  "*": { endpoints: ["${registry.url}/{registry}"], only: true }\n`,
      );
      const bundle = join(work, "app.bundle");
      const args = [
        ...["build", spec, "-o", bundle, "--config", settings],
        ...(include === undefined ? [] : ["--with", include]),
      ];
      await mustRun(join(prefix, "bin/viola-airgap"), args, { env: { ...env, NO_PROXY: "*" } });
      return bundle;
    } finally {
      await registry.close();
    }
  }
});

async function readManifest(of: string): Promise<Manifest> {
  return JSON.parse(await readFile(join(of, "package.json"), "utf8")) as Manifest;
}

/** Names of the packages that files of `src` import at run time. */
async function importedPackages(): Promise<readonly string[]> {
  const names = new Set<string>();
  for (const name of await readdir(join(ROOT, "src"), { recursive: true })) {
    if (!name.endsWith(".ts")) continue;
    const text = await readFile(join(ROOT, "src", name), "utf8");
    for (const [, specifier = ""] of text.matchAll(/^import (?!type\b)[^;]*?from "([^".][^"]*)";/gm)) {
      if (specifier.startsWith("node:")) continue;
      names.add(specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/"));
    }
  }
  return [...names];
}
