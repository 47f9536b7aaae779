// Builds with faults: broken connections, tokens, redirects, a kill, an interruption, an earlier
// bundle.
import { existsSync, readFileSync, statSync } from "node:fs";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { startEmbeddedRegistry, type EmbeddedRegistry } from "../../scripts/parts/embedded-registry.js";
import { makeImage, type MadeImage } from "../../scripts/parts/images.js";
import type { Fault } from "../../scripts/parts/registry-faults.js";
import type { RegistryLogin } from "../../scripts/parts/registry-login.js";
import type { RegistryRequest } from "../../scripts/parts/registry-requests.js";
import { runCli, startCli } from "../support/cli.js";
import { ROOT } from "../support/paths.js";
import { run } from "../support/run.js";

const LAYERS = [400_000, 300_000, 200_000, 100_000];

let blobs = "";
let folder = "";
let image: MadeImage;
let registries: EmbeddedRegistry[] = [];

beforeAll(async () => {
  blobs = await mkdtemp(join(tmpdir(), "viola-fault-blobs-"));
  image = makeImage(blobs, { seed: "faults", mediaTypes: "oci", layers: LAYERS });
});
afterAll(() => rm(blobs, { recursive: true }));
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "viola-fault-"));
});
afterEach(async () => {
  await Promise.all(registries.map((registry) => registry.close()));
  registries = [];
  await rm(folder, { recursive: true });
});

async function serve(
  fault: (request: RegistryRequest) => Fault | undefined = () => undefined,
  login?: RegistryLogin,
): Promise<EmbeddedRegistry> {
  const registry = await startEmbeddedRegistry({ fault, ...(login !== undefined && { login }) });
  registry.addImage(blobs, image, "a/b", "1");
  registries.push(registry);
  return registry;
}

async function argumentsFor(registry: EmbeddedRegistry, name = "out.bundle"): Promise<readonly string[]> {
  const spec = join(folder, "bundle.yaml");
  const settings = join(folder, "settings.yaml");
  await writeFile(
    spec,
    'name: test\nversion: "1"\nplatforms: [linux/amd64]\ncharts: []\nimages: { include: ["example.org/a/b:1"] }\n',
  );
  await writeFile(
    settings,
    `mirrors: { "example.org": { endpoints: ["${registry.url}"], only: true } }\nconcurrency: 2\n`,
  );
  return ["build", spec, "-o", join(folder, name), "--source", "registry", "--config", settings, "--json"];
}

async function build(
  registry: EmbeddedRegistry,
  ...more: readonly string[]
): Promise<{ fetchedBytes: number; copiedBytes: number; digest: string }> {
  const { code, stdout, stderr } = await runCli([...(await argumentsFor(registry)), ...more]);
  expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
  expect((await runCli(["verify", join(folder, "out.bundle")])).code).toBe(0);
  return JSON.parse(stdout) as { fetchedBytes: number; copiedBytes: number; digest: string };
}

const blobGets = (registry: EmbeddedRegistry): readonly RegistryRequest[] =>
  registry.requests.filter(({ kind, method }) => kind === "blob" && method === "GET");

/** The first response for each blob has the fault, later ones do not. */
function firstAnswer(fault: Fault): (request: RegistryRequest) => Fault | undefined {
  const seen = new Set<string>();
  return ({ kind, path }) => {
    if (kind !== "blob" || seen.has(path)) return undefined;
    seen.add(path);
    return fault;
  };
}

it.each<[string, Fault]>([
  ["the connection breaks in the middle of a body", { kind: "truncate", after: 50_000 }],
  ["the connection breaks before an answer", { kind: "drop" }],
  ["the registry is busy for a moment", { kind: "status", status: 503 }],
  ["the registry asks for patience", { kind: "status", status: 429, headers: { "retry-after": "0" } }],
  ["a body arrives damaged once", { kind: "corrupt" }],
])("builds a whole bundle although %s", async (_, fault) => {
  await build(await serve(firstAnswer(fault)));
});

it("resumes a truncated body without fetching its beginning again", async () => {
  const registry = await serve(firstAnswer({ kind: "truncate", after: 50_000 }));

  await build(registry);

  const ranges = blobGets(registry)
    .map(({ headers }) => headers.range)
    .filter((range) => range !== undefined);
  expect(ranges).toHaveLength(LAYERS.length);
  expect(ranges.every((range) => /^bytes=50000-/.test(range))).toBe(true);
});

it("fetches a body from the start when the registry ignores Range", async () => {
  const broken = firstAnswer({ kind: "truncate", after: 50_000 });
  await build(
    await serve(
      (request) =>
        broken(request) ?? (request.headers.range === undefined ? undefined : { kind: "ignore-range" }),
    ),
  );
});

it("follows a redirect to another host without sending it the credentials", async () => {
  const storage = await serve();
  const registry = await serve(
    ({ kind }) => (kind === "blob" ? { kind: "redirect", to: storage.url } : undefined),
    { scheme: "bearer", user: "viola", password: "secret", anonymousPull: true },
  );

  await build(registry);

  expect(blobGets(registry).some(({ headers }) => headers.authorization !== undefined)).toBe(true);
  expect(blobGets(storage).length).toBeGreaterThan(LAYERS.length);
  expect(blobGets(storage).every(({ headers }) => headers.authorization === undefined)).toBe(true);
});

it("fetches everything through the proxy of the environment", async () => {
  const registry = await serve();
  const asked: string[] = [];
  const proxy = createServer((incoming, response) => {
    asked.push(incoming.url ?? "");
    const { pathname, search } = new URL(incoming.url ?? "/");
    const onward = request(
      new URL(pathname + search, registry.url),
      { headers: incoming.headers },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      },
    );
    onward.end();
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  const { port } = proxy.address() as AddressInfo;
  const args = await argumentsFor({ ...registry, url: "http://registry.invalid" });
  const env = { HTTP_PROXY: `http://127.0.0.1:${port}` };
  const { code, stderr } = await runCli(args, { env });
  proxy.close();

  expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
  expect(
    asked.filter((url) => url.startsWith("http://registry.invalid/v2/a/b/blobs/")).length,
  ).toBeGreaterThan(LAYERS.length);
});

it("says so when there is no place for temporary files, and builds once there is", async () => {
  const args = await argumentsFor(await serve());
  for (const TMPDIR of [join(folder, "nowhere"), "/proc"]) {
    const { code, stdout, stderr } = await runCli([...args, "--source", "docker"], { env: { TMPDIR } });
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.not.stringContaining("bug") as string });
    expect(JSON.parse(stdout)).toMatchObject({
      error: { code: "FILE_UNUSABLE", subject: TMPDIR, hint: expect.stringContaining("TMPDIR") as string },
    });
  }
  await build(await serve());
});

it.each([
  ["a HOME that cannot be written to", { HOME: "/dev/null/home" }],
  ["no HOME and no TMPDIR", { HOME: undefined, TMPDIR: undefined }],
])("builds with %s", async (_, env) => {
  const { code, stderr } = await runCli(await argumentsFor(await serve()), { env });

  expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
});

it("says so when it may open too few files for a thread", async () => {
  const args = await argumentsFor(await serve());
  const limited = ["-c", `ulimit -n "$1"; shift; exec "$@"`, "sh", "26", process.execPath];
  const { code, stdout, stderr } = await run("sh", [...limited, join(ROOT, "dist/main.js"), ...args]);

  expect(code).toBe(2);
  expect(JSON.parse(stdout)).toMatchObject({
    error: { code: "FILE_UNUSABLE", hint: expect.stringContaining("ulimit -n") as string },
  });
  expect(stderr).toMatch(/^error: .*EMFILE[^]*^ *what to do: .*ulimit -n/m);
  await build(await serve());
});

it("names a registry that dies midway, and the next build fetches only the rest", async () => {
  const [largest = "", ...others] = image.platforms[0]!.layers.map(({ digest }) => digest);
  const dying = await serve(({ kind, path }) =>
    kind === "blob" && path.includes(largest)
      ? { kind: "slow", bytes: 1000, pauseMilliseconds: 50 }
      : undefined,
  );
  const failing = startCli(await argumentsFor(dying));
  await until(() => others.every((digest) => journal().includes(digest)));
  await dying.close();
  registries = [];

  const { code, stdout } = await failing.result;
  expect(code).toBe(2);
  expect(JSON.parse(stdout)).toMatchObject({
    error: {
      code: "REGISTRY_UNAVAILABLE",
      message: expect.stringContaining(dying.url) as string,
      hint: expect.stringContaining("Run the same command again") as string,
    },
  });
  const registry = await serve();
  await build(registry);
  const fetched = blobGets(registry).map(({ path }) => path);
  expect(others.filter((digest) => fetched.some((path) => path.includes(digest)))).toEqual([]);
});

it("does not fetch complete blobs again after a kill", async () => {
  const slow = await serve(({ kind, path }) =>
    kind === "blob" && path.includes(image.platforms[0]!.layers[0]!.digest)
      ? { kind: "slow", bytes: 1000, pauseMilliseconds: 50 }
      : undefined,
  );
  const killed = startCli(await argumentsFor(slow));
  const small = image.platforms[0]!.layers.slice(1).map(({ digest }) => digest);
  await until(() => small.every((digest) => journal().includes(digest)));
  killed.process.kill("SIGKILL");
  await killed.result;
  expect(existsSync(join(folder, "out.bundle"))).toBe(false);

  const registry = await serve();
  const { fetchedBytes, copiedBytes } = await build(registry);

  const fetchedAgain = small.filter((digest) => blobGets(registry).some(({ path }) => path.includes(digest)));
  expect(fetchedAgain).toEqual([]);
  expect(copiedBytes).toBeGreaterThan(fetchedBytes);
});

it("exits with 130 when it is interrupted, without an output file", async () => {
  const slow = await serve(({ kind }) =>
    kind === "blob" ? { kind: "slow", bytes: 1000, pauseMilliseconds: 50 } : undefined,
  );
  const running = startCli(await argumentsFor(slow));
  await until(() => blobGets(slow).length > 0);
  running.process.kill("SIGINT");

  expect((await running.result).code).toBe(130);
  expect(existsSync(join(folder, "out.bundle"))).toBe(false);
});

it("copies the blobs of an earlier bundle, and fetches only new ones", async () => {
  const first = await build(await serve());
  await rm(join(folder, "earlier.bundle"), { force: true });
  const registry = await serve();
  const earlier = join(folder, "out.bundle");
  const { code, stdout } = await runCli([
    ...(await argumentsFor(registry, "next.bundle")),
    "--reuse",
    earlier,
  ]);

  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ digest: first.digest, fetchedBytes: 0 });
  expect(blobGets(registry)).toHaveLength(0);
  expect(statSync(join(folder, "next.bundle")).size).toBe(statSync(earlier).size);
});

function journal(): string {
  const file = join(folder, "out.bundle.partial.journal");
  return existsSync(file) ? readFileSync(file, "utf8") : "";
}

/** Waits for an effect of the other process, until the timeout of the test. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
