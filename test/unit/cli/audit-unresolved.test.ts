// An audit where a registry is down, and tables in a terminal.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import stringWidth from "string-width";
import type { AuditReport } from "../../../src/core/audit/report.js";
import { runInProcess } from "../../support/in-process.js";

let folder: string;
const at = (name: string): string => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "viola-audit-"));
  await writeFile(
    at("bundle.yaml"),
    [
      `name: demo`,
      `version: "1"`,
      `platforms: [linux/amd64]`,
      `charts: []`,
      `images: { include: [busybox, quay.io/prometheus/prometheus:v2.55.1] }`,
      `audit:`,
      `  components: { busybox: { name: 도구 } }`,
      `  images: { busybox: { purpose: "shell 📦" } }`,
    ].join("\n"),
  );
  // Nothing listens on this port.
  await writeFile(
    at("settings.yaml"),
    'mirrors: { "*": { endpoints: ["http://127.0.0.1:1"], only: true } }\n',
  );
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const audit = (...args: readonly string[]) =>
  runInProcess(["audit", at("bundle.yaml"), "--config", at("settings.yaml"), ...args]);

it("lists every image, says that sizes are unknown, and has a finding for each", async () => {
  const { code, stdout } = await audit("--json");
  expect(code).toBe(0);
  const report = JSON.parse(stdout) as AuditReport;
  expect(report.images.map(({ normalized, purpose, platforms }) => [normalized, purpose, platforms])).toEqual(
    [
      ["docker.io/library/busybox:latest", "shell 📦", []],
      ["quay.io/prometheus/prometheus:v2.55.1", "collects and stores metrics", []],
    ],
  );
  expect(report.components.map(({ name, uncompressedBytes }) => [name, uncompressedBytes])).toEqual([
    ["prometheus", null],
    ["도구", null],
  ]);
  const found = report.findings.filter(({ rule }) => rule === "warning:image-unresolved");
  expect(found).toHaveLength(2);
});

it("fails on it if it should", async () => {
  expect(await audit("--fail-on", "warning:image-unresolved", "--format", "list")).toMatchObject({
    code: 1,
    stdout: "docker.io/library/busybox:latest\nquay.io/prometheus/prometheus:v2.55.1\n",
  });
});

it("fits the terminal, unless --wide is given", async () => {
  const widest = (text: string): number => Math.max(...text.split("\n").map((line) => stringWidth(line)));
  const [narrow, wide, piped] = await Promise.all([
    runInProcess(["audit", at("bundle.yaml"), "--config", at("settings.yaml")], { columns: 80 }),
    runInProcess(["audit", at("bundle.yaml"), "--config", at("settings.yaml"), "--wide"], { columns: 80 }),
    audit(),
  ]);
  expect(widest(narrow.stdout)).toBeLessThanOrEqual(80);
  expect(widest(wide.stdout)).toBeGreaterThan(80);
  expect(piped.stdout).toBe(wide.stdout);
});
