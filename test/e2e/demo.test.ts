// The README's first command, with nothing on PATH: no helm, no docker, no tar.
import { createRequire } from "node:module";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ROOT } from "../support/paths.js";
import { run, type RunResult } from "../support/run.js";

const IMAGES = [
  "docker.io/grafana/agent",
  "docker.io/grafana/agent-operator",
  "docker.io/library/busybox",
  "docker.io/library/postgres",
  "docker.io/library/redis",
  "quay.io/prometheus-operator/prometheus-config-reloader",
  "registry.example/shop/backup",
  "registry.example/shop/migrate",
  "registry.example/shop/tools",
  "registry.example/shop/web",
];

describe("npm run demo", () => {
  let home: string;
  let demo: RunResult;

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), "viola-demo-home-"));
    const tsx = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
    demo = await run(process.execPath, ["--import", tsx, join(ROOT, "scripts/demo.ts")], {
      cwd: ROOT,
      env: { HOME: home, PATH: home, TMPDIR: home },
    });
  });
  afterAll(() => rm(home, { recursive: true, force: true }));

  it("ends well and prints the audit of the bundle that it built", () => {
    expect({ code: demo.code, stderr: demo.code === 0 ? "" : demo.stderr }).toEqual({ code: 0, stderr: "" });
    const table = demo.stdout.slice(demo.stdout.indexOf("COMPONENT ", demo.stdout.indexOf("audit ")));
    const audited = table
      .split("\n")
      .flatMap((row) => IMAGES.filter((image) => row.split(/\s+/).includes(image)));
    expect([...new Set(audited)].sort()).toEqual(IMAGES);
  });

  it("shows the columns that the README shows", async () => {
    const readme = await readFile(join(ROOT, "README.md"), "utf8");
    const [heading = ""] = /^COMPONENT .*$/m.exec(readme) ?? [];

    expect(heading.split(/\s+/).length).toBeGreaterThan(5);
    expect(demo.stdout).toContain(heading);
    for (const [row] of readme.matchAll(/^(?:log-collector|database) .*$/gm))
      expect(demo.stdout).toContain(row);
  });
});
