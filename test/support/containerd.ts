// A containerd for a test, with its own socket.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:http2";
import { connect as connectSocket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mustRun, run, type RunResult } from "./run.js";

export interface Containerd {
  /** Absolute path. */
  readonly socket: string;
  /** Runs ctr in the namespace `k8s.io`. */
  ctr(...command: string[]): Promise<RunResult>;
  /**
   * Pulls an image for linux/amd64 with the hosts.toml files of a folder, and nothing of other
   * platforms.
   */
  pull(name: string, hosts: string, ...options: string[]): Promise<RunResult>;
  /**
   * Pulls an image as the kubelet does, with CRI, without credentials, and with the hosts in the
   * folder `certs`.
   */
  pullByCri(name: string): Promise<void>;
  /** Returns the digests of all images by name. */
  images(): Promise<ReadonlyMap<string, string>>;
  stop(): Promise<void>;
}

/**
 * Starts it with empty folders, which `stop` removes. `certs` is its folder of hosts.toml files.
 * Programs in `programs` override those on PATH, for another version of containerd. Requires
 * `needs("ctr", "root")`. The folders are in `parent`.
 */
export async function startContainerd(
  certs = "/nowhere",
  programs?: string,
  parent = tmpdir(),
): Promise<Containerd> {
  const path = [programs, process.env["PATH"]].filter((part) => part !== undefined).join(":");
  const env = { ...process.env, PATH: path };
  const folder = mkdtempSync(join(parent, "viola-containerd-"));
  const socket = join(folder, "containerd.sock");
  const folders = ["--root", join(folder, "root"), "--state", join(folder, "state")];
  const config = join(folder, "config.toml");
  writeFileSync(
    config,
    `version = 2\n[plugins."io.containerd.grpc.v1.cri".registry]\n  config_path = "${certs}"\n`,
  );
  const options = ["--config", config, "--address", socket, "--log-level", "error", ...folders];
  const child = spawn("containerd", options, {
    env,
    stdio: "ignore",
  });
  const exit = new Promise((resolve) => child.once("exit", resolve));
  const ctr = (...command: string[]): Promise<RunResult> =>
    run("ctr", ["--address", socket, "--namespace", "k8s.io", ...command], { env });
  for (let tries = 0; (await ctr("version")).code !== 0; tries++) {
    if (tries === 100) throw new Error("containerd does not answer");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  // By default, ctr 2 requires the configs of all platforms. Pulls of the kubelet do not.
  const { stdout: help } = await ctr("images", "pull", "--help");
  const own = help.includes("--skip-metadata") ? ["--skip-metadata"] : [];
  return {
    socket,
    ctr,
    pull: (name, hosts, ...options) =>
      ctr("images", "pull", "--hosts-dir", hosts, "--platform", "linux/amd64", ...own, ...options, name),
    pullByCri: (name) => callCri(socket, "PullImage", message(message(Buffer.from(name)))),
    images: async () => {
      const list = await mustRun("ctr", ["--address", socket, "--namespace", "k8s.io", "images", "ls"], {
        env,
      });
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

/**
 * A protobuf message whose only field is the first, of bytes: ImageSpec with an image,
 * PullImageRequest with an ImageSpec.
 */
function message(field: Buffer): Buffer {
  const size = field.length < 128 ? [field.length] : [(field.length & 0x7f) | 0x80, field.length >> 7];
  return Buffer.concat([Buffer.from([0x0a, ...size]), field]);
}

/**
 * Calls a method of the image service. Rejects with its message when it fails.
 * https://github.com/kubernetes/cri-api
 */
async function callCri(socket: string, method: string, request: Buffer): Promise<void> {
  const session = connect("http://localhost", { createConnection: () => connectSocket(socket) });
  try {
    const call = session.request({
      ":method": "POST",
      ":path": `/runtime.v1.ImageService/${method}`,
      "content-type": "application/grpc",
      te: "trailers",
    });
    const head = Buffer.alloc(5);
    head.writeUInt32BE(request.length, 1);
    call.end(Buffer.concat([head, request]));
    await new Promise<void>((resolve, reject) => {
      const judge = (headers: Readonly<Record<string, unknown>>): void => {
        const status = headers["grpc-status"];
        if (status === "0") resolve();
        else if (status !== undefined) reject(new Error(String(headers["grpc-message"])));
      };
      call.on("response", judge).on("trailers", judge).on("error", reject).resume();
    });
  } finally {
    session.close();
  }
}
