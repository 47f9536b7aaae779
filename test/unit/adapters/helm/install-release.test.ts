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

function stateWith(said: {
  readonly stdout?: string;
  readonly stderr?: string;
}): Promise<ReleaseState | undefined> {
  const program = join(folder, `helm-${programs++}`);
  const { stdout = "", stderr = "" } = said;
  const code = stderr === "" ? 0 : 1;
  writeFileSync(program, `#!/bin/sh\ncat >&2 <<'E'\n${stderr}\nE\ncat <<'E'\n${stdout}\nE\nexit ${code}\n`);
  chmodSync(program, 0o755);
  const releases = new HelmReleaseTool({
    helm: { program, version: "v3.17.1" },
    cluster: {},
    environment: { PATH: process.env["PATH"] ?? "" },
    postRenderCommand: [],
  });
  return releases.releaseState({ name: "app", namespace: "apps" }, new AbortController().signal);
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
