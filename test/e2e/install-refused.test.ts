// `install` with API servers that are unreachable or deny access, and with targets that are not
// used by a cluster.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { digestOf, hexOf } from "../../src/core/oci/digest.js";
import { bundleOf } from "../support/bundle-of.js";
import { runCli } from "../support/cli.js";
import { needs } from "../support/parts.js";
import type { RunResult } from "../support/run.js";

const describe = await needs("helm");

describe("install", () => {
  const folder = mkdtempSync(join(tmpdir(), "viola-refused-"));
  let bundle: string;
  let refusing: Server;

  beforeAll(async () => {
    const chart = { path: "charts/app.tgz", bytes: Buffer.from("not read") };
    const sha256 = hexOf(digestOf(chart.bytes));
    const release = { name: "app", namespace: "apps", file: chart.path, sha256, values: [] };
    const { file } = await bundleOf(
      folder,
      "refused",
      [{ reference: "quay.io/a/b:1", seed: "a", mediaTypes: "oci", layers: [1000] }],
      {
        releases: [{ ...release, chart: { name: "app", version: "1.0.0" } }],
        files: [{ ...chart, sha256 }],
      },
    );
    bundle = file;
    refusing = createServer((request, response) => {
      const message = `forbidden: User "guest" cannot get path "${request.url ?? ""}"`;
      const status = { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", message };
      response.writeHead(403, { "content-type": "application/json" });
      response.end(JSON.stringify({ ...status, reason: "Forbidden", details: {}, code: 403 }));
    });
    await new Promise<void>((resolve) => refusing.listen(0, "127.0.0.1", resolve));
  });
  afterAll(() => {
    refusing.close();
    rmSync(folder, { recursive: true });
  });

  const install = (port: number, ...args: readonly string[]): Promise<RunResult> => {
    const kubeconfig = join(folder, `kubeconfig-${port}`);
    const cluster = { name: "c", cluster: { server: `http://127.0.0.1:${port}` } };
    const context = { name: "far-side", context: { cluster: "c", user: "guest" } };
    const config = { apiVersion: "v1", kind: "Config", clusters: [cluster], contexts: [context] };
    const users = [{ name: "guest", user: { token: "none" } }];
    writeFileSync(kubeconfig, JSON.stringify({ ...config, users, "current-context": "far-side" }));
    return runCli(["install", bundle, "--kubeconfig", kubeconfig, ...args]);
  };

  it("reports the context, with a hint, when the API server does not respond", async () => {
    const free = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => free.once("listening", resolve));
    const { port } = free.address() as AddressInfo;
    await new Promise((resolve) => free.close(resolve));

    const { code, stdout, stderr } = await install(port);

    expect(code).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toMatch(/far-side.*refused/);
    expect(stderr).toContain("kubectl get nodes");
  });

  it("reports that the API server denies access to the user", async () => {
    const { code, stderr } = await install((refusing.address() as AddressInfo).port);

    expect(code).toBe(2);
    expect(stderr).toMatch(/far-side: Forbidden/);
    expect(stderr).toMatch(/--kubeconfig or --context/);
  });

  it("does not use the images of an engine for a cluster", async () => {
    const { code, stderr } = await install(1, "--to", "docker");

    expect(code).toBe(2);
    expect(stderr).toContain("registry://");
  });
});
