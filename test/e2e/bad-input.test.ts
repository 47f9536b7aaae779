// Bad input: all errors are reported at once, with subject and location, and no output file is
// left.
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { startEmbeddedRegistry, type EmbeddedRegistry } from "../../scripts/parts/embedded-registry.js";
import { makeImage } from "../../scripts/parts/images.js";
import type { Fault } from "../../scripts/parts/registry-faults.js";
import type { RegistryRequest } from "../../scripts/parts/registry-requests.js";
import { formatTarHeader, paddedSize, TAR_END } from "../../src/core/bundle/tar-header.js";
import { runCli, startCli } from "../support/cli.js";
import { damages } from "../support/whole-inventory.js";
import type { RunResult } from "../support/run.js";

interface Failure {
  readonly code: string;
  readonly message: string;
  readonly subject?: string;
  readonly errors?: readonly Failure[];
}

let folder = "";
let blobs = "";
const out = (): string => join(folder, "out.bundle");

beforeAll(async () => {
  blobs = await mkdtemp(join(tmpdir(), "viola-bad-blobs-"));
});
afterAll(() => rm(blobs, { recursive: true }));
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "viola-bad-"));
});
afterEach(() => rm(folder, { recursive: true }));

async function build(
  spec: string,
  settings = "{}",
): Promise<{ result: RunResult; failures: readonly Failure[] }> {
  await writeFile(join(folder, "bundle.yaml"), spec);
  await writeFile(join(folder, "settings.yaml"), settings);
  const result = await runCli([
    "build",
    join(folder, "bundle.yaml"),
    "-o",
    out(),
    "--json",
    "--config",
    join(folder, "settings.yaml"),
  ]);
  const { error } = JSON.parse(result.stdout) as { error: Failure };
  return { result, failures: error.errors ?? [error] };
}

function expectRefused({ result }: { result: RunResult }): void {
  expect(result.code).toBe(2);
  expect(existsSync(out())).toBe(false);
}

describe("a spec with faults", () => {
  it("is reported with file, line and field of each error", async () => {
    const built = await build(
      [
        "name: test",
        "version: 1.0.0",
        "platfroms: [linux/amd64]",
        "charts:",
        "  - chart: app",
        "    version: 1.0.0",
        "    namespace: default",
        "images:",
        "  include: [a//b]",
      ].join("\n"),
    );

    expectRefused(built);
    const file = join(folder, "bundle.yaml");
    const places = built.failures.map(({ code, subject }) => [code, subject?.replace(/:\d+$/, "")]);
    expect(places).toContainEqual(["SPEC_INVALID", `${file}:3`]);
    expect(places).toContainEqual(["SPEC_INVALID", `${file}:9`]);
    expect(built.failures.length).toBeGreaterThanOrEqual(3);
    expect(built.failures.find(({ subject }) => subject?.startsWith(`${file}:3`))?.message).toContain(
      "platforms",
    );
  });

  it("is reported when the file is missing", async () => {
    const { code, stdout } = await runCli(["build", join(folder, "none.yaml"), "-o", out(), "--json"]);

    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({
      error: { code: "FILE_UNUSABLE", subject: join(folder, "none.yaml") },
    });
  });
});

describe("charts that cannot be rendered", () => {
  it("are all reported with their templates", async () => {
    for (const name of ["one", "two"]) {
      await mkdir(join(folder, name, "templates"), { recursive: true });
      await writeFile(join(folder, name, "Chart.yaml"), `apiVersion: v2\nname: ${name}\nversion: 1.0.0\n`);
      await writeFile(join(folder, name, "templates/broken.yaml"), `{{ fail "${name} wants a password" }}`);
    }

    const built = await build(
      `name: test\nversion: "1"\ncharts:\n  - { chart: ./one, release: one, namespace: default }\n  - { chart: ./two, release: two, namespace: default }\n`,
    );

    expectRefused(built);
    expect(built.failures).toMatchObject([
      { code: "CHART_RENDER_FAILED", subject: "one-1.0.0 one/templates/broken.yaml:1:3" },
      { code: "CHART_RENDER_FAILED", subject: "two-1.0.0 two/templates/broken.yaml:1:3" },
    ]);
    expect(built.failures[0]?.message).toContain("one wants a password");
  });
});

describe("images that cannot be fetched", () => {
  let registry: EmbeddedRegistry;
  let denied: EmbeddedRegistry;
  let fault: (request: RegistryRequest) => Fault | undefined = () => undefined;

  beforeEach(async () => {
    fault = () => undefined;
    registry = await startEmbeddedRegistry({ fault: (request) => fault(request) });
    denied = await startEmbeddedRegistry({ login: { scheme: "basic", user: "viola", password: "secret" } });
  });
  afterEach(async () => {
    await registry.close();
    await denied.close();
  });

  const specOf = (...references: readonly string[]): string =>
    `name: test\nversion: "1"\nplatforms: [linux/amd64]\ncharts: []\nimages:\n  include: [${references.map((reference) => `"${reference}"`).join(", ")}]\n`;

  function offer(repository: string, options: { readonly arm64?: boolean } = {}): void {
    const platforms = options.arm64 ? { platforms: [{ os: "linux", architecture: "arm64" }] } : {};
    const image = makeImage(blobs, { seed: repository, mediaTypes: "oci", layers: [30_000], ...platforms });
    registry.addImage(blobs, image, repository, "1");
  }

  it("are all reported at once, each with the image, the registry and its response", async () => {
    offer("a/arm", { arm64: true });
    offer("a/wrong");
    fault = ({ repository, kind }) =>
      repository === "a/wrong" && kind === "manifest" ? { kind: "corrupt" } : undefined;
    const closed = "127.0.0.1:1";

    const built = await build(
      specOf(
        `${registry.host}/a/none:1`,
        `${denied.host}/a/secret:1`,
        `${closed}/a/far:1`,
        `${registry.host}/a/arm:1`,
        `${registry.host}/a/wrong:1`,
      ),
    );

    expectRefused(built);
    const codes = Object.fromEntries(
      built.failures.map(({ code, subject, message }) => [subject ?? "", { code, message }]),
    );
    expect(codes).toMatchObject({
      [`${registry.host}/a/none:1`]: {
        code: "IMAGE_NOT_FOUND",
        message: expect.stringContaining("404") as string,
      },
      [`${denied.host}/a/secret:1`]: {
        code: "REGISTRY_AUTH",
        message: expect.stringContaining(denied.host) as string,
      },
      [`${closed}/a/far:1`]: {
        code: "REGISTRY_UNAVAILABLE",
        message: expect.stringContaining(closed) as string,
      },
      [`${registry.host}/a/arm:1`]: {
        code: "IMAGE_PLATFORM_MISSING",
        message: expect.stringContaining("linux/arm64") as string,
      },
      [`${registry.host}/a/wrong:1`]: { code: "DIGEST_MISMATCH" },
    });
    expect(built.failures).toHaveLength(5);
  });

  it("are shown with --verbose by the requests for them, those of worker threads among them", async () => {
    offer("a/layer");
    await writeFile(join(folder, "bundle.yaml"), specOf(`${registry.host}/a/layer:1`));

    const args = ["--verbose", "build", join(folder, "bundle.yaml"), "-o", out()];
    const { code, stderr } = await runCli(args);

    expect(code).toBe(0);
    const requests = stderr.split("\n").filter((line) => line.startsWith("> "));
    const place = `http://${registry.host}/v2/a/layer`;
    expect(requests).toContainEqual(expect.stringMatching(new RegExp(`^> GET ${place}/manifests/.*: 200, `)));
    expect(requests).toContainEqual(
      expect.stringMatching(new RegExp(`^> GET ${place}/blobs/sha256:.*: 200, [\\d.]+ kB, `)),
    );
  });

  it("include those with a damaged layer", async () => {
    offer("a/layer");
    fault = ({ kind }) => (kind === "blob" ? { kind: "corrupt" } : undefined);

    const built = await build(specOf(`${registry.host}/a/layer:1`));

    expectRefused(built);
    expect(built.failures[0]).toMatchObject({ code: "DIGEST_MISMATCH" });
    expect(built.failures[0]?.subject).toContain(`${registry.host}/a/layer:1 sha256:`);
  });
});

describe("a file that is not a bundle", () => {
  it.each([
    ["an empty file", ""],
    ["some other file", "x".repeat(5000)],
  ])("is rejected by verify and load: %s", async (_, content) => {
    await writeFile(out(), content);

    for (const command of [["verify"], ["load", "--to", "kind"]]) {
      const { code, stdout } = await runCli([command[0] ?? "", out(), ...command.slice(1), "--json"]);
      expect(code).toBe(2);
      expect(JSON.parse(stdout)).toMatchObject({ error: { code: "BUNDLE_INVALID", subject: out() } });
    }
  });
});

it("ends quietly when nobody reads its output", async () => {
  const { process: child, result } = startCli(["--help"]);
  child.stdout.destroy();

  expect(await result).toMatchObject({ code: 0, stderr: "" });
});

describe("a wrong command line", () => {
  it.each([
    [["bild"]],
    [["build"]],
    [["build", "a.yaml", "-o", "b", "--source", "moon"]],
    [["load", "a", "--to", "mars"]],
  ])("%j exits with 2", async (args) => {
    expect((await runCli(args)).code).toBe(2);
  });

  it.each(["load", "unload"])("%s without a target reports the option and the targets", async (command) => {
    const { code, stdout } = await runCli([command, "a", "--json"]);

    expect(code).toBe(2);
    const { error } = JSON.parse(stdout) as { error: Failure & { readonly hint?: string } };
    expect(error).toMatchObject({ code: "USAGE", subject: "--to" });
    for (const target of ["kind[:CLUSTER]", "containerd[:SOCKET]", "docker"]) {
      expect(error.hint).toContain(target);
    }
  });

  it.each([
    [["--unpack"], "docker"],
    [["--unpack"], "registry://localhost:1"],
    [["--settings", "folder"], "kind"],
    [["--docker-mirror"], "podman"],
    [["--set", "a=1"], "kind"],
    [["--release", "a"], "kind"],
  ])("load rejects %j for %s", async (option, target) => {
    const args = ["load", "a", "--to", target, ...option, "--json"];
    const { code, stdout } = await runCli(args);

    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: "USAGE", subject: option[0] } });
  });
});

describe("a bundle with an invalid bundle.json", () => {
  const wrong = damages().filter(({ isFine }) => !isFine);
  const sample = [0.1, 0.5, 0.9].flatMap((place) => wrong[Math.floor(place * wrong.length)] ?? []);

  it.each(sample.map((damage) => [damage.path, damage.how, damage.json] as const))(
    "is refused by the path of the field %s, which is %s",
    async (path, _how, json) => {
      const file = join(folder, "wrong.bundle");
      const bytes = Buffer.from(json);
      const padding = Buffer.alloc(paddedSize(bytes.length) - bytes.length);
      const parts = [formatTarHeader("bundle.json", bytes.length), bytes, padding, Buffer.alloc(TAR_END)];
      await writeFile(file, Buffer.concat(parts));
      for (const [command = "", ...flags] of [["verify"], ["load", "--to", "docker"], ["serve"]]) {
        const { code, stdout } = await runCli([command, file, "--json", ...flags]);
        const { error } = JSON.parse(stdout) as { error: Failure };
        expect(code).toBe(2);
        expect(error).toMatchObject({ code: "BUNDLE_INVALID", subject: file });
        expect(error.message).toContain(path);
      }
    },
  );
});
