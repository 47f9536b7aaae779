// Finds the address of the Docker engine, in the same way as the docker CLI. Also tries the sockets
// of Docker Desktop, rootless Docker, Colima and Rancher Desktop.
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import * as z from "zod";
import { parseJson } from "../../core/parse-json.js";
import { readLimited, TEXT_FILE_BYTES } from "../files/read-limited.js";
import { isSystemError, ViolaError } from "../../errors.js";

/** The inputs of the search. */
export interface DockerEnvironment {
  /** Environment variables. */
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly homeDirectory: string;
  readonly os: NodeJS.Platform;
}

/**
 * Certificates in PEM format. `verify` is false when the user disabled the verification of the
 * engine's certificate.
 */
export interface EndpointTls {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly verify: boolean;
}

/** The address of an engine. `foundIn` names its source in messages. */
export type DockerEndpoint = { readonly foundIn: string } & (
  | { readonly kind: "socket"; readonly path: string }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number; readonly tls?: EndpointTls }
);

const DEFAULT_CONTEXT = "default";
const UNIX_SOCKET = "/var/run/docker.sock";
const WINDOWS_PIPE = "//./pipe/docker_engine";
const TCP_PORT = 2375;
const TLS_PORT = 2376;
/** The fields of config.json and of meta.json of a context that are used. */
const CONFIG = z.object({ currentContext: z.string().exactOptional() });
const CONTEXT = z.object({
  Endpoints: z
    .object({
      docker: z
        .object({ Host: z.string().exactOptional(), SkipTLSVerify: z.boolean().exactOptional() })
        .exactOptional(),
    })
    .exactOptional(),
});
/** A socket on this machine accepts connections immediately unless no process listens on it. */
const CONNECT_MS = 2_000;

/**
 * Finds the endpoint from DOCKER_HOST, DOCKER_CONTEXT, `currentContext` of config.json, or the
 * first known socket that accepts a connection, in this order.
 * Throws `DOCKER_UNAVAILABLE` for a context or address that cannot be used.
 * https://github.com/docker/cli/blob/master/cli/command/cli.go (resolveContextName,
 * resolveDockerEndpoint)
 */
export async function findDockerEndpoint(environment: DockerEnvironment): Promise<DockerEndpoint> {
  const { variables, homeDirectory } = environment;
  const folder = variables["DOCKER_CONFIG"] ?? join(homeDirectory, ".docker");
  const host = variables["DOCKER_HOST"];
  if (host) {
    const certificates = variables["DOCKER_CERT_PATH"] ?? folder;
    const wantsTls = Boolean(variables["DOCKER_TLS_VERIFY"]) || Boolean(variables["DOCKER_TLS"]);
    const verify = Boolean(variables["DOCKER_TLS_VERIFY"]);
    const tls = wantsTls ? { ...(await readCertificates(certificates)), verify } : undefined;
    return parseHost(host, "DOCKER_HOST", tls);
  }
  const context = variables["DOCKER_CONTEXT"] ?? (await readCurrentContext(folder));
  if (context && context !== DEFAULT_CONTEXT) return await readContext(folder, context);
  const sockets = knownSockets(environment);
  const path = await chooseSocket(sockets);
  return { kind: "socket", path, foundIn: path === sockets[0] ? "the default socket" : "a known socket" };
}

/**
 * Returns the first socket that accepts a connection, because the socket of a stopped engine may
 * still exist. When there is none, returns the first that exists, so that the error of the
 * connection states the reason, or else the first of the list.
 */
export async function chooseSocket(sockets: readonly string[]): Promise<string> {
  const there = sockets.filter((candidate) => existsSync(candidate));
  for (const path of there) if (await takesConnections(path)) return path;
  return there[0] ?? sockets[0] ?? UNIX_SOCKET;
}

function takesConnections(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const endWith = (takes: boolean) => (): void => {
      socket.destroy();
      resolve(takes);
    };
    socket
      .once("connect", endWith(true))
      .once("error", endWith(false))
      .setTimeout(CONNECT_MS, endWith(false));
  });
}

/**
 * Lists the default sockets: Docker Engine, rootless Docker, Docker Desktop (new and old), Colima
 * and Rancher Desktop.
 */
export function knownSockets({ variables, homeDirectory, os }: DockerEnvironment): readonly string[] {
  if (os === "win32") return [WINDOWS_PIPE];
  const runtime = variables["XDG_RUNTIME_DIR"];
  return [
    UNIX_SOCKET,
    ...(runtime ? [join(runtime, "docker.sock")] : []),
    ...[".docker/run", ".docker/desktop", ".colima/default", ".rd"].map((folder) =>
      join(homeDirectory, folder, "docker.sock"),
    ),
  ];
}

/** Parses `unix://PATH`, `npipe://PATH`, `tcp://HOST[:PORT]`, `http(s)://…` or `HOST:PORT`. */
function parseHost(text: string, foundIn: string, tls: EndpointTls | undefined): DockerEndpoint {
  const unusable = (hint: string): ViolaError =>
    new ViolaError("DOCKER_UNAVAILABLE", `${foundIn} is "${text}", which is not a supported address`, {
      subject: text,
      hint,
    });
  const [, scheme = "tcp", rest = text] = /^([a-z]+):\/\/(.*)$/.exec(text) ?? [];
  if (scheme === "unix") return { kind: "socket", path: rest || UNIX_SOCKET, foundIn };
  if (scheme === "npipe") return { kind: "socket", path: rest || WINDOWS_PIPE, foundIn };
  if (scheme === "ssh") {
    throw unusable(
      `Forward the socket (ssh -L /tmp/docker.sock:${UNIX_SOCKET} ${rest}) and set DOCKER_HOST=unix:///tmp/docker.sock.`,
    );
  }
  const url = URL.canParse(`tcp://${rest}`) ? new URL(`tcp://${rest}`) : undefined;
  if (!["tcp", "http", "https"].includes(scheme) || !url?.hostname) {
    throw unusable("Write it as unix:///PATH or tcp://HOST:PORT.");
  }
  const secure = tls ?? (scheme === "https" ? { verify: true } : undefined);
  return {
    kind: "tcp",
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: Number(url.port || (secure ? TLS_PORT : TCP_PORT)),
    ...(secure !== undefined && { tls: secure }),
    foundIn,
  };
}

async function readCurrentContext(folder: string): Promise<string | undefined> {
  const text = await readIfThere(join(folder, "config.json"));
  return text === undefined ? undefined : parseFile(text, CONFIG, join(folder, "config.json")).currentContext;
}

/** https://github.com/docker/cli/blob/master/cli/context/store/doc.go */
async function readContext(folder: string, name: string): Promise<DockerEndpoint> {
  const id = createHash("sha256").update(name).digest("hex");
  const file = join(folder, "contexts/meta", id, "meta.json");
  const text = await readIfThere(file);
  const missing = (): ViolaError =>
    new ViolaError("DOCKER_UNAVAILABLE", `Docker context "${name}" does not exist or has no engine address`, {
      subject: name,
      hint: "List the contexts with `docker context ls`, or set DOCKER_HOST.",
    });
  if (text === undefined) throw missing();
  const docker = parseFile(text, CONTEXT, file).Endpoints?.docker;
  if (docker?.Host === undefined) throw missing();
  const certificates = join(folder, "contexts/tls", id, "docker");
  const tls = existsSync(certificates)
    ? { ...(await readCertificates(certificates)), verify: docker.SkipTLSVerify !== true }
    : undefined;
  return parseHost(docker.Host, `Docker context "${name}"`, tls);
}

async function readCertificates(folder: string): Promise<Omit<EndpointTls, "verify">> {
  const [ca, cert, key] = await Promise.all(
    ["ca.pem", "cert.pem", "key.pem"].map((name) => readIfThere(join(folder, name))),
  );
  return {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
  };
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return (await readLimited(file, TEXT_FILE_BYTES)).toString("utf8");
  } catch (cause) {
    if (isSystemError(cause, "ENOENT")) return undefined;
    throw new ViolaError("DOCKER_UNAVAILABLE", `${file} cannot be read`, { subject: file, cause });
  }
}

function parseFile<T>(text: string, schema: z.ZodType<T>, file: string): T {
  return parseJson(
    text,
    schema,
    (what, cause) =>
      new ViolaError("DOCKER_UNAVAILABLE", `${file} cannot be used: ${what}`, { subject: file, cause }),
  );
}
