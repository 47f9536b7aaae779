// The user's settings file.
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  defaultSettings,
  loadSettings,
  type Settings,
} from "../../../../src/adapters/files/user-settings.js";

let home = "";
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "viola-settings-"));
});
afterEach(() => {
  rmSync(home, { recursive: true });
});

function write(name: string, text: string): string {
  const file = join(home, name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
}

function load(text: string): Promise<Settings> {
  return loadSettings({ file: write("s.yaml", text), env: {}, home, platform: "linux" });
}

describe("loadSettings", () => {
  it("reads everything, with paths from the file's folder", async () => {
    const pem = "-----BEGIN CERTIFICATE-----\n";
    write("certs/ca.pem", pem);

    const settings = await load(`
mirrors:
  quay.io: ["http://127.0.0.1:5000/quay.io"]
  "*": {endpoints: ["http://127.0.0.1:5000/live/{registry}"], only: true}
insecure: [registry.test:5000]
ca: certs/ca.pem
helm: ./bin/helm
concurrency: 3
stallTimeout: 90
cache: kept
keys: [release.pub, /keys/next.pub]
`);

    expect(settings).toEqual({
      mirrors: new Map([
        ["quay.io", { endpoints: ["http://127.0.0.1:5000/quay.io"], only: false }],
        ["*", { endpoints: ["http://127.0.0.1:5000/live/{registry}"], only: true }],
      ]),
      insecure: new Set(["registry.test:5000"]),
      ca: [{ file: join(home, "certs/ca.pem"), pem }],
      helm: join(home, "bin/helm"),
      concurrency: 3,
      stallTimeoutMs: 90_000,
      cache: { folder: join(home, "kept") },
      keys: [join(home, "release.pub"), "/keys/next.pub"],
    });
  });

  it("keeps blobs only with a limit, in a folder that the file may name", async () => {
    expect(await load("cache: { folder: kept, limit: 1.5GB }\n")).toMatchObject({
      cache: { folder: join(home, "kept"), limitBytes: 1_500_000_000 },
    });
    expect(await load("cache: { limit: 4096 }\n")).toMatchObject({ cache: { limitBytes: 4096 } });
  });

  it("does not resolve a bare program name, which is looked up in PATH", async () => {
    expect(await load("helm: helm4\n")).toMatchObject({ helm: "helm4" });
  });

  it("has defaults when no file exists and none is specified", async () => {
    const place = { env: {}, home, platform: "linux" } as const;

    expect(await loadSettings(place)).toEqual(defaultSettings());
    await expect(loadSettings({ ...place, file: join(home, "none.yaml") })).rejects.toMatchObject({
      code: "SETTINGS_INVALID",
      subject: join(home, "none.yaml"),
    });
  });

  it.each([
    ["linux", {}, ".config/viola-airgap/config.yaml"],
    ["linux", { XDG_CONFIG_HOME: "HOME/xdg" }, "xdg/viola-airgap/config.yaml"],
    ["darwin", {}, "Library/Application Support/viola-airgap/config.yaml"],
    ["linux", { VIOLA_AIRGAP_CONFIG: "HOME/mine.yaml" }, "mine.yaml"],
  ] as const)("finds the file on %s with %j", async (platform, variables, name) => {
    write(name, "concurrency: 5\n");
    const env = Object.fromEntries(
      Object.entries(variables).map(([key, value]) => [key, value.replace("HOME", home)]),
    );

    expect(await loadSettings({ env, home, platform })).toMatchObject({ concurrency: 5 });
  });

  it.each([
    ["mirrors: {quay.io: http://x}", 1],
    ["mirrors: {quay.io: [ftp://x]}", 1],
    ["mirrors: {quay.io: ['http://user:secret@x']}", 1],
    ["mirrors: {quay.io: [http://x, https://y/z]}\nmirors: {}", 2],
    ["insecure: [http://x]", 1],
    ["\nconcurrency: 0", 2],
    ["\n\ncache: { limit: much }", 3],
    ["cache: { size: 1GB }", 1],
  ])("rejects %j with its location", async (text, line) => {
    const failure = load(text);

    await expect(failure).rejects.toMatchObject({
      code: "SETTINGS_INVALID",
      subject: expect.stringContaining(`s.yaml:${line}:`) as unknown,
    });
    await expect(failure).rejects.not.toThrow("secret");
  });

  it("reports all errors at once", async () => {
    await expect(load("concurrency: no\ncahce: x\n")).rejects.toMatchObject({
      code: "MULTIPLE_ERRORS",
      errors: [{ code: "SETTINGS_INVALID" }, { code: "SETTINGS_INVALID" }],
    });
    await expect(load("ca: [none.pem, s.yaml]\n")).rejects.toMatchObject({ code: "MULTIPLE_ERRORS" });
  });
});
