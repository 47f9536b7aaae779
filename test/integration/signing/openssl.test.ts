// Signatures beside openssl: each side verifies and reads what the other wrote. Builds need no part.
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { parsePrivateKey } from "../../../src/core/signing/keys.js";
import type { OpenBundle } from "../../../src/workflows/ports.js";
import { bundleOf } from "../../support/bundle-of.js";
import { runCli } from "../../support/cli.js";
import { runInProcess } from "../../support/in-process.js";
import { needs } from "../../support/parts.js";
import { ROOT } from "../../support/paths.js";
import { run, type RunResult } from "../../support/run.js";

const LOADER = join(ROOT, "manifests/bundle/load.sh");
const PATH = process.env["PATH"] ?? "";
let folder = "";
const at = (name: string): string => join(folder, name);
const shell = (command: string, env: Readonly<Record<string, string>> = {}): Promise<RunResult> =>
  run("sh", ["-c", command], { cwd: folder, env: { PATH, ...env } });

async function viola(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const { code, stdout } = await runInProcess([...args, "--json"], { cwd: folder, env: { PATH, ...env } });
  return { code, document: JSON.parse(stdout) as Record<string, unknown> };
}
const build = (output: string, flags: readonly string[], env?: Readonly<Record<string, string>>) =>
  viola(["build", "spec.yaml", "-o", output, "--platform", "linux/amd64", ...flags], env);

/** The command in the documents. */
const VERIFY =
  "openssl pkeyutl -verify -pubin -inkey release.pub -rawin -in bundle.json -sigfile bundle.json.sig";
const SIGN = "openssl pkeyutl -sign -inkey release.key -rawin -in /dev/stdin";

(await needs("openssl"))("with openssl", () => {
  let bundle: OpenBundle;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "viola-openssl-"));
    writeFileSync(at("spec.yaml"), "name: app\nversion: 1.0.0\ncharts: []\n");
    expect((await viola(["keygen", "-o", "release"])).code).toBe(0);
    expect((await viola(["keygen", "-o", "other"])).code).toBe(0);
    bundle = await bundleOf(
      folder,
      "signed",
      [{ seed: "openssl", mediaTypes: "oci", layers: [5000], reference: "quay.io/org/app:1" }],
      { signKey: parsePrivateKey(readFileSync(at("release.key"), "utf8"), "release.key") },
    );
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  it("keygen writes keys that openssl reads, and never overwrites one", async () => {
    const { document } = await viola(["keygen", "-o", "mine"], { VIOLA_AIRGAP_KEY_PASSPHRASE: "secret" });
    expect(document).toMatchObject({
      privateFile: at("mine.key"),
      publicFile: at("mine.pub"),
      encrypted: true,
    });
    expect(statSync(at("mine.key")).mode & 0o777).toBe(0o600);
    const before = readFileSync(at("mine.key"));
    const derived = await shell("openssl pkey -in mine.key -passin pass:secret -pubout");
    expect(derived.stdout).toBe(readFileSync(at("mine.pub"), "utf8"));
    const der = await shell("openssl pkey -pubin -in mine.pub -outform DER | sha256sum");
    expect(`sha256:${der.stdout.split(" ")[0]}`).toBe(document["keyId"]);

    rmSync(at("mine.pub"));
    expect((await viola(["keygen", "-o", "mine"])).document).toMatchObject({
      error: { code: "FILE_UNUSABLE", subject: at("mine.key") },
    });
    expect(readFileSync(at("mine.key"))).toEqual(before);
    expect(existsSync(at("mine.pub"))).toBe(false);
    expect((await viola(["keygen", "-o", "mine", "--force"])).code).toBe(0);
    expect(readFileSync(at("mine.key"))).not.toEqual(before);
    expect(statSync(at("mine.key")).mode & 0o777).toBe(0o600);
  });

  it("build signs what openssl verifies, and the same inputs give the same bytes", async () => {
    const { document } = await build("one.bundle", ["--sign-key", "release.key"]);
    expect(document).toMatchObject({ signed: true });
    await build("two.bundle", [], { VIOLA_AIRGAP_SIGN_KEY: readFileSync(at("release.key"), "utf8") });
    await build("three.bundle", ["--sign-command", SIGN, "--key", "release.pub"]);
    await build("four.bundle", ["--sign-command", `${SIGN} | base64`]);
    const sums = ["one", "two", "three", "four"].map((name) =>
      createHash("sha256")
        .update(readFileSync(at(`${name}.bundle`)))
        .digest("hex"),
    );
    expect(new Set(sums).size).toBe(1);

    const entries = await shell("tar -tf one.bundle");
    expect(entries.stdout.split("\n").slice(0, 3)).toEqual(["bundle.json", "bundle.json.sig", "facts"]);
    const verified = await shell(`tar -xf one.bundle bundle.json bundle.json.sig && ${VERIFY}`);
    expect({ code: verified.code, stderr: verified.stderr }).toEqual({ code: 0, stderr: "" });
    expect((await shell("tar -xOf one.bundle README.txt")).stdout).toContain("bundle.json.sig");
    expect((await shell(VERIFY.replace("release.pub", "other.pub"))).code).not.toBe(0);
  });

  it("build signs with encrypted keys of openssl, of which only the passphrase is missing at first", async () => {
    await shell("openssl genpkey -algorithm ed25519 -aes256 -pass pass:word -out theirs.key");
    await shell("openssl pkey -in theirs.key -passin pass:word -pubout -out theirs.pub");
    expect((await build("theirs.bundle", ["--sign-key", "theirs.key"])).document).toMatchObject({
      error: { code: "KEY_INVALID", subject: "theirs.key" },
    });
    await build("theirs.bundle", ["--sign-key", "theirs.key"], { VIOLA_AIRGAP_KEY_PASSPHRASE: "word" });
    expect((await viola(["show", "theirs.bundle", "--key", "theirs.pub"])).code).toBe(0);
  });

  it.each([
    ["ends with an error", "echo no token >&2; exit 3", []],
    ["prints something else", "cat", []],
    ["prints nothing", "true", []],
    ["does not exist", "no-such-signer-program", []],
    ["signs with another key", SIGN.replace("release", "other"), ["--key", "release.pub"]],
    [
      "signs a digest",
      "openssl dgst -sha256 -binary > digest; openssl pkeyutl -sign -inkey release.key -rawin -in digest",
      ["--key", "release.pub"],
    ],
  ])("build leaves no bundle when the command to sign %s", async (_, command, flags) => {
    const { code, document } = await build("failed.bundle", ["--sign-command", command, ...flags]);
    expect({ code, document }).toMatchObject({
      code: 2,
      document: { error: { code: "SIGNING_FAILED", subject: "--sign-command" } },
    });
    expect(existsSync(at("failed.bundle"))).toBe(false);
  });

  it("build refuses keys before it does anything", async () => {
    await shell("openssl genpkey -algorithm rsa -pkeyopt rsa_keygen_bits:1024 -out rsa.key");
    const failures: readonly (readonly [readonly string[], object])[] = [
      [["--sign-key", "rsa.key"], { code: "KEY_INVALID", subject: "rsa.key" }],
      [["--sign-key", "release.pub"], { code: "KEY_INVALID", subject: "release.pub" }],
      [["--sign-key", "none.key"], { code: "FILE_UNUSABLE", subject: "none.key" }],
      [["--sign-key", "release.key", "--key", "other.pub"], { code: "KEY_INVALID", subject: "release.key" }],
      [["--sign-key", "release.key", "--sign-command", SIGN], { code: "USAGE" }],
    ];
    for (const [flags, error] of failures)
      expect((await build("refused.bundle", flags)).document).toMatchObject({ error });
    const onKey = await build("release.key", ["--force", "--sign-key", "release.key"]);
    expect(onKey.document).toMatchObject({ error: { code: "FILE_UNUSABLE", subject: at("release.key") } });
    expect(existsSync(at("refused.bundle.partial"))).toBe(false);
  });

  it.each(["public", "private"] as const)("the hint converts a %s key of OpenSSH", async (kind) => {
    writeFileSync(at("ssh"), openSshKey()[kind]);
    const isPublic = kind === "public";
    const { document } = isPublic
      ? await viola(["show", bundle.file, "--key", "ssh"])
      : await build("ssh.bundle", ["--sign-key", "ssh"]);
    const { hint } = document["error"] as { hint: string };
    const toPublic = isPublic ? "" : " | openssl pkey -pubout";
    const converted = await shell(`${hint.slice(hint.indexOf(": ") + 2)}${toPublic}`);
    expect(converted.stdout).toBe(readFileSync(at("release.pub"), "utf8"));
  });

  it("load.sh verifies with openssl alone, and refuses before it reads anything else", async () => {
    const load = (flags: string, env: Readonly<Record<string, string>> = {}) =>
      shell(`sh ${LOADER} ${bundle.file} --list ${flags}`, { TMPDIR: folder, VIOLA_SH_ONLY: "1", ...env });
    const accepted = [
      await load("--key release.pub"),
      await load("--key other.pub --key=release.pub"),
      await load("", { VIOLA_AIRGAP_KEY: "release.pub" }),
      await load("", { VIOLA_AIRGAP_KEY: readFileSync(at("release.pub"), "utf8") }),
    ];
    for (const { code, stdout } of accepted)
      expect({ code, stdout }).toEqual({ code: 0, stdout: "quay.io/org/app:1\n" });

    const bytes = readFileSync(bundle.file);
    const { offset } = bundle.locate("bundle.json");
    bytes.write("9", bytes.indexOf("1.0.0", offset));
    writeFileSync(at("altered.tar"), bytes);
    await bundleOf(folder, "unsigned", []);
    writeFileSync(at("empty.pub"), "\n");
    const old = at("old");
    mkdirSync(old);
    for (const name of ["sh", "awk", "dd", "tr", "head", "mktemp", "rm", "cat", "grep", "sha256sum"])
      symlinkSync((await shell(`command -v ${name}`)).stdout.trim(), join(old, name));
    const none = await load("--key release.pub", { PATH: old });
    writeFileSync(join(old, "openssl"), "#!/bin/sh\necho 'LibreSSL 3.3.6'\n");
    chmodSync(join(old, "openssl"), 0o755);
    const refused = [
      none,
      await load("--key release.pub", { PATH: old }),
      await load("--key other.pub"),
      await load("--key none.pub"),
      await load("--key release.key"),
      await load("--key rsa.key"),
      await load("--key release.pub --key empty.pub"),
      await load("", { VIOLA_AIRGAP_KEY: "other.pub" }),
      await shell(`sh ${LOADER} altered.tar --list --key release.pub`),
      await shell(`sh ${LOADER} unsigned.tar --list --key release.pub`),
    ];
    for (const { code, stdout, stderr } of refused) {
      expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
      expect(stderr).toMatch(/^error: /);
    }
    // Without --key, the same bundle is only checked for damage, which this is none of.
    expect((await shell(`sh ${LOADER} unsigned.tar --list`)).code).toBe(0);
  });

  it("verify and serve read the whole signed bundle before they answer", async () => {
    const verified = await runCli(["verify", bundle.file, "--key", at("release.pub"), "--json"]);
    expect(JSON.parse(verified.stdout)).toMatchObject({ problems: [], signature: { verified: true } });

    const bytes = readFileSync(bundle.file);
    const { offset = 0 } = bundle.inventory.blobs.find(({ size }) => size > 4000) ?? {};
    bytes[offset + 100] = (bytes[offset + 100] ?? 0) ^ 1;
    writeFileSync(at("layer.tar"), bytes);
    const damaged = await runCli(["verify", at("layer.tar"), "--key", at("release.pub"), "--json"]);
    expect(damaged.code).toBe(1);
    const served = await runCli([
      "serve",
      at("layer.tar"),
      "--listen",
      "127.0.0.1:0",
      "--key",
      at("release.pub"),
      "--json",
    ]);
    expect(served.code).toBe(2);
    expect(JSON.parse(served.stdout)).toMatchObject({ error: { code: "BUNDLE_INVALID" } });
  });
});

/** The release key in the formats of OpenSSH (PROTOCOL.key), as ssh-keygen writes them. */
function openSshKey(): { readonly public: string; readonly private: string } {
  const { key } = parsePrivateKey(readFileSync(at("release.key"), "utf8"), "release.key");
  const { d = "", x = "" } = key.export({ format: "jwk" });
  const [seed, point] = [d, x].map((part) => Buffer.from(part, "base64url")) as [Buffer, Buffer];
  const text = (content: Buffer | string): Buffer => {
    const bytes = Buffer.from(content as string);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    return Buffer.concat([length, bytes]);
  };
  const blob = Buffer.concat([text("ssh-ed25519"), text(point)]);
  const secret = Buffer.concat([
    Buffer.from("0123456701234567", "hex"),
    blob,
    text(Buffer.concat([seed, point])),
    text("me@host"),
  ]);
  const padding = Buffer.from([1, 2, 3, 4, 5, 6, 7]).subarray(0, (8 - (secret.length % 8)) % 8);
  const file = Buffer.concat([
    Buffer.from("openssh-key-v1\0"),
    text("none"),
    text("none"),
    text(""),
    Buffer.from([0, 0, 0, 1]),
    text(blob),
    text(Buffer.concat([secret, padding])),
  ]);
  const lines = file.toString("base64").match(/.{1,70}/g) ?? [];
  return {
    public: `ssh-ed25519 ${blob.toString("base64")} me@host\n`,
    private: `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines.join("\n")}\n-----END OPENSSH PRIVATE KEY-----\n`,
  };
}
