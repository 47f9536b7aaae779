// The client of the Docker engine: processes in a container with their streams and exit codes, and
// the errors of a missing engine.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { DockerEngine } from "../../../src/adapters/docker/engine.js";
import { startNodes, type Nodes } from "../../support/nodes.js";
import { needs } from "../../support/parts.js";
import { dockerEngine } from "../load/kind.js";

const describeNodes = await needs("nodes");
const { signal } = new AbortController();

describeNodes("the engine", () => {
  let nodes: Nodes;
  let engine: DockerEngine;
  let node: string;
  beforeAll(async () => {
    nodes = await startNodes(0);
    node = nodes.names[0]!;
    engine = await dockerEngine();
  });
  afterAll(async () => {
    await nodes.remove();
  });

  test("returns output, errors and the exit code of a process", async () => {
    const script = 'echo out; echo "problem: $1" >&2; exit 7';
    expect(await engine.shellIn(node).exec(["sh", "-c", script, "sh", "a b"], signal)).toEqual({
      exitCode: 7,
      stdout: "out\n",
      stderr: "problem: a b\n",
    });
  });

  test("recognizes a missing program by its exit code", async () => {
    const { exitCode } = await engine.shellIn(node).exec(["no-such-program"], signal);
    expect([126, 127]).toContain(exitCode);
  });

  test("forwards standard input and its end", async () => {
    const session = await engine.shellIn(node).open(["wc", "-c"], signal);
    const chunk = Buffer.alloc(1024 * 1024, 7);
    const feeding = pipeline(
      (function* () {
        for (let count = 0; count < 64; count++) yield chunk;
      })(),
      session.stdin,
    );
    let output = "";
    for await (const { bytes } of session.output) output += bytes.toString();
    await feeding.catch(() => undefined);
    expect(output.trim()).toBe(String(64 * chunk.length));
    expect(await session.exitCode(signal)).toBe(0);
    session.destroy();
  });

  test("abandons a process when the signal fires", async () => {
    const controller = new AbortController();
    const running = engine.shellIn(node).exec(["sh", "-c", "read -r _; sleep 60"], controller.signal);
    const waiting = engine
      .shellIn(node)
      .open(["sh", "-c", "echo up; sleep 60"], signal)
      .then(async (session) => {
        for await (const { bytes } of session.output) {
          expect(bytes.toString()).toBe("up\n");
          break;
        }
        session.destroy();
        controller.abort();
      });
    await waiting;
    await expect(running).rejects.toBe(controller.signal.reason);
  });

  test("lists containers by label, and the gateway of a container's network", async () => {
    const listed = await engine.listContainers(`io.x-k8s.kind.cluster=${nodes.cluster}`, signal);
    expect(listed).toMatchObject([{ name: node, state: "running" }]);
    const [gateway = ""] = await engine.findGateways(node, signal);
    expect(await nodes.exec(node, "ip", "route")).toContain(`default via ${gateway} `);
  });

  test("does not find an image that does not exist", async () => {
    expect(await engine.inspectImage("no.such/image:1", signal)).toBeUndefined();
  });

  test("rejects an exec in a container that does not exist", async () => {
    await expect(engine.shellIn("no-such-container").exec(["true"], signal)).rejects.toMatchObject({
      code: "DOCKER_UNAVAILABLE",
    });
  });
});

test("a missing engine is reported with its socket and a hint", async () => {
  const folder = mkdtempSync(join(tmpdir(), "viola-engine-"));
  try {
    for (const path of [join(folder, "missing.sock"), join(folder, "file.sock")]) {
      writeFileSync(join(folder, "file.sock"), "");
      const engine = new DockerEngine({ kind: "socket", path, foundIn: "the test" });
      const error = await engine.listContainers("a", signal).catch((cause: unknown) => cause);
      expect(error).toMatchObject({ code: "DOCKER_UNAVAILABLE", subject: path });
      expect((error as { hint?: string }).hint).toContain("DOCKER_HOST");
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});
