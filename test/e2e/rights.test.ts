// A user without access to the sockets of engines: load and doctor report it with a hint.
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Finding } from "../../src/workflows/doctor.js";
import { needs } from "../support/parts.js";
import { ROOT } from "../support/paths.js";
import { run } from "../support/run.js";

const describeRoot = await needs("root");
const NOBODY = ["--reuid=65534", "--regid=65534", "--clear-groups"];

describeRoot("a user without rights on the socket", () => {
  let folder = "";
  const servers: Server[] = [];
  const socket = (name: string): string => join(folder, name);
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "viola-rights-"));
    await chmod(folder, 0o755);
    for (const name of ["docker.sock", "containerd.sock"]) {
      const server = createServer().listen(socket(name));
      await once(server, "listening");
      await chmod(socket(name), 0o600);
      servers.push(server);
    }
  });
  afterAll(async () => {
    for (const server of servers) server.close();
    await rm(folder, { recursive: true });
  });

  it.each(["docker", "kind", "containerd"])("is reported for %s, with a hint", async (kind) => {
    const isContainerd = kind === "containerd";
    const path = socket(isContainerd ? "containerd.sock" : "docker.sock");
    const target = isContainerd ? `containerd:${path}` : kind;
    const env = {
      PATH: process.env["PATH"],
      HOME: folder,
      DOCKER_HOST: `unix://${socket("docker.sock")}`,
    };
    const command = [process.execPath, join(ROOT, "dist/main.js"), "doctor", "--json", "--to", target];

    const { code, stdout } = await run("setpriv", [...NOBODY, ...command], { env });

    expect(code).toBe(1);
    const { findings } = JSON.parse(stdout) as { findings: readonly Finding[] };
    expect(findings.at(-1)).toMatchObject({
      name: target,
      isThere: false,
      detail: expect.stringContaining(path) as string,
      hint: expect.stringContaining("sudo") as string,
    });
  });
});
