// The user's chart repositories: a failure of helm is not an empty list.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import {
  findRepository,
  listRepositories,
  probablyHasRepositories,
  type HelmRepository,
} from "../../../../src/adapters/helm/repositories.js";

const folder = mkdtempSync(join(tmpdir(), "viola-repositories-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

let programs = 0;
async function find(name: string, script: string): Promise<HelmRepository | undefined> {
  const helm = join(folder, `helm-${programs++}`);
  writeFileSync(helm, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  const environment = { PATH: process.env["PATH"] ?? "" };
  const { signal } = new AbortController();
  return findRepository(name, await listRepositories(folder, { helm, environment, signal }));
}

it("finds an entry by name and by URL", async () => {
  const listed = `echo '[{"name":"own","url":"https://charts.example/"},{"name":"toString","url":"https://x"}]'`;
  expect(await find("@own", listed)).toMatchObject({ url: "https://charts.example/" });
  expect(await find("https://charts.example", listed)).toMatchObject({ name: "own" });
  await expect(find("@constructor", listed)).rejects.toMatchObject({ subject: "constructor" });
});

it.each(["echo '[]'", "echo 'Error: no repositories to show' >&2; exit 1"])(
  "has no repositories after %j",
  async (script) => {
    expect(await find("https://charts.example", script)).toBeUndefined();
    await expect(find("@own", script)).rejects.toMatchObject({ code: "CHART_UNAVAILABLE", subject: "own" });
  },
);

it.each([
  ["fails", "echo 'Error: unknown flag: --output' >&2; exit 1"],
  ["prints no JSON", "echo NAME URL"],
  ["prints something else", `echo '{"own":"https://charts.example"}'`],
  ["prints an entry without URL", `echo '[{"name":"own"}]'`],
])("reports helm when it %s", async (_, script) => {
  await expect(find("https://charts.example", script)).rejects.toMatchObject({
    code: "CHART_UNAVAILABLE",
    subject: "helm repo list",
  });
});

it("expects repositories where helm documents their file, and nowhere else", async () => {
  const file = join(folder, "set.yaml");
  const config = join(folder, "config");
  mkdirSync(join(config, "helm"), { recursive: true });
  expect(await probablyHasRepositories({ HOME: folder, HELM_REPOSITORY_CONFIG: file })).toBe(false);
  expect(await probablyHasRepositories({ HOME: folder, XDG_CONFIG_HOME: config })).toBe(false);

  writeFileSync(file, "");
  writeFileSync(join(config, "helm", "repositories.yaml"), "");

  expect(await probablyHasRepositories({ HOME: folder, HELM_REPOSITORY_CONFIG: file })).toBe(true);
  expect(await probablyHasRepositories({ HOME: folder, XDG_CONFIG_HOME: config })).toBe(true);
  expect(await probablyHasRepositories({ HOME: folder, HELM_CONFIG_HOME: join(config, "helm") })).toBe(true);
  expect(await probablyHasRepositories({ HOME: folder })).toBe(false);
});
