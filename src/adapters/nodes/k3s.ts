// k3s on this machine: its socket, its data folder, and the folder of image archives that it
// imports when it starts.
import { createWriteStream } from "node:fs";
import { mkdir, rename, rm, stat, statfs } from "node:fs/promises";
import { connect } from "node:net";
import { machine } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import type { ImageFolder } from "../../core/load/image-folder.js";
import { parseYaml, toValue, UnusableYaml } from "../../core/parse-yaml.js";
import { isSystemError, systemErrorCode, ViolaError } from "../../errors.js";
import { readLimited, TEXT_FILE_BYTES } from "../files/read-limited.js";
import { readFileRange } from "../files/read-range.js";
import { platformOfMachine } from "./ctr-node.js";

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The socket of the containerd of k3s. It does not depend on the data folder.
 * https://docs.k3s.io/advanced
 */
export const K3S_SOCKET = "/run/k3s/containerd/containerd.sock";
const DATA_FOLDER = "/var/lib/rancher/k3s";
const CONFIG_FILE = "/etc/rancher/k3s/config.yaml";

/**
 * Returns the data folder: K3S_DATA_DIR, `data-dir` of the configuration file, or the default.
 * https://docs.k3s.io/cli/server
 * Throws `NODE_LOAD_FAILED` when the configuration file cannot be read.
 */
export async function k3sDataFolder(env: Environment): Promise<string> {
  if (env["K3S_DATA_DIR"]) return env["K3S_DATA_DIR"];
  const file = env["K3S_CONFIG_FILE"] || CONFIG_FILE;
  const content = await readLimited(file, TEXT_FILE_BYTES).catch((cause: unknown) => {
    const code = systemErrorCode(cause);
    const hint = HINTS.get(code);
    if (code === "ENOENT" || code === "ENOTDIR") return Buffer.alloc(0);
    // The file may set another folder, so the default could be wrong.
    throw new ViolaError("NODE_LOAD_FAILED", `k3s: ${file} cannot be read (${code})`, {
      subject: file,
      cause,
      ...(hint !== undefined && { hint }),
    });
  });
  const config: unknown = readYaml(content.toString("utf8"));
  const folder = typeof config === "object" && config !== null && "data-dir" in config && config["data-dir"];
  return typeof folder === "string" ? folder : DATA_FOLDER;
}

/** Returns undefined for invalid YAML. k3s does not start with such a file. */
function readYaml(text: string): unknown {
  try {
    const document = parseYaml(text);
    return document.errors.length > 0 ? undefined : toValue(document);
  } catch (cause) {
    if (!(cause instanceof UnusableYaml)) throw cause;
    return undefined;
  }
}

/**
 * True when a process listens on the socket, even when this user is not permitted to connect to it.
 */
export function listensAt(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = connect(socket);
    connection.once("connect", () => {
      connection.destroy();
      resolve(true);
    });
    connection.once("error", ({ code }: NodeJS.ErrnoException) => {
      resolve(code === "EACCES" || code === "EPERM");
    });
  });
}

/** The folder of archives that k3s imports when it starts. https://docs.k3s.io/import-images */
export async function k3sImageFolder(env: Environment): Promise<ImageFolder> {
  const path = join(await k3sDataFolder(env), "agent/images");
  const must = async <T>(what: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T> => {
    try {
      return await work();
    } catch (cause) {
      signal?.throwIfAborted();
      const code = systemErrorCode(cause);
      throw new ViolaError("NODE_LOAD_FAILED", `k3s: ${path} cannot be ${what} (${code})`, {
        subject: path,
        cause,
        hint: HINTS.get(code) ?? "Check the folder and its disk, then try again.",
      });
    }
  };
  return {
    name: "k3s",
    path,
    platform: platformOfMachine(machine()),
    holds: (file, head, sizeBytes) =>
      must("read", async () => {
        const found = await stat(join(path, file)).catch(absent);
        if (found?.size !== sizeBytes) return false;
        return (await readFileRange(join(path, file), 0, head.length)).equals(head);
      }),
    freeBytes: () =>
      must("created", async () => {
        await mkdir(path, { recursive: true });
        const { bavail, bsize } = await statfs(path);
        return bavail * bsize;
      }),
    write: (file, content, signal) =>
      must(
        "written to",
        async () => {
          const partial = join(path, partialName(file));
          try {
            await pipeline(content, createWriteStream(partial, { flush: true }), { signal });
            await rename(partial, join(path, file));
          } catch (cause) {
            await rm(partial, { force: true });
            throw cause;
          }
        },
        signal,
      ),
    remove: (file) =>
      must("changed", async () => {
        await rm(join(path, partialName(file)), { force: true });
        const found = await stat(join(path, file)).catch(absent);
        if (found === undefined) return 0;
        await rm(join(path, file));
        return found.size;
      }),
  };
}

const HINTS: ReadonlyMap<string, string> = new Map([
  ["EACCES", "Run this as root."],
  ["EPERM", "Run this as root."],
  ["ENOSPC", "Free disk space there, then load again."],
]);

function absent(cause: unknown): undefined {
  if (!isSystemError(cause, "ENOENT", "ENOTDIR")) throw cause;
}

/** k3s ignores files with this extension. */
function partialName(file: string): string {
  return `${file}.part`;
}
