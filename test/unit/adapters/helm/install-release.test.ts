// Parses the output of helm for a release, with a substitute that prints the output of Helm 3 and
// 4.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { HelmReleaseTool } from "../../../../src/adapters/helm/install-release.js";
import type { ReleaseState } from "../../../../src/core/install/cluster.js";

const folder = mkdtempSync(join(tmpdir(), "viola-helm-"));
let programs = 0;

afterAll(() => {
  rmSync(folder, { recursive: true });
});

interface Said {
  readonly stdout?: string;
  readonly stderr?: string;
}
const RELEASE = { name: "app", namespace: "apps" };
const { signal } = new AbortController();

function stateWith(said: Said): Promise<ReleaseState | undefined> {
  return helmThatSays(said).releaseState(RELEASE, signal);
}

function helmThatSays(said: Said): HelmReleaseTool {
  const program = join(folder, `helm-${programs++}`);
  const { stdout = "", stderr = "" } = said;
  const code = stderr === "" ? 0 : 1;
  writeFileSync(program, `#!/bin/sh\ncat >&2 <<'E'\n${stderr}\nE\ncat <<'E'\n${stdout}\nE\nexit ${code}\n`);
  chmodSync(program, 0o755);
  return new HelmReleaseTool({
    helm: { program, version: "v3.17.1" },
    cluster: {},
    environment: { PATH: process.env["PATH"] ?? "" },
    postRenderCommand: [],
  });
}

it("is the last revision, with the start of its operation", async () => {
  const entry = {
    revision: 1,
    updated: "2024-05-06T07:08:09.123456789Z",
    status: "pending-install",
    chart: "x-1",
  };

  expect(await stateWith({ stdout: JSON.stringify([entry]) })).toEqual({
    revision: 1,
    status: "pending-install",
    since: new Date("2024-05-06T07:08:09.123Z"),
  });
});

it("has no date when helm prints none", async () => {
  const state = await stateWith({ stdout: JSON.stringify([{ revision: 2, status: "failed" }]) });

  expect(state).toEqual({ revision: 2, status: "failed", since: undefined });
});

it("is absent only when helm reports that for the release", async () => {
  expect(
    await stateWith({ stderr: "WARNING: kubeconfig is group-readable\nError: release: not found" }),
  ).toBe(undefined);
  for (const stderr of [
    'Error: query: failed to query with labels: secrets is forbidden: clusterrole "nobody" not found',
    "Error: release: not found in cache",
  ]) {
    await expect(stateWith({ stderr })).rejects.toMatchObject({ code: "INSTALL_FAILED", subject: "app" });
  }
});

it("may have objects of several revisions, but not of those that were superseded or uninstalled", async () => {
  const history = ["superseded", "deployed", "failed", "pending-upgrade", "uninstalled"].map(
    (status, index) => ({ revision: index + 1, status, chart: `app-${index + 1}` }),
  );
  const helm = helmThatSays({ stdout: JSON.stringify(history) });

  expect(await helm.installedCharts(RELEASE, signal)).toEqual(["app-2", "app-3", "app-4"]);
  const none = helmThatSays({ stderr: "Error: release: not found" });
  expect(await none.installedCharts(RELEASE, signal)).toEqual([]);
  expect(await none.isInstalled(RELEASE, signal)).toBe(false);
});

it("is not installed any more where helm keeps the history of an uninstalled one", async () => {
  for (const [status, expected] of [
    ["uninstalled", false],
    ["uninstalling", true],
    ["failed", true],
  ] as const) {
    const helm = helmThatSays({ stdout: JSON.stringify([{ revision: 1, status }]) });
    expect(await helm.isInstalled(RELEASE, signal)).toBe(expected);
  }
});

it("is removed, and helm says what it kept", async () => {
  const options = { timeoutSeconds: 60, runsHooks: true, isWaiting: true };
  const stdout =
    'These resources were kept due to the resource policy:\n[CustomResourceDefinition] things.example.org\n[Secret] keys\n\nrelease "app" uninstalled';

  expect(await helmThatSays({ stdout }).remove(RELEASE, options, signal)).toEqual([
    "[CustomResourceDefinition] things.example.org",
    "[Secret] keys",
  ]);
  await expect(
    helmThatSays({ stderr: "Error: uninstallation completed with 1 error(s)" }).remove(
      RELEASE,
      options,
      signal,
    ),
  ).rejects.toMatchObject({ code: "UNINSTALL_FAILED", subject: "app" });
});
