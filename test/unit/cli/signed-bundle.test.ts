// Commands that read a bundle refuse one without the required signature before they do anything else.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sealInventory } from "../../../src/core/bundle/inventory-checksum.js";
import { createKeyPair, parsePrivateKey } from "../../../src/core/signing/keys.js";
import { digestOf, hexOf } from "../../../src/core/oci/digest.js";
import type { OpenBundle } from "../../../src/workflows/ports.js";
import { bundleOf } from "../../support/bundle-of.js";
import { runInProcess } from "../../support/in-process.js";

const folder = mkdtempSync(join(tmpdir(), "viola-signed-"));
const at = (name: string): string => join(folder, name);
const [release, other] = [createKeyPair(), createKeyPair()];
const IMAGE = { seed: "signed", mediaTypes: "oci", layers: [5000], reference: "quay.io/org/app:1" } as const;

let signed: OpenBundle;
let unsigned: OpenBundle;
/** Signed, then changed by somebody who corrected every checksum. */
let altered = "";

beforeAll(async () => {
  writeFileSync(at("release.pub"), release.publicPem);
  writeFileSync(at("release.key"), release.privatePem);
  writeFileSync(at("other.pub"), other.publicPem);
  writeFileSync(at("both.pub"), other.publicPem + release.publicPem);
  writeFileSync(at("pods.txt"), "quay.io/org/app:1\n");
  // A rehearsal looks for kind first.
  writeFileSync(at("kind"), "#!/bin/sh\n", { mode: 0o755 });
  const chart = Buffer.from("chart");
  const content = {
    files: [{ path: "charts/app-1.0.0.tgz", bytes: chart, sha256: hexOf(digestOf(chart)) }],
  };
  unsigned = await bundleOf(folder, "unsigned", [IMAGE], content);
  const signKey = parsePrivateKey(release.privatePem, "release.key");
  signed = await bundleOf(folder, "signed", [IMAGE], { ...content, signKey });
  const bytes = readFileSync(signed.file);
  const { offset, size } = signed.locate("bundle.json");
  const inventory = bytes.subarray(offset, offset + size);
  inventory.write('"tool": "tset"', inventory.indexOf('"tool": "test"'));
  const checksum = inventory.lastIndexOf('"checksum": "') + '"checksum": "'.length;
  inventory.write(`sha256:${"0".repeat(64)}`, checksum);
  sealInventory(inventory);
  altered = at("altered.tar");
  writeFileSync(altered, bytes);
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

async function viola(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const { code, stdout } = await runInProcess([...args, "--json"], {
    cwd: folder,
    env: { PATH: folder, ...env },
  });
  return { code, document: JSON.parse(stdout) as Record<string, unknown> };
}

const COMMANDS: readonly (readonly string[])[] = [
  ["verify"],
  ["show"],
  ["images"],
  ["audit"],
  ["load", "--to", "containerd"],
  ["install", "--context", "nowhere"],
  ["serve", "--listen", "127.0.0.1:0"],
  ["rehearse"],
  ["unload", "--to", "docker"],
  ["uninstall", "--context", "nowhere"],
  ["check", "--pods", "pods.txt"],
  ["push", "oci://127.0.0.1:1/bundles/app:1"],
];

describe.each(COMMANDS)("%s", (command, ...flags) => {
  const refusal = async (file: string, key: string): Promise<unknown> => {
    const { code, document } = await viola([command, file, ...flags, "--key", key]);
    expect(code).toBe(2);
    return document["error"];
  };

  it("refuses a bundle that is not signed, of another key, or altered", async () => {
    expect(await refusal(unsigned.file, "release.pub")).toMatchObject({
      code: "SIGNATURE_MISSING",
      subject: unsigned.file,
    });
    expect(await refusal(signed.file, "other.pub")).toMatchObject({
      code: "SIGNATURE_INVALID",
      subject: signed.file,
    });
    expect(await refusal(altered, "release.pub")).toMatchObject({ code: "SIGNATURE_INVALID" });
  });

  it("refuses a key that is none", async () => {
    expect(await refusal(signed.file, "release.key")).toMatchObject({
      code: "KEY_INVALID",
      subject: "release.key",
    });
    expect(await refusal(signed.file, "none.pub")).toMatchObject({
      code: "FILE_UNUSABLE",
      subject: "none.pub",
    });
  });
});

it("diff requires the signature of each bundle", async () => {
  const { document } = await viola(["diff", signed.file, unsigned.file, "--key", "release.pub"]);
  expect(document).toMatchObject({ error: { code: "SIGNATURE_MISSING", subject: unsigned.file } });
});

it("does not parse bundle.json before its signature is verified", async () => {
  const bytes = readFileSync(signed.file);
  const { offset, size } = signed.locate("bundle.json");
  bytes.fill("[", offset, offset + size);
  writeFileSync(at("hostile.tar"), bytes);

  expect((await viola(["verify", at("hostile.tar")])).document).toMatchObject({
    error: { code: "BUNDLE_INVALID" },
  });
  expect((await viola(["verify", at("hostile.tar"), "--key", "release.pub"])).document).toMatchObject({
    error: { code: "SIGNATURE_INVALID" },
  });
});

it.each([
  ["show", []],
  ["audit", []],
  ["images", []],
  ["check", ["--pods", "pods.txt"]],
])("%s accepts a signed bundle, and finds a damaged file in it", async (command, flags) => {
  expect((await viola([command, signed.file, ...flags, "--key", "release.pub"])).code).toBe(0);

  const bytes = readFileSync(signed.file);
  const { offset } = signed.locate("charts/app-1.0.0.tgz");
  bytes[offset] = 0;
  writeFileSync(at("damaged.tar"), bytes);
  const { code, document } = await viola([command, at("damaged.tar"), ...flags, "--key", "release.pub"]);
  expect({ code, document }).toMatchObject({ code: 2, document: { error: { code: "BUNDLE_INVALID" } } });
});

describe("the required keys", () => {
  const settings = (text: string): Readonly<Record<string, string>> => {
    writeFileSync(at("settings.yaml"), text);
    return { VIOLA_AIRGAP_CONFIG: at("settings.yaml") };
  };
  const verified = { signature: { algorithm: "ed25519", verified: true, keyId: release.id } };

  it.each([
    ["--key", ["--key", "release.pub"], {}],
    ["several --key", ["--key", "other.pub", "--key", "release.pub"], {}],
    ["a list", ["--key", "other.pub,release.pub"], {}],
    ["a file with several", ["--key", "both.pub"], {}],
    ["a variable with a file", [], { VIOLA_AIRGAP_KEY: "release.pub" }],
    ["a variable with the key", [], { VIOLA_AIRGAP_KEY: release.publicPem }],
    ["--key, which replaces the variable", ["--key", "release.pub"], { VIOLA_AIRGAP_KEY: other.publicPem }],
  ])("are those of %s", async (_, flags, env) => {
    expect((await viola(["show", signed.file, ...flags], env)).document).toMatchObject(verified);
    expect((await viola(["show", unsigned.file, ...flags], env)).code).toBe(2);
  });

  it("are those of the settings, unless a variable has some", async () => {
    const env = settings("keys: [other.pub, release.pub]\n");
    expect((await viola(["show", signed.file], env)).document).toMatchObject(verified);
    expect((await viola(["show", unsigned.file], env)).code).toBe(2);
    const both = { ...settings("keys: release.pub\n"), VIOLA_AIRGAP_KEY: other.publicPem };
    expect((await viola(["show", signed.file], both)).document).toMatchObject({
      error: { code: "SIGNATURE_INVALID" },
    });
  });

  it("are none: then a signature is shown and not verified", async () => {
    const notVerified = { signature: { algorithm: "ed25519", verified: false, keyId: null } };
    expect((await viola(["show", signed.file])).document).toMatchObject(notVerified);
    expect((await viola(["show", unsigned.file])).document).toMatchObject({ signature: null });
    expect((await viola(["show", unsigned.file], { VIOLA_AIRGAP_KEY: "" })).code).toBe(0);
  });

  it.each([["images"], ["audit"], ["rehearse"]])("are a usage error of %s of a spec", async (command) => {
    writeFileSync(at("spec.yaml"), "name: app\nversion: 1.0.0\ncharts: []\n");
    const { document } = await viola([command, "spec.yaml", "--key", "release.pub"]);
    expect(document).toMatchObject({ error: { code: "USAGE", subject: "--key" } });
  });

  it("are no output", async () => {
    const flags = ["--out", "release.pub", "--force", "--key", "release.pub"];
    const { document } = await viola(["audit", signed.file, "--format", "json", ...flags]);
    expect(document).toMatchObject({ error: { code: "FILE_UNUSABLE", subject: at("release.pub") } });
  });
});
