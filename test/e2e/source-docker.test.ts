// `build --source docker`: a bundle of an image that only the Docker engine has.
import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { AuditReport } from "../../src/core/audit/report.js";
import { runCli } from "../support/cli.js";
import { needs } from "../support/parts.js";
import { mustRun, run, type RunResult } from "../support/run.js";

const describeDocker = await needs("docker");

describeDocker("build --source docker", () => {
  // An unreachable registry: every request to it would fail.
  const reference = `registry.invalid/viola-${randomBytes(3).toString("hex")}/built-here:1`;
  let folder: string;
  let spec: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "viola-source-docker-"));
    spec = join(folder, "bundle.yaml");
    await writeFile(join(folder, "file"), "x".repeat(100_000));
    await writeFile(join(folder, "Dockerfile"), 'FROM scratch\nCOPY file /file\nCMD ["/file"]\n');
    await mustRun("docker", ["build", "-q", "-t", reference, folder], {
      env: { ...process.env, DOCKER_BUILDKIT: "0" },
    });
    await writeSpec(reference);
  });
  afterAll(async () => {
    await run("docker", ["image", "rm", "-f", reference]);
    await rm(folder, { recursive: true });
  });

  const writeSpec = (image: string): Promise<void> =>
    writeFile(spec, `name: built-here\nversion: 1.0.0\ncharts: []\nimages: { include: ["${image}"] }\n`);
  const viola = (...args: readonly string[]): Promise<RunResult> => {
    const { DOCKER_HOST, DOCKER_CONTEXT } = process.env;
    return runCli(args, { env: { DOCKER_HOST, DOCKER_CONTEXT } });
  };

  it("builds a valid bundle, and its audit reports that the image was rebuilt", async () => {
    const bundle = join(folder, "built.bundle");
    expect(await viola("build", spec, "-o", bundle, "--source", "docker")).toMatchObject({ code: 0 });
    expect(await viola("verify", bundle)).toMatchObject({ code: 0 });

    const audit = JSON.parse((await viola("audit", bundle, "--json")).stdout) as AuditReport;
    expect(audit.images).toMatchObject([{ normalized: reference, rebuilt: true }]);
    expect(audit.findings.map(({ rule }) => rule)).toContain("rebuilt");
    const archive = await mustRun("sh", ["-c", 'tar -xOf "$1" images.tar | docker load', "sh", bundle]);
    expect(archive).toContain(reference);
  });

  it("reports an image that the engine does not have, and leaves no file", async () => {
    await writeSpec("registry.invalid/viola/absent:1");
    const bundle = join(folder, "absent.bundle");
    const { code, stderr } = await viola("build", spec, "-o", bundle, "--source", "docker");

    expect(code).toBe(2);
    expect(stderr).toContain("registry.invalid/viola/absent:1");
    expect((await run("ls", [bundle])).code).not.toBe(0);
  });
});
