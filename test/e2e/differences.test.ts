// Differential bundles: built, verified, loaded with and without their base by the command and by
// load.sh, and merged to what a full build writes.
import { randomBytes } from "node:crypto";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
  closeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startEmbeddedRegistry, type EmbeddedRegistry } from "../../scripts/parts/embedded-registry.js";
import { makeImage } from "../../scripts/parts/images.js";
import { pushImage } from "../../scripts/parts/push.js";
import { openBundle } from "../../src/adapters/bundle-file/open-bundle.js";
import type { OpenBundle } from "../../src/workflows/ports.js";
import { runCli } from "../support/cli.js";
import { startContainerd, type Containerd } from "../support/containerd.js";
import { needs } from "../support/parts.js";
import { ROOT } from "../support/paths.js";
import { run, type RunResult } from "../support/run.js";

const SCRIPT = join(ROOT, "manifests/bundle/load.sh");
// Unique names, because the engine is shared with other runs.
const own = randomBytes(3).toString("hex");
const SHARED_BYTES = 3_000_000;
const OWN_BYTES = 400_000;
const CHART_BYTES = 300_000;
/** Beyond blobs: inventory, facts, texts and load.sh. */
const MOST_OVERHEAD = 200_000;

const describeAll = await needs("docker", "ctr", "root", "helm");

describeAll("a differential bundle", () => {
  const folder = mkdtempSync(join(tmpdir(), "viola-differences-"));
  const at = (name: string): string => join(folder, name);
  let source: EmbeddedRegistry;
  let target: EmbeddedRegistry;
  let containerd: Containerd;
  const reference = (name: string): string => `quay.io/viola-${own}/${name}`;

  const cli = async (...args: readonly string[]): Promise<RunResult & { readonly json: Json }> => {
    const result = await runCli([...args, "--json", "--config", at("settings.yaml")]);
    return { ...result, json: JSON.parse(result.stdout || "{}") as Json };
  };
  const build = async (
    version: string,
    output: string,
    bases: readonly string[] = [],
  ): Promise<OpenBundle> => {
    const built = await cli(
      "build",
      at(`${version}.yaml`),
      "-o",
      at(output),
      "--platform",
      "linux/amd64",
      ...bases.flatMap((base) => ["--base", at(base)]),
    );
    expect(built).toMatchObject({ code: 0 });
    return openBundle(at(output));
  };
  const script = (...args: readonly string[]): Promise<RunResult> =>
    run("sh", [SCRIPT, ...args], { env: { ...process.env, VIOLA_SH_ONLY: "1", LC_ALL: "C" } });
  const newBytes = ({ blobs }: OpenBundle): number =>
    [...blobs.values()].reduce((sum, { size }) => sum + size, 0);
  const to = (): string => `containerd:${containerd.socket}`;
  const damage = (file: string, offset: number): void => {
    const handle = openSync(file, "r+");
    writeSync(handle, Buffer.from([0xff, 0, 0xff, 0]), 0, 4, offset);
    closeSync(handle);
  };

  let bundles: Readonly<
    Record<"1.0" | "1.1" | "1.2", { readonly whole: OpenBundle; readonly part: OpenBundle }>
  >;
  beforeAll(async () => {
    source = await startEmbeddedRegistry();
    target = await startEmbeddedRegistry();
    const push = (name: string, tag: string, seed: string): Promise<unknown> => {
      const layers = [
        { seed: `shared ${own}`, bytes: SHARED_BYTES },
        { seed: `${seed} ${own}`, bytes: OWN_BYTES },
      ];
      const image = makeImage(folder, { seed: `${seed} ${own}`, mediaTypes: "oci", layers });
      return pushImage({ url: source.url }, folder, image, reference(name), tag);
    };
    for (const [name, tag, seed] of [
      ["a", "1", "a1"],
      ["b", "1", "b1"],
      ["b", "2", "b2"],
      ["c", "1", "c1"],
    ] as const)
      await push(name, tag, seed);
    writeFileSync(
      at("settings.yaml"),
      `mirrors:\n  "*": { endpoints: ["${source.url}/{registry}"], only: true }\ncache: ${at("cache")}\n`,
    );
    mkdirSync(at("chart"));
    writeFileSync(at("chart/Chart.yaml"), "apiVersion: v2\nname: app\nversion: 1.0.0\n");
    // Large enough to be left out where the base has it.
    writeFileSync(at("chart/data"), randomBytes(CHART_BYTES));
    const spec = (version: string, images: readonly string[]): void => {
      const list = images.map((image) => `    - ${reference(image)}\n`).join("");
      writeFileSync(
        at(`${version}.yaml`),
        `name: lab-${own}\nversion: ${version}.0\ncharts:\n  - { chart: ./chart, release: app, namespace: apps }\nimages:\n  include:\n${list}`,
      );
    };
    spec("1.0", ["a:1", "b:1"]);
    spec("1.1", ["a:1", "b:2"]);
    spec("1.2", ["a:1", "b:2", "c:1"]);
    const base = await build("1.0", "1.0");
    bundles = {
      "1.0": { whole: base, part: base },
      "1.1": { whole: await build("1.1", "1.1"), part: await build("1.1", "1.1.diff", ["1.0"]) },
      "1.2": { whole: await build("1.2", "1.2"), part: await build("1.2", "1.2.diff", ["1.1.diff", "1.0"]) },
    };
    containerd = await startContainerd();
  });
  afterAll(async () => {
    await containerd.stop();
    await source.close();
    await target.close();
    await run("docker", ["rmi", ...["a:1", "b:1", "b:2", "c:1"].map(reference)]);
    rmSync(folder, { recursive: true, force: true });
  });

  it("weighs its new blobs and little more, and merges to the bytes of a full build, in a chain too", async () => {
    for (const [version, bases] of [
      ["1.1", ["1.0"]],
      ["1.2", ["1.0", "1.1.diff"]],
    ] as const) {
      const { whole, part } = bundles[version];
      expect(newBytes(part)).toBeGreaterThan(OWN_BYTES);
      expect(newBytes(part)).toBeLessThan(SHARED_BYTES);
      expect(part.size - newBytes(part)).toBeLessThan(MOST_OVERHEAD);
      expect(part.inventory.whole).toEqual({ digest: whole.digest, size: whole.size });
      const merged = await cli("merge", ...bases.map(at), part.file, "-o", at(`${version}.merged`));
      expect(merged).toMatchObject({ code: 0, json: { digest: whole.digest } });
      expect(readFileSync(at(`${version}.merged`)).equals(readFileSync(whole.file))).toBe(true);
    }
  });

  it("is verified with its bases, and a missing, wrong or damaged one is named", async () => {
    const { part } = bundles["1.2"];
    const with_ = (...bases: readonly string[]) =>
      cli("verify", part.file, ...bases.flatMap((base) => ["--base", at(base)]));
    expect(await with_("1.0", "1.1.diff")).toMatchObject({ code: 0, json: { problems: [] } });
    expect(await with_("1.1")).toMatchObject({ code: 0, json: { problems: [] } });
    expect(await with_()).toMatchObject({ code: 1, json: { problems: [{ code: "base-missing" }] } });
    const gap = await with_("1.0");
    expect(gap).toMatchObject({ code: 2, json: { error: { code: "BASE_WRONG", subject: at("1.0") } } });
    for (const digest of [bundles["1.0"].whole.digest, bundles["1.1"].whole.digest])
      expect(gap.stderr).toContain(digest);

    copyFileSync(at("1.0"), at("damaged"));
    const shared = [...bundles["1.0"].whole.blobs.values()].toSorted((a, b) => b.size - a.size)[0]!;
    damage(at("damaged"), shared.offset + 1000);
    expect(await with_("damaged", "1.1.diff")).toMatchObject({
      code: 1,
      json: { problems: [{ code: "blob-damaged", digest: shared.digest }] },
    });
    const merged = await cli("merge", at("damaged"), at("1.1.diff"), "-o", at("never"));
    expect(merged).toMatchObject({ code: 2, json: { error: { code: "BUNDLE_INVALID" } } });
    expect(merged.stderr).toContain(at("damaged"));
    expect(statSync(at("never"), { throwIfNoEntry: false })).toBeUndefined();
    for (const command of [["audit"], ["serve"], ["merge", "-o", at("never")]])
      expect((await cli(...command, part.file, ...(command[0] === "merge" ? [part.file] : []))).code).toBe(2);
  });

  it("is signed with the signature of the whole bundle, so that a merge is that of a signed build", async () => {
    expect((await cli("keygen", "-o", at("release"))).code).toBe(0);
    const sign = ["--sign-key", at("release.key"), "--platform", "linux/amd64"];
    const key = ["--key", at("release.pub")];
    await cli("build", at("1.0.yaml"), "-o", at("signed-1.0"), ...sign);
    await cli("build", at("1.1.yaml"), "-o", at("signed-1.1"), ...sign);
    await cli("build", at("1.1.yaml"), "-o", at("signed.diff"), "--base", at("signed-1.0"), ...sign);
    const with_ = [at("signed.diff"), "--base", at("signed-1.0"), ...key];
    expect(await cli("verify", ...with_)).toMatchObject({ code: 0, json: { problems: [] } });
    expect((await script(...with_, "--list")).stdout).toContain(reference("b:2"));
    const merged = await cli("merge", at("signed-1.0"), at("signed.diff"), "-o", at("signed.merged"), ...key);
    expect(merged.code).toBe(0);
    expect(readFileSync(at("signed.merged")).equals(readFileSync(at("signed-1.1")))).toBe(true);
    expect(await cli("verify", at("signed.diff"), "--base", at("1.0"), ...key)).toMatchObject({
      code: 2,
      json: { error: { code: "SIGNATURE_MISSING" } },
    });
  });

  it("has large charts in its base, which installing asks for by name before anything is loaded", async () => {
    const { base } = bundles["1.1"].part.inventory;
    for (const command of [
      ["install", "--context", "nowhere"],
      ["load", "--install", "--to", to()],
    ]) {
      const refused = await cli(...command, at("1.1.diff"));
      expect(refused).toMatchObject({ code: 2, json: { error: { code: "BASE_MISSING" } } });
      expect(refused.stderr).toContain(base?.digest);
    }
    const served = await cli("show", at("1.2.diff"), "--base", at("1.1.diff"), "--base", at("1.0"));
    expect(served).toMatchObject({ code: 0, json: { base: { digest: bundles["1.1"].whole.digest } } });
    const damaged = at("damaged-chart");
    copyFileSync(at("1.0"), damaged);
    damage(damaged, bundles["1.0"].whole.locate("charts/app-1.0.0.tgz").offset + 1000);
    const verified = await cli("verify", at("1.1.diff"), "--base", damaged);
    expect(verified).toMatchObject({ code: 1, json: { problems: [{ code: "file-damaged" }] } });
    const byScript = await script(at("1.1.diff"), "--base", damaged, "--to", to(), "--check");
    expect(byScript.code).toBe(1);
    expect(byScript.stderr).toContain("charts/app-1.0.0.tgz");
  });

  it("sends nodes only what they lack, alone and with its base, and alone nothing to nodes without the rest", async () => {
    const alone = await cli("load", at("1.1.diff"), "--to", to());
    expect(alone).toMatchObject({ code: 2, json: { error: { code: "MULTIPLE_ERRORS" } } });
    for (const text of [reference("a:1"), reference("b:2"), bundles["1.0"].whole.digest])
      expect(alone.stderr).toContain(text);
    expect((await containerd.images()).size).toBe(0);

    expect((await cli("load", at("1.0"), "--to", to())).code).toBe(0);
    const first = await cli("load", at("1.1.diff"), "--to", to());
    expect(first).toMatchObject({ code: 0 });
    const second = await cli(
      "load",
      at("1.2.diff"),
      "--base",
      at("1.1.diff"),
      "--base",
      at("1.0"),
      "--to",
      to(),
    );
    expect(second).toMatchObject({ code: 0 });
    for (const [loaded, part] of [
      [first, bundles["1.1"].part],
      [second, bundles["1.2"].part],
    ] as const) {
      const [{ sentBytes } = { sentBytes: 0 }] = loaded.json.nodes ?? [];
      expect(sentBytes).toBeGreaterThan(OWN_BYTES);
      expect(sentBytes).toBeLessThanOrEqual(newBytes(part) + 10_000);
    }
    expect([...(await containerd.images()).keys()]).toEqual(
      expect.arrayContaining(["a:1", "b:2", "c:1"].map(reference)),
    );
  });

  it("is loaded in the same way by load.sh", async () => {
    const other = await startContainerd();
    try {
      const place = `containerd:${other.socket}`;
      const alone = await script(at("1.1.diff"), "--to", place);
      expect(alone.code).toBe(2);
      for (const text of [reference("a:1"), reference("b:2"), bundles["1.0"].whole.digest])
        expect(alone.stderr).toContain(text);
      const wrong = await script(at("1.2.diff"), "--base", at("1.0"), "--to", place);
      expect(wrong.code).toBe(2);
      for (const digest of [bundles["1.0"].whole.digest, bundles["1.1"].whole.digest])
        expect(wrong.stderr).toContain(digest);
      const damaged = await script(at("1.1.diff"), "--base", at("damaged"), "--to", place, "--check");
      expect(damaged.code).toBe(1);
      expect((await other.images()).size).toBe(0);

      expect((await script(at("1.1.diff"), "--base", at("1.0"), "--to", place)).code).toBe(0);
      const second = await script(at("1.2.diff"), "--to", place);
      expect(second.code).toBe(0);
      expect(second.stderr).toContain("sending 1 MB");
      expect([...(await other.images()).keys()]).toEqual(
        expect.arrayContaining(["a:1", "b:2", "c:1"].map(reference)),
      );
    } finally {
      await other.stop();
    }
  });

  it("sends a Docker engine only the layers that it lacks", async () => {
    const alone = await cli("load", at("1.1.diff"), "--to", "docker");
    expect(alone).toMatchObject({ code: 2 });
    expect(alone.stderr).toContain(bundles["1.0"].whole.digest);
    const refused = await script(at("1.1.diff"), "--to", "docker");
    expect(refused.code).toBe(2);
    expect((await cli("load", at("1.0"), "--to", "docker")).code).toBe(0);

    const loaded = await cli("load", at("1.1.diff"), "--to", "docker");
    expect(loaded).toMatchObject({ code: 0 });
    expect(loaded.json.nodes?.[0]?.sentBytes).toBeLessThan(newBytes(bundles["1.1"].part) + 50_000);
    const byScript = await script(at("1.2.diff"), "--to", "docker");
    expect(byScript.code).toBe(0);
    expect(byScript.stderr).toContain("sending 1 MB");
    for (const name of ["a:1", "b:2", "c:1"])
      expect((await run("docker", ["image", "inspect", reference(name)])).code).toBe(0);
  });

  it("pushes to a registry only what it lacks, and alone nothing to a registry without the rest", async () => {
    const registry = `registry://${new URL(target.url).host}`;
    const alone = await cli("load", at("1.1.diff"), "--to", registry);
    expect(alone).toMatchObject({ code: 2 });
    expect(alone.stderr).toContain(bundles["1.0"].whole.digest);
    expect(target.requests.every(({ method }) => method === "GET" || method === "HEAD")).toBe(true);
    expect((await cli("load", at("1.0"), "--to", registry)).code).toBe(0);
    const loaded = await cli("load", at("1.1.diff"), "--to", registry);
    expect(loaded).toMatchObject({ code: 0 });
    expect(loaded.json.registries?.[0]?.sentBytes).toBeLessThanOrEqual(newBytes(bundles["1.1"].part));
  });
});

/** The fields of documents that the tests read. */
interface Json {
  readonly nodes?: readonly { readonly sentBytes: number }[];
  readonly registries?: readonly { readonly sentBytes: number }[];
}
