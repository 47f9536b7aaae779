// The report of the built command about the requirements on this machine.
import { expect, it } from "vitest";
import { startEmbeddedRegistry } from "../../scripts/parts/embedded-registry.js";
import type { Finding } from "../../src/workflows/doctor.js";
import { runCli } from "../support/cli.js";
import { startNodes } from "../support/nodes.js";
import { needs } from "../support/parts.js";
import type { RunOptions } from "../support/run.js";

const describeAll = await needs("nodes", "helm");

async function doctor(
  args: readonly string[],
  options: RunOptions = {},
): Promise<[number, readonly Finding[]]> {
  const { code, stdout } = await runCli(["doctor", "--json", ...args], options);
  return [code, (JSON.parse(stdout) as { readonly findings: readonly Finding[] }).findings];
}

describeAll("doctor", () => {
  it("finds the clusters of the engine and reports them as available", async () => {
    const nodes = await startNodes(1);
    try {
      const [code, findings] = await doctor([]);

      expect(code).toBe(0);
      expect(findings).toContainEqual(
        expect.objectContaining({
          name: `kind:${nodes.cluster}`,
          isThere: true,
          detail: "2 nodes, linux/amd64",
        }),
      );
    } finally {
      await nodes.remove();
    }
  });

  it("succeeds without any target when none is required, with hints", async () => {
    const [code, findings] = await doctor([], { env: { PATH: "", DOCKER_HOST: "unix:///nowhere.sock" } });

    expect(code).toBe(0);
    expect(findings.filter(({ isThere }) => !isThere).map(({ name }) => name)).toEqual(
      expect.arrayContaining(["docker", "cluster"]),
    );
    expect(findings.find(({ name }) => name === "docker")?.hint).toBeTruthy();
  });

  it("logs in to the specified registry", async () => {
    const open = await startEmbeddedRegistry({});
    const closed = await startEmbeddedRegistry({
      login: { scheme: "basic", user: "viola", password: "secret" },
    });
    try {
      const targets = [open.host, `${open.host}/team/a`, closed.host, "127.0.0.1:1"];
      const [code, findings] = await doctor(
        targets.flatMap((target) => ["--to", `registry://${target}`]),
        { env: { NO_PROXY: "*" } },
      );

      expect(code).toBe(1);
      const answers = findings.filter(({ name }) => name.startsWith("registry://"));
      expect(answers.map(({ isThere }) => isThere)).toEqual([true, true, false, false]);
      expect(answers[2]?.hint).toBeTruthy();
    } finally {
      await open.close();
      await closed.close();
    }
  });

  it("also checks podman when no target is specified", async () => {
    const [, findings] = await doctor([], { env: { PATH: "" } });

    expect(findings).toContainEqual(expect.objectContaining({ name: "podman", isThere: false }));
  });

  it("exits with 1 when the specified target is not available", async () => {
    const [code, findings] = await doctor(["--to", "kind:no-such-cluster"]);

    expect(code).toBe(1);
    expect(findings.at(-1)).toMatchObject({ name: "kind:no-such-cluster", isThere: false });
  });
});
