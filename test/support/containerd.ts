// A containerd of the test's own, on a socket of its own.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mustRun, run, type RunResult } from "./run.js";

export interface Containerd {
  /** Runs ctr in the namespace `k8s.io`. */
  ctr(...command: string[]): Promise<RunResult>;
  /** Pulls an image for linux/amd64 with the hosts.toml files of a folder, and nothing of other platforms. */
  pull(name: string, hosts: string, ...options: string[]): Promise<RunResult>;
  /** Returns the digests of all images by name. */
  images(): Promise<ReadonlyMap<string, string>>;
  stop(): Promise<void>;
}

/** Starts it over empty folders, which `stop` removes. Only after `needs("ctr", "root")`. */
export async function startContainerd(): Promise<Containerd> {
  const folder = mkdtempSync(join(tmpdir(), "viola-containerd-"));
  const socket = join(folder, "containerd.sock");
  const folders = ["--root", join(folder, "root"), "--state", join(folder, "state")];
  const child = spawn("containerd", ["--address", socket, "--log-level", "error", ...folders], {
    stdio: "ignore",
  });
  const exit = new Promise((resolve) => child.once("exit", resolve));
  const ctr = (...command: string[]): Promise<RunResult> =>
    run("ctr", ["--address", socket, "--namespace", "k8s.io", ...command]);
  for (let tries = 0; (await ctr("version")).code !== 0; tries++) {
    if (tries === 100) throw new Error("containerd does not answer");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  // ctr 2 wants configs of all platforms unless told otherwise; the kubelet's pulls do not.
  const { stdout: help } = await ctr("images", "pull", "--help");
  const own = help.includes("--skip-metadata") ? ["--skip-metadata"] : [];
  return {
    ctr,
    pull: (name, hosts, ...options) =>
      ctr("images", "pull", "--hosts-dir", hosts, "--platform", "linux/amd64", ...own, ...options, name),
    images: async () => {
      const list = await mustRun("ctr", ["--address", socket, "--namespace", "k8s.io", "images", "ls"]);
      const lines = list.trim().split("\n").slice(1);
      return new Map(
        lines.map((line) => line.split(/\s+/)).map(([name = "", , digest = ""]) => [name, digest]),
      );
    },
    stop: async () => {
      child.kill();
      await exit;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
