// Signals: a command cleans up after the first one, and ends immediately after the second one.
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { startCli } from "../support/cli.js";
import type { Running } from "../support/run.js";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "viola-interrupted-"));
});
afterEach(() => rm(folder, { recursive: true }));

/**
 * Runs a command with a podman that does not respond, and resolves when podman runs. `onTerm` is
 * its reaction to SIGTERM.
 */
async function askPodman(onTerm: string): Promise<{ command: Running; podman: number }> {
  const note = join(folder, "pid");
  const script = `#!/bin/sh\ntrap '${onTerm}' TERM\necho $$ > '${note}.new' && mv '${note}.new' '${note}'\nwhile :; do sleep 0.1; done\n`;
  await writeFile(join(folder, "podman"), script);
  await chmod(join(folder, "podman"), 0o755);
  const env = { PATH: `${folder}:${process.env["PATH"] ?? ""}` };
  const command = startCli(["doctor", "--to", "podman"], { env });
  await expect.poll(() => readFile(note, "utf8").catch(() => ""), { timeout: 20_000 }).not.toBe("");
  return { command, podman: Number(await readFile(note, "utf8")) };
}

it.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)("%s ends a command with exit code 130", async (signal) => {
  const { command } = await askPodman("exit 1");

  command.process.kill(signal);

  const { code, stderr } = await command.result;
  expect(code).toBe(130);
  expect(stderr).toContain("interrupted");
});

it("a second Ctrl-C ends a command that does not stop, and reports what may be left", async () => {
  const { command, podman } = await askPodman("");
  try {
    let result: Awaited<Running["result"]> | undefined;
    void command.result.then((ended) => (result = ended));

    await expect
      .poll(
        () => {
          command.process.kill("SIGINT");
          return result?.code;
        },
        { timeout: 20_000, interval: 200 },
      )
      .toBe(130);

    expect(result?.stderr).toContain("viola-airgap-*");
  } finally {
    process.kill(podman, "SIGKILL");
  }
});
