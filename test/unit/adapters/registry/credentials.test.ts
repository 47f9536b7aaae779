// The origin of credentials, and their hosts.
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CredentialStore, type Credential } from "../../../../src/adapters/registry/credentials.js";

let home = "";
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "viola-credentials-"));
});
afterEach(() => {
  rmSync(home, { recursive: true });
});

function write(name: string, value: unknown): string {
  const file = join(home, name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, typeof value === "string" ? value : JSON.stringify(value));
  return file;
}

function find(
  host: string,
  repository = "a/b",
  env: Record<string, string> = {},
): Promise<Credential | undefined> {
  return new CredentialStore({ env, home }).find(host, repository);
}

const auth = (user: string, password = "p:w"): { auth: string } => ({
  auth: Buffer.from(`${user}:${password}`).toString("base64"),
});
const DOCKER = ".docker/config.json";

/** A helper with credentials for one server, and the error of real helpers for others. */
function writeHelper(name: string, server: string, answer: object): Record<string, string> {
  const file = write(
    `bin/docker-credential-${name}`,
    `#!/bin/sh\nread server\n[ "$1 $server" = "get ${server}" ] && echo '${JSON.stringify(answer)}' && exit\necho 'credentials not found in native keychain'\nexit 1\n`,
  );
  chmodSync(file, 0o755);
  return { PATH: `${join(home, "bin")}:/usr/bin:/bin` };
}

describe("docker's config.json", () => {
  it("has user and password of exactly this host", async () => {
    const file = write(DOCKER, { auths: { "quay.io": auth("me"), "quay.io:8443": auth("other") } });

    expect(await find("quay.io")).toEqual({ kind: "password", user: "me", password: "p:w", from: file });
    expect(await find("quay.io:8443")).toMatchObject({ user: "other" });
    expect(await find("sub.quay.io")).toBeUndefined();
    expect(await find("quay.io:443")).toBeUndefined();
  });

  it("has an identity token", async () => {
    write(DOCKER, { auths: { "quay.io": { ...auth("<token>"), identitytoken: "t" } } });

    expect(await find("quay.io")).toMatchObject({ kind: "identity", token: "t" });
  });

  it.each(["https://index.docker.io/v1/", "docker.io", "https://docker.io"])(
    "has Docker Hub as %s",
    async (key) => {
      write(DOCKER, { auths: { [key]: auth("hub") } });

      expect(await find("docker.io", "library/busybox")).toMatchObject({ user: "hub" });
    },
  );

  it("supports old keys with scheme and version", async () => {
    write(DOCKER, { auths: { "https://registry.test/v2/": auth("me") } });

    expect(await find("registry.test")).toMatchObject({ user: "me" });
  });

  it("is found with DOCKER_CONFIG, and an invalid one is ignored", async () => {
    write("elsewhere/config.json", { auths: { "quay.io": auth("me") } });
    write(DOCKER, "{ not JSON");

    expect(await find("quay.io", "a/b", { DOCKER_CONFIG: join(home, "elsewhere") })).toMatchObject({
      user: "me",
    });
    expect(await find("quay.io")).toBeUndefined();
  });
});

describe("credential helpers", () => {
  it("are run before the file is read, and that of the host before the store", async () => {
    const env = writeHelper("one", "quay.io", { Username: "helped", Secret: "s" });
    writeHelper("all", "quay.io", { Username: "stored", Secret: "s" });
    const auths = { "quay.io": auth("file") };

    write(DOCKER, { auths, credsStore: "all", credHelpers: { "quay.io": "one" } });
    expect(await find("quay.io", "a/b", env)).toMatchObject({ user: "helped", password: "s" });

    write(DOCKER, { auths, credsStore: "all" });
    expect(await find("quay.io", "a/b", env)).toMatchObject({ user: "stored" });
  });

  it("get the old URL of Docker Hub, and may return an identity token", async () => {
    const answer = { Username: "<token>", Secret: "identity" };
    const env = writeHelper("all", "https://index.docker.io/v1/", answer);
    write(DOCKER, { credsStore: "all" });

    expect(await find("docker.io", "library/busybox", env)).toMatchObject({
      kind: "identity",
      token: "identity",
    });
  });

  it("without credentials and missing helpers are ignored", async () => {
    const env = writeHelper("all", "other.test", { Username: "u", Secret: "s" });
    const auths = { "quay.io": auth("file") };
    write(DOCKER, { auths, credsStore: "all", credHelpers: { "quay.io": "missing" } });

    expect(await find("quay.io", "a/b", env)).toMatchObject({ user: "file" });
  });

  it("are not run when the name contains a path", async () => {
    write(DOCKER, { credsStore: "../../bin/evil" });

    expect(await find("quay.io")).toBeUndefined();
  });
});

describe("podman's auth.json", () => {
  it("uses the longest matching path", async () => {
    write("run/containers/auth.json", {
      auths: { "quay.io": auth("host"), "quay.io/team": auth("team"), "quay.io/team/app": auth("app") },
    });
    const env = { XDG_RUNTIME_DIR: join(home, "run") };

    expect(await find("quay.io", "team/app", env)).toMatchObject({ user: "app" });
    expect(await find("quay.io", "team/application", env)).toMatchObject({ user: "team" });
    expect(await find("quay.io", "other/app", env)).toMatchObject({ user: "host" });
  });

  it("precedes Docker's file, and DOCKER_AUTH_CONFIG precedes both", async () => {
    const auths = (user: string): unknown => ({ auths: { "quay.io": auth(user) } });
    write(DOCKER, auths("docker"));
    expect(await find("quay.io")).toMatchObject({ user: "docker" });

    write(".config/containers/auth.json", auths("config"));
    expect(await find("quay.io")).toMatchObject({ user: "config" });

    const env = { REGISTRY_AUTH_FILE: write("named.json", auths("named")) };
    expect(await find("quay.io", "a/b", env)).toMatchObject({ user: "named" });

    const inline = { ...env, DOCKER_AUTH_CONFIG: JSON.stringify(auths("inline")) };
    expect(await find("quay.io", "a/b", inline)).toMatchObject({
      user: "inline",
      from: "DOCKER_AUTH_CONFIG",
    });
  });
});
