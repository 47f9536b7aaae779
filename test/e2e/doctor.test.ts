// What a machine has and lacks, asked of the built command.
import { expect, it } from "vitest";
import type { Finding } from "../../src/workflows/doctor.js";
import { runCli, type CliOptions } from "../support/cli.js";
import { startNodes } from "../support/nodes.js";
import { needs } from "../support/parts.js";

const describeAll = await needs("nodes", "helm");

async function doctor(
  args: readonly string[],
  options: CliOptions = {},
): Promise<[number, readonly Finding[]]> {
  const { code, stdout } = await runCli(["doctor", "--json", ...args], { entry: "built", ...options });
  return [code, (JSON.parse(stdout) as { readonly findings: readonly Finding[] }).findings];
}

describeAll("doctor", () => {
  it("finds the clusters of the engine and says that they would work", async () => {
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

  it("is content where nothing is there and nobody asked for it, and says what to do", async () => {
    const [code, findings] = await doctor([], { env: { PATH: "", DOCKER_HOST: "unix:///nowhere.sock" } });

    expect(code).toBe(0);
    expect(findings.filter(({ isThere }) => !isThere).map(({ name }) => name)).toEqual(
      expect.arrayContaining(["docker", "cluster"]),
    );
    expect(findings.find(({ name }) => name === "docker")?.hint).toBeTruthy();
  });

  it("answers no when a target that was named would not work", async () => {
    const [code, findings] = await doctor(["--to", "kind:no-such-cluster"]);

    expect(code).toBe(1);
    expect(findings.at(-1)).toMatchObject({ name: "kind:no-such-cluster", isThere: false });
  });
});
