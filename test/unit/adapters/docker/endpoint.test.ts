// The endpoint of the engine is found in the order of the docker CLI.
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  chooseSocket,
  findDockerEndpoint,
  knownSockets,
  type DockerEndpoint,
} from "../../../../src/adapters/docker/endpoint.js";

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "viola-endpoint-"));
});
afterEach(() => {
  rmSync(home, { recursive: true });
});

const find = (variables: Record<string, string> = {}): Promise<DockerEndpoint> =>
  findDockerEndpoint({ variables, homeDirectory: home, os: "linux" });

function write(path: string, text: string): void {
  mkdirSync(dirname(join(home, path)), { recursive: true });
  writeFileSync(join(home, path), text);
}

function writeContext(name: string, host: string, options: { skipVerify?: boolean; ca?: string } = {}): void {
  const id = createHash("sha256").update(name).digest("hex");
  const docker = { Host: host, SkipTLSVerify: options.skipVerify === true };
  write(`.docker/contexts/meta/${id}/meta.json`, JSON.stringify({ Name: name, Endpoints: { docker } }));
  if (options.ca !== undefined) write(`.docker/contexts/tls/${id}/docker/ca.pem`, options.ca);
}

test("DOCKER_HOST overrides every context", async () => {
  writeContext("colima", "unix:///colima.sock");
  write(".docker/config.json", JSON.stringify({ currentContext: "colima" }));
  expect(await find({ DOCKER_HOST: "unix:///mine.sock", DOCKER_CONTEXT: "colima" })).toMatchObject({
    kind: "socket",
    path: "/mine.sock",
  });
});

test("DOCKER_CONTEXT overrides the current context in config.json", async () => {
  writeContext("colima", "unix:///colima.sock");
  writeContext("desktop-linux", "unix:///desktop.sock");
  write(".docker/config.json", JSON.stringify({ currentContext: "desktop-linux" }));
  expect(await find()).toMatchObject({ path: "/desktop.sock" });
  expect(await find({ DOCKER_CONTEXT: "colima" })).toMatchObject({ path: "/colima.sock" });
});

test("DOCKER_CONFIG sets the folder", async () => {
  write("elsewhere/config.json", JSON.stringify({ currentContext: "default" }));
  expect(await find({ DOCKER_CONFIG: join(home, "elsewhere") })).toMatchObject({ kind: "socket" });
  write("elsewhere/config.json", JSON.stringify({ currentContext: "gone" }));
  await expect(find({ DOCKER_CONFIG: join(home, "elsewhere") })).rejects.toMatchObject({ subject: "gone" });
});

test("the default context is the default socket, regardless of the config", async () => {
  write(".docker/config.json", JSON.stringify({ auths: {} }));
  expect(await find({ DOCKER_CONTEXT: "default" })).toMatchObject({ kind: "socket" });
});

test.each([
  ["tcp://10.0.0.1:2375", "10.0.0.1", 2375],
  ["tcp://10.0.0.1", "10.0.0.1", 2375],
  ["http://build.local:80", "build.local", 80],
  ["10.0.0.1:4243", "10.0.0.1", 4243],
  ["tcp://[fd00::1]:2375", "fd00::1", 2375],
])("%s is plain TCP", async (text, host, port) => {
  const endpoint = await find({ DOCKER_HOST: text });
  expect(endpoint).toMatchObject({ kind: "tcp", host, port });
  expect(endpoint).not.toHaveProperty("tls");
});

test("DOCKER_TLS_VERIFY uses the certificates in DOCKER_CERT_PATH and the TLS port", async () => {
  write("certs/ca.pem", "the ca");
  write("certs/key.pem", "the key");
  expect(
    await find({ DOCKER_HOST: "tcp://host", DOCKER_TLS_VERIFY: "1", DOCKER_CERT_PATH: join(home, "certs") }),
  ).toMatchObject({ port: 2376, tls: { verify: true, ca: "the ca", key: "the key" } });
});

test("a context has its own certificates, and may disable verification", async () => {
  writeContext("remote", "tcp://host:2376", { skipVerify: true, ca: "context ca" });
  expect(await find({ DOCKER_CONTEXT: "remote" })).toMatchObject({
    tls: { verify: false, ca: "context ca" },
  });
});

test("the default socket comes first, then those of rootless and desktop engines", () => {
  const variables = { XDG_RUNTIME_DIR: "/run/user/1000" };
  expect(knownSockets({ variables, homeDirectory: "/home/me", os: "darwin" })).toEqual([
    "/var/run/docker.sock",
    "/run/user/1000/docker.sock",
    "/home/me/.docker/run/docker.sock",
    "/home/me/.docker/desktop/docker.sock",
    "/home/me/.colima/default/docker.sock",
    "/home/me/.rd/docker.sock",
  ]);
  expect(knownSockets({ variables: {}, homeDirectory: "C:/me", os: "win32" })).toEqual([
    "//./pipe/docker_engine",
  ]);
});

describe("among the known sockets", () => {
  const listen = async (path: string): Promise<Server> => {
    const server = createServer().listen(path);
    await once(server, "listening");
    return server;
  };
  /** Leaves a socket without a listener, as a killed engine does. */
  const leave = async (path: string): Promise<void> => {
    const server = await listen(`${path}.old`);
    renameSync(`${path}.old`, path);
    server.close();
    await once(server, "close");
  };
  const path = (name: string): string => join(home, name);

  test("a socket without a listener is skipped", async () => {
    await leave(path("dead"));
    const server = await listen(path("alive"));
    try {
      expect(await chooseSocket([path("missing"), path("dead"), path("alive")])).toBe(path("alive"));
    } finally {
      server.close();
    }
  });

  test("the first one is used when several respond", async () => {
    const servers = [await listen(path("one")), await listen(path("two"))];
    try {
      expect(await chooseSocket([path("one"), path("two")])).toBe(path("one"));
    } finally {
      for (const server of servers) server.close();
    }
  });

  test("a socket without a listener is reported when none responds, and the default when none exists", async () => {
    await leave(path("dead"));
    expect(await chooseSocket([path("missing"), path("dead")])).toBe(path("dead"));
    expect(await chooseSocket([path("missing"), path("gone")])).toBe(path("missing"));
  });
});

test.each([
  [{ DOCKER_HOST: "ssh://me@host" }, "ssh://me@host"],
  [{ DOCKER_HOST: "tcp://" }, "tcp://"],
  [{ DOCKER_HOST: "gopher://host" }, "gopher://host"],
  [{ DOCKER_CONTEXT: "gone" }, "gone"],
])("%j cannot be used", async (variables, subject) => {
  await expect(find(variables as Record<string, string>)).rejects.toMatchObject({
    code: "DOCKER_UNAVAILABLE",
    subject,
  });
});

test("a config.json that is not JSON is reported", async () => {
  write(".docker/config.json", "{");
  await expect(find()).rejects.toMatchObject({
    code: "DOCKER_UNAVAILABLE",
    subject: join(home, ".docker/config.json"),
  });
});
