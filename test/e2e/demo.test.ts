// The demo of the README: with an empty PATH (no helm, docker or tar), and with a Kind cluster.
import { createRequire } from "node:module";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startNodes } from "../support/nodes.js";
import { needs } from "../support/parts.js";
import { ROOT } from "../support/paths.js";
import { run, type RunResult } from "../support/run.js";

const IMAGES = [
  "beats/filebeat",
  "database/backup",
  "database/server",
  "eck/eck-operator",
  "elasticsearch/elasticsearch",
  "shop/cache",
  "shop/debug",
  "shop/migrate",
  "shop/tools",
  "shop/web",
].map((name) => `registry.viola.example/${name}`);
const NAME = /\bregistry\.viola\.example\/[^\s":]+/g;

function runDemo(home: string, env: Readonly<Record<string, string | undefined>>): Promise<RunResult> {
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
  return run(process.execPath, ["--import", tsx, join(ROOT, "scripts/demo.ts")], {
    cwd: ROOT,
    env: { HOME: home, TMPDIR: home, ...env },
  });
}

describe("npm run demo", () => {
  let home: string;
  let demo: RunResult;

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), "viola-demo-home-"));
    // A demo that looks for a cluster finds one with this docker.
    await writeFile(join(home, "docker"), '#!/bin/sh\necho "$@" >>"$0.calls"\necho kind\n', { mode: 0o755 });
    demo = await runDemo(home, { PATH: home });
  });
  afterAll(() => rm(home, { recursive: true, force: true }));

  it("succeeds and prints the audit of the bundle that it built", () => {
    expect({ code: demo.code, stderr: demo.code === 0 ? "" : demo.stderr }).toEqual({ code: 0, stderr: "" });
    const table = demo.stdout.slice(demo.stdout.indexOf("COMPONENT ", demo.stdout.indexOf("audit ")));
    const audited = table
      .split("\n")
      .flatMap((row) => IMAGES.filter((image) => row.split(/\s+/).includes(image)));
    expect([...new Set(audited)].sort()).toEqual(IMAGES);
  });

  it("uses no cluster that is not named", () => {
    expect(existsSync(join(home, "docker.calls"))).toBe(false);
  });

  it("finds all images of its operator, without warnings", () => {
    expect(demo.stdout).not.toMatch(/^! /m);
  });

  it("prints the columns in the README", async () => {
    const readme = await readFile(join(ROOT, "README.md"), "utf8");
    const [heading = ""] = /^COMPONENT .*$/m.exec(readme) ?? [];

    expect(heading.split(/\s+/).length).toBeGreaterThan(5);
    expect(demo.stdout).toContain(heading);
    // Images become older.
    const withoutAge = (text: string): string => text.replaceAll(/ +\d+ (?:d|mo|y) /g, " AGE ");
    for (const [row] of readme.matchAll(/^(?:log-collector|elasticsearch) .*$/gm))
      expect(withoutAge(demo.stdout)).toContain(withoutAge(row));
  });
});

const describeNodes = await needs("nodes", "helm");

describeNodes("npm run demo with the name of a Kind cluster", () => {
  it("loads every image onto every node, and unloads all of them", async () => {
    const home = await mkdtemp(join(tmpdir(), "viola-demo-home-"));
    const nodes = await startNodes(2);
    try {
      for (const name of nodes.names)
        await nodes.exec(name, "sh", "-c", "ctr -n k8s.io events >/events 2>&1 &");

      expect(
        await runDemo(home, { PATH: process.env["PATH"], VIOLA_DEMO_CLUSTER: nodes.cluster }),
      ).toMatchObject({ code: 0 });

      for (const name of nodes.names) {
        const created = (await nodes.exec(name, "grep", "/images/create", "/events")).match(NAME) ?? [];
        expect([...new Set(created)].sort()).toEqual(IMAGES);
        expect(await nodes.exec(name, "ctr", "-n", "k8s.io", "images", "ls", "-q")).not.toMatch(NAME);
      }
    } finally {
      await nodes.remove();
      await rm(home, { recursive: true, force: true });
    }
  });
});
