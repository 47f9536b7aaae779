// Starts a real docker-registry process for a test on a free port of 127.0.0.1.
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { makeCertificate } from "./certificate.js";

/**
 * The kind of access: open, password over TLS, or tokens (pulling from `public/` needs no
 * password).
 */
export type RegistryDoor = "open" | "tls-password" | "bearer";

export interface DockerRegistry {
  readonly url: string;
  /** `127.0.0.1:PORT`, or with the requested address. */
  readonly host: string;
  readonly user: string;
  readonly password: string;
  /** The folder of its content, which another registry can be started with. */
  readonly storage: string;
  /** The file of the certificate authority, for `tls-password`. */
  readonly ca?: { readonly file: string; readonly pem: string };
  stop(): Promise<void>;
}

const USER = "viola";
const PASSWORD = "the password: of viola";
const TOKEN_SERVER = fileURLToPath(new URL("../../scripts/parts/token-server.ts", import.meta.url));

/**
 * Starts a registry at an address of this machine, with the given storage or with an empty one,
 * which `stop` removes.
 */
export async function startDockerRegistry(
  door: RegistryDoor,
  storage?: string,
  address = "127.0.0.1",
): Promise<DockerRegistry> {
  const folder = mkdtempSync(join(tmpdir(), "viola-registry-"));
  const children: ChildProcess[] = [];
  const at = (name: string): string => join(folder, name);
  let extra = "";
  if (door !== "open") makeCertificate(folder, `IP:${address}`);
  if (door === "tls-password") {
    const line = execFileSync("htpasswd", ["-Bbn", "-C", "4", USER, PASSWORD], { encoding: "utf8" });
    writeFileSync(at("htpasswd"), line);
    extra = `  tls: {certificate: ${at("server.crt")}, key: ${at("server.key")}}\nauth: {htpasswd: {realm: test, path: ${at("htpasswd")}}}\n`;
  } else if (door === "bearer") {
    const tokens = startTokenServer(at("server.crt"), at("server.key"));
    children.push(tokens);
    const token = `{realm: "http://${await listeningHost(tokens)}/token", service: test, issuer: viola-parts, rootcertbundle: ${at("server.crt")}}`;
    extra = `auth: {token: ${token}}\n`;
  }
  writeFileSync(
    at("config.yml"),
    `version: 0.1\nlog: {level: info, accesslog: {disabled: true}}\nstorage: {filesystem: {rootdirectory: ${storage ?? at("storage")}}}\nhttp:\n  addr: ${address}:0\n${extra}`,
  );
  const child = spawn("docker-registry", ["serve", at("config.yml")], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  children.push(child);
  const host = await listeningHost(child);
  return {
    url: `${door === "tls-password" ? "https" : "http"}://${host}`,
    host,
    user: USER,
    password: PASSWORD,
    storage: storage ?? at("storage"),
    ...(door === "tls-password" && { ca: { file: at("ca.crt"), pem: readFileSync(at("ca.crt"), "utf8") } }),
    stop: async () => {
      await Promise.all(children.map(ended));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function startTokenServer(certificate: string, key: string): ChildProcess {
  const login = ["--user", USER, "--password", PASSWORD];
  const files = ["--certificate", certificate, "--key", key];
  return spawn(process.execPath, ["--import", "tsx", TOKEN_SERVER, ...files, ...login], {
    stdio: ["ignore", "pipe", "ignore"],
  });
}

/** Reads the port that the kernel chose from the output of a server. */
function listeningHost(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let log = "";
    (child.stdout ?? child.stderr)?.setEncoding("utf8").on("data", (text: string) => {
      log += text;
      const host = /listening on (\d+\.\d+\.\d+\.\d+:\d+)/.exec(log)?.[1];
      if (host !== undefined) resolve(host);
    });
    child.on("error", reject);
    child.on("exit", () => {
      reject(new Error(`the server ended: ${log}`));
    });
  });
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = new Promise((resolve) => child.once("exit", resolve));
  child.kill();
  await exit;
}
