// `serve` as a user runs it: a process that serves images and charts to real clients until a
// signal.
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import type { OpenBundle } from "../../../src/workflows/ports.js";
import { startCli } from "../../support/cli.js";
import { startContainerd } from "../../support/containerd.js";
import { needs } from "../../support/parts.js";
import { ROOT } from "../../support/paths.js";
import { mustRun, run, type Running } from "../../support/run.js";
import { HELM_PACKAGES, packagedHelm } from "../helm/helm.js";
import { bundleOf } from "../../support/bundle-of.js";

const describe = await needs("helm");
const describeSkopeo = await needs("helm", "skopeo");
const describeContainerd = await needs("helm", "ctr", "root");

const folder = mkdtempSync(join(tmpdir(), "viola-serve-cli-"));
let bundle: OpenBundle;
let running: Running | undefined;

interface Served {
  readonly registry: string;
  readonly chartRepository: string;
  readonly port: number;
  readonly names: readonly string[];
}

beforeAll(async () => {
  const helm = await packagedHelm(HELM_PACKAGES[0]);
  await mustRun(helm.program, ["package", join(ROOT, "test/fixtures/charts/deep"), "-d", folder]);
  const packaged = (await mustRun("ls", [folder])).trim();
  const bytes = readFileSync(join(folder, packaged));
  const [, name = "", version = ""] = /^(.+)-(\d+\.\d+\.\d+)\.tgz$/.exec(packaged) ?? [];
  const path = `charts/${packaged}`;
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  bundle = await bundleOf(
    folder,
    "served",
    [
      { reference: "quay.io/a/b:1", seed: "a", mediaTypes: "oci", layers: [100_000] },
      { reference: "busybox:1.36@DIGEST", seed: "b", mediaTypes: "docker", layers: [5_000] },
      {
        reference: "lab.example:5000/single:v1",
        seed: "s",
        mediaTypes: "docker",
        index: false,
        layers: [900],
      },
    ],
    {
      releases: [{ name: "deep", namespace: "x", chart: { name, version }, file: path, sha256, values: [] }],
      files: [{ path, bytes, sha256 }],
    },
  );
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});
afterEach(async () => {
  running?.process.kill("SIGKILL");
  await running?.result;
  running = undefined;
});

/** Starts `serve` on a free port and waits for its output. */
function serve(...more: readonly string[]): Promise<Served> {
  const started = startCli(["serve", bundle.file, "--listen", "127.0.0.1:0", "--json", ...more]);
  running = started;
  let text = "";
  return new Promise((resolve, reject) => {
    started.process.stdout.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      if (text.endsWith("}\n")) resolve(JSON.parse(text) as Served);
    });
    void started.result.then(({ stderr }) => {
      reject(new Error(stderr));
    });
  });
}

describe("serve", () => {
  it("ends cleanly on a signal, and has reported the requests for missing content", async () => {
    const { registry } = await serve();
    expect((await fetch(`${registry}/v2/`)).status).toBe(200);
    for (const reference of ["2", "2", "3"]) {
      const response = await fetch(`${registry}/v2/a/b/manifests/${reference}?ns=quay.io`);
      expect(response.status).toBe(404);
      expect(await response.json()).toMatchObject({ errors: [{ code: "MANIFEST_UNKNOWN" }] });
    }
    running?.process.kill("SIGINT");
    const { code, stderr = "" } = (await running?.result) ?? {};
    expect(code).toBe(0);
    expect(stderr.match(/not in this bundle: quay\.io\/a\/b:2 /g)).toHaveLength(1);
    expect(stderr).toContain("not in this bundle: quay.io/a/b:3 ");
  });

  it("lists the charts among its repositories", async () => {
    const { registry } = await serve();
    const { repositories } = (await (await fetch(`${registry}/v2/_catalog`)).json()) as {
      repositories: string[];
    };
    expect(repositories).toContain(`charts/${bundle.inventory.releases[0]!.chart.name}`);
    expect(repositories).toContain("quay.io/a/b");
    expect(repositories).toEqual([...repositories].sort());
    const page = await fetch(`${registry}/v2/_catalog?n=1&last=charts`);
    expect(await page.json()).toEqual({ repositories: repositories.slice(0, 1) });
  });

  it("reports an address that is in use or invalid", async () => {
    const { port } = await serve();
    const second = await startCli(["serve", bundle.file, "--listen", `127.0.0.1:${port}`]).result;
    expect(second).toMatchObject({ code: 2, stderr: expect.stringContaining("EADDRINUSE") as unknown });
    const none = await startCli(["serve", bundle.file, "--listen", "here"]).result;
    expect(none).toMatchObject({ code: 2, stderr: expect.stringContaining("--listen here") as unknown });
  });

  it.each(HELM_PACKAGES)(
    "serves charts to helm repo add and helm pull, also as OCI artifacts: %s",
    async (packageName) => {
      const { chartRepository, registry } = await serve();
      const helm = await packagedHelm(packageName);
      const home = mkdtempSync(join(folder, "helm-"));
      const env = { HOME: home, XDG_CONFIG_HOME: home, XDG_CACHE_HOME: home, XDG_DATA_HOME: home };
      await mustRun(helm.program, ["repo", "add", "viola", chartRepository], { env });
      const { chart, file } = bundle.inventory.releases[0]!;
      await mustRun(helm.program, ["pull", `viola/${chart.name}`, "--version", chart.version, "-d", home], {
        env,
      });
      const { offset, size } = bundle.locate(file);
      const packaged = await bundle.read(offset, size);
      const pulled = join(home, `${chart.name}-${chart.version}.tgz`);
      expect(readFileSync(pulled).equals(packaged)).toBe(true);

      rmSync(pulled);
      const artifact = `oci://${new URL(registry).host}/charts/${chart.name}`;
      // Without a version, helm chooses one of the tags.
      await mustRun(helm.program, ["pull", artifact, "--plain-http", "-d", home], { env });
      expect(readFileSync(pulled).equals(packaged)).toBe(true);
    },
  );
});

describeSkopeo("skopeo", () => {
  it("copies every name, by tag and by digest", async () => {
    const { registry } = await serve();
    const { host } = new URL(registry);
    for (const { names, digest } of bundle.inventory.images) {
      for (const name of names) {
        const source = `docker://${host}/${name.replace("lab.example:5000", "lab.example_5000")}`;
        const platform = ["--override-os=linux", "--override-arch=amd64"];
        const raw = await mustRun("skopeo", ["inspect", "--raw", "--tls-verify=false", source]);
        expect(`sha256:${createHash("sha256").update(raw).digest("hex")}`).toBe(digest);
        const target = `dir:${mkdtempSync(join(folder, "copy-"))}`;
        const copied = await run("skopeo", ["copy", ...platform, "--src-tls-verify=false", source, target]);
        expect(copied, copied.stderr).toMatchObject({ code: 0 });
      }
    }
  });
});

describeContainerd("containerd", () => {
  it("pulls every name with only the written settings", async () => {
    const settings = join(folder, "settings");
    await serve("--settings", settings);
    const containerd = await startContainerd();
    try {
      for (const name of bundle.inventory.images.flatMap(({ names }) => names)) {
        const pulled = await containerd.pull(name, join(settings, "containerd"));
        expect(pulled, `${name}: ${pulled.stderr}`).toMatchObject({ code: 0 });
      }
      const images = await containerd.images();
      for (const { names, digest } of bundle.inventory.images) {
        for (const name of names) expect(images.get(name), name).toBe(digest);
      }
    } finally {
      await containerd.stop();
    }
  });
});
