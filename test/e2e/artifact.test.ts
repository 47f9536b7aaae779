// `push BUNDLE oci://…` and `pull`: a bundle in a registry as one artifact, and back, byte for byte.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { copyFile, open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { OpenBundle } from "../../src/workflows/ports.js";
import { bundleOf } from "../support/bundle-of.js";
import { runCli, startCli } from "../support/cli.js";
import { startDockerRegistry, type DockerRegistry } from "../support/docker-registry.js";
import { needs } from "../support/parts.js";

const describe = await needs("docker-registry");

describe("push and pull", () => {
  const folder = mkdtempSync(join(tmpdir(), "viola-artifact-"));
  const at = (name: string): string => join(folder, name);
  let bundle: OpenBundle;
  let registry: DockerRegistry;
  let place: string;

  beforeAll(async () => {
    bundle = await bundleOf(folder, "pushed", [
      { reference: "quay.io/a/b:1", seed: "a", mediaTypes: "oci", layers: [900_000, 300_000] },
    ]);
    registry = await startDockerRegistry("open");
    place = `oci://${registry.host}/bundles/app`;
  });
  afterAll(async () => {
    await registry.stop();
    rmSync(folder, { recursive: true });
  });

  const push = async (
    file: string,
    to: string,
    ...more: readonly string[]
  ): Promise<{ code: number; document: Pushed }> => {
    const { code, stdout } = await runCli(["push", file, to, "--json", ...more]);
    return { code, document: JSON.parse(stdout) as Pushed };
  };
  interface Pushed {
    readonly digest?: string;
    readonly pieces?: number;
    readonly sentBytes?: number;
    readonly error?: { readonly code: string; readonly subject: string };
  }

  it("stores the bundle in pieces, and sends nothing again", async () => {
    const first = await push(bundle.file, `${place}:1`, "--piece-size", "100kB");
    expect(first).toMatchObject({ code: 0, document: { pieces: Math.ceil(bundle.size / 100_000) } });
    expect(first.document.sentBytes).toBeGreaterThanOrEqual(bundle.size);

    const again = await push(bundle.file, `${place}:also`, "--piece-size", "100kB");
    expect(again).toMatchObject({ code: 0, document: { sentBytes: 0, digest: first.document.digest } });

    for (const [name, from] of [
      ["tag.bundle", `${place}:1`],
      ["digest.bundle", `${place}@${first.document.digest}`],
    ] as const) {
      expect((await runCli(["pull", from, "-o", at(name)])).code).toBe(0);
      expect(readFileSync(at(name)).equals(readFileSync(bundle.file))).toBe(true);
    }
  });

  it("pulls the rest after a pull that was killed", async () => {
    await push(bundle.file, `${place}:1`, "--piece-size", "100kB");
    const killed = startCli(["pull", `${place}:1`, "-o", at("killed.bundle")]);
    const journal = (): number => {
      try {
        return readFileSync(at("killed.bundle.partial.journal"), "utf8").split("\n").length;
      } catch {
        return 0;
      }
    };
    await expect.poll(journal, { interval: 1, timeout: 60_000 }).toBeGreaterThan(3);
    killed.process.kill("SIGKILL");
    await killed.result;

    const { code, stdout } = await runCli(["pull", `${place}:1`, "-o", at("killed.bundle"), "--json"]);

    expect(code).toBe(0);
    expect((JSON.parse(stdout) as { fetchedBytes: number }).fetchedBytes).toBeLessThan(bundle.size);
    expect(readFileSync(at("killed.bundle")).equals(readFileSync(bundle.file))).toBe(true);
  });

  it("refuses a damaged bundle, and sends nothing", async () => {
    const damaged = at("damaged.bundle");
    await copyFile(bundle.file, damaged);
    const file = await open(damaged, "r+");
    await file.write(Buffer.from("damage"), 0, 6, bundle.size - 100_000);
    await file.close();

    expect(await push(damaged, `${place}:damaged`)).toMatchObject({
      code: 2,
      document: { error: { code: "BUNDLE_INVALID" } },
    });
    const { code, stderr } = await runCli(["pull", `${place}:damaged`, "-o", at("no.bundle")]);
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining("404") as string });
  });

  it("pulls bundles only, and to no other file", async () => {
    await runCli(["load", bundle.file, "--to", `registry://${registry.host}`]);
    const from = `oci://${registry.host}/quay.io/a/b:1`;
    const image = await runCli(["pull", from, "-o", at("image.bundle"), "--json"]);
    expect(image.code).toBe(2);
    expect(JSON.parse(image.stdout)).toMatchObject({ error: { code: "BUNDLE_UNSUPPORTED" } });

    writeFileSync(at("mine.txt"), "mine");
    const other = await runCli(["pull", `${place}:1`, "-o", at("mine.txt"), "--json"]);
    expect(JSON.parse(other.stdout)).toMatchObject({ error: { code: "FILE_UNUSABLE" } });
    expect(readFileSync(at("mine.txt"), "utf8")).toBe("mine");
  });

  it.each(["harbor.example/a:1", "oci://app:1", "oci://harbor.example/app", "oci://harbor.example/App:1"])(
    "refuses %s as a place, before it reads the bundle",
    async (wrong) => {
      expect(await push(at("missing.bundle"), wrong)).toMatchObject({
        code: 2,
        document: { error: { code: "USAGE", subject: wrong } },
      });
    },
  );
});
