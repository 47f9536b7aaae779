// `load --to registry://…` as a user runs it: a registry with password and certificate, settings
// for nodes, and a second load that sends nothing.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { OpenBundle } from "../../src/workflows/ports.js";
import { bundleOf } from "../support/bundle-of.js";
import { runCli } from "../support/cli.js";
import { startDockerRegistry, type DockerRegistry } from "../support/docker-registry.js";
import { needs } from "../support/parts.js";
import type { RunResult } from "../support/run.js";

const describe = await needs("docker-registry");

interface Document {
  readonly registries: readonly {
    readonly registry: string;
    readonly names: number;
    readonly sentBytes: number;
    readonly unresolved: readonly unknown[];
    readonly needsLogin: boolean;
    readonly settings: readonly { readonly path: string; readonly text: string }[];
    readonly settingsFolder?: string;
  }[];
}

describe("load --to registry://", () => {
  const folder = mkdtempSync(join(tmpdir(), "viola-registry-target-"));
  let bundle: OpenBundle;
  let registry: DockerRegistry;
  let config: string;

  beforeAll(async () => {
    bundle = await bundleOf(folder, "pushed", [
      { reference: "quay.io/a/b:1", seed: "a", mediaTypes: "oci", layers: [200_000] },
      { reference: "busybox:1.36@DIGEST", seed: "b", mediaTypes: "docker", layers: [5_000] },
    ]);
    registry = await startDockerRegistry("tls-password");
    config = join(folder, "config.yaml");
    writeFileSync(config, `ca: ${registry.ca?.file ?? ""}\n`);
  });
  afterAll(async () => {
    await registry.stop();
    rmSync(folder, { recursive: true });
  });

  const load = (target: string, ...more: readonly string[]): Promise<RunResult> => {
    const auth = Buffer.from(`${registry.user}:${registry.password}`).toString("base64");
    return runCli(["load", bundle.file, "--to", target, "--config", config, ...more], {
      env: { DOCKER_AUTH_CONFIG: JSON.stringify({ auths: { [registry.host]: { auth } } }) },
    });
  };

  it("pushes, writes the settings, and sends nothing the second time", async () => {
    const settings = join(folder, "settings");
    const target = `registry://${registry.host}/team/airgap`;
    const first = await load(target, "--settings", settings, "--json");
    expect(first, first.stderr).toMatchObject({ code: 0 });
    const [report] = (JSON.parse(first.stdout) as Document).registries;
    expect(report).toMatchObject({
      registry: `${registry.url}/team/airgap`,
      names: 3,
      unresolved: [],
      needsLogin: true,
      settingsFolder: settings,
    });
    for (const { path, text } of report?.settings ?? []) {
      expect(readFileSync(join(settings, path), "utf8")).toBe(text);
    }
    expect(readFileSync(join(settings, "containerd/quay.io/ca.crt"), "utf8")).toBe(registry.ca?.pem);
    expect(first.stdout).not.toContain(registry.password);

    const second = await load(target, "--json");
    expect((JSON.parse(second.stdout) as Document).registries[0]).toMatchObject({ sentBytes: 0 });
  });

  it("reports what is wrong, and where", async () => {
    for (const [target, code, text] of [
      ["registry://127.0.0.1:1", 2, "127.0.0.1:1 cannot be reached"],
      ["registry://Host/UPPER", 2, "is not a registry target"],
      ["registry://", 2, "is not a registry target"],
    ] as const) {
      const result = await load(target);
      expect(result.code, target).toBe(code);
      expect(result.stderr).toContain(text);
    }
    writeFileSync(config, "");
    const untrusted = await load(`registry://${registry.host}`);
    expect(untrusted.code).toBe(2);
    expect(untrusted.stderr).toMatch(/certificate[^]*\bca\b[^]*insecure/);
  });
});
