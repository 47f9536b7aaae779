// `--verbose`: requests and external commands on stderr, without secrets.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startEmbeddedRegistry, type EmbeddedRegistry } from "../../../scripts/parts/embedded-registry.js";
import { makeImage } from "../../../scripts/parts/images.js";
import { runProcess } from "../../../src/adapters/programs/run-process.js";
import { localShell } from "../../../src/adapters/exec/local-shell.js";
import { observeShell } from "../../../src/adapters/exec/shell.js";
import { formatActivity } from "../../../src/cli/reporters/activity.js";
import type { Activity } from "../../../src/core/activity.js";
import { runInProcess } from "../../support/in-process.js";

const PASSWORD = "correct-horse";
const { signal } = new AbortController();

let folder = "";
let registry: EmbeddedRegistry;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "viola-verbose-"));
  registry = await startEmbeddedRegistry({ login: { scheme: "basic", user: "viola", password: PASSWORD } });
  const image = makeImage(folder, { seed: "a", mediaTypes: "oci", layers: [1000] });
  registry.addImage(folder, image, "a/b", "1");
  await writeFile(
    join(folder, "bundle.yaml"),
    `name: a\nversion: "1"\nplatforms: [linux/amd64]\ncharts: []\nimages: { include: ["${registry.host}/a/b:1"] }\n`,
  );
});
afterAll(async () => {
  await registry.close();
  await rm(folder, { recursive: true });
});

const auth = Buffer.from(`viola:${PASSWORD}`).toString("base64");
const audit = (...flags: readonly string[]) =>
  runInProcess(["audit", join(folder, "bundle.yaml"), ...flags], {
    env: { DOCKER_AUTH_CONFIG: JSON.stringify({ auths: { [registry.host]: { auth } } }) },
  });

describe("requests", () => {
  it("have method, URL, status, bytes and time on stderr, and nothing changes on stdout", async () => {
    const plain = await audit("--json");
    const { code, stdout, stderr } = await audit("--json", "--verbose");

    expect(code).toBe(0);
    expect(stdout).toBe(plain.stdout);
    const lines = stderr.split("\n").filter((line) => line.startsWith("> "));
    const manifest = `http://${registry.host}/v2/a/b/manifests/1`;
    // Nothing at this port speaks TLS, which is tried first.
    expect(lines[0]).toMatch(/^> GET https:.*, 0 B, /);
    expect(lines[1]).toMatch(new RegExp(`^> GET ${manifest}: 401, `));
    expect(lines).toContainEqual(expect.stringMatching(new RegExp(`^> GET .*: 200, [\\d.]+ k?B, \\d+ ms$`)));
    expect(plain.stderr).not.toContain("> ");
  });

  it("are shown with --quiet, which hides progress only", async () => {
    const { stderr } = await audit("--quiet", "--verbose");

    expect(
      stderr
        .trim()
        .split("\n")
        .every((line) => line.startsWith("> ")),
    ).toBe(true);
  });

  it("show no credentials", async () => {
    const { stderr } = await audit("--verbose");

    for (const secret of [PASSWORD, auth]) expect(stderr).not.toContain(secret);
  });
});

describe("commands", () => {
  it("have arguments, exit code and time", async () => {
    const activities: Activity[] = [];
    const onActivity = (activity: Activity): void => void activities.push(activity);

    await runProcess(["sh", "-c", "exit 0", "--password", PASSWORD], { signal, onActivity });
    await runProcess(["sh", "-c", "exit 3"], { signal, onActivity }).catch(() => undefined);
    await runProcess(["/none/program"], { signal, onActivity }).catch(() => undefined);
    const shell = observeShell(localShell(process.env), "node-1", onActivity);
    await shell.exec(["sh", "-c", "exit 4"], signal);
    (await shell.open(["cat"], signal)).destroy();

    expect(activities).toMatchObject([
      { kind: "command", argv: ["sh", "-c", "exit 0", "--password", "REDACTED"], exitCode: 0 },
      { argv: ["sh", "-c", "exit 3"], exitCode: 3 },
      { argv: ["/none/program"] },
      { place: "node-1", exitCode: 4 },
      { place: "node-1", argv: ["cat"] },
    ]);
    expect(activities.map((activity) => "exitCode" in activity)).toEqual([true, true, false, true, false]);
  });

  it("are one line each, quoted, without control characters", () => {
    const argv = ["sh", "-c", "echo 'a'\n\u001b[31m", "x".repeat(1000)];
    const line = formatActivity({ kind: "command", place: "n", argv, exitCode: 0, durationMs: 12 });

    expect(line).toMatch(/^> \[n\] sh -c '[^\n\p{Cc}]*' 'x+…': exit code 0, 12 ms$/u);
    expect(line.length).toBeLessThan(400);
  });
});
