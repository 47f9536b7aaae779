// What `build` accepts and `verify --layers` calls good loads into every kind of target, or the target
// refuses it before anything is sent. Sets of references
// are generated from seeds. VIOLA_SETS is the number of sets, and VIOLA_FIRST_SET the first seed.
import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { blobPath } from "../../../scripts/parts/layers.js";
import { dockerStore } from "../../../src/adapters/docker/docker-store.js";
import { defaultSettings } from "../../../src/adapters/files/user-settings.js";
import { findContainerd } from "../../../src/adapters/nodes/local-nodes.js";
import { podmanStore } from "../../../src/adapters/podman/podman-store.js";
import { RegistryClient } from "../../../src/adapters/registry/client.js";
import { RegistrySource } from "../../../src/adapters/registry/registry-source.js";
import { requireUsableImages } from "../../../src/core/bundle/unusable-images.js";
import { formatReference, parseReference } from "../../../src/core/images/reference.js";
import { findLimitedImages, findUnfitImages } from "../../../src/core/load/engine-limits.js";
import { isDigestName, storedAs, type ImageStore } from "../../../src/core/load/image-store.js";
import { repositoryIn } from "../../../src/core/load/registry-layout.js";
import { MANIFEST_MEDIA_TYPES, type Descriptor } from "../../../src/core/oci/descriptor.js";
import { digestOf } from "../../../src/core/oci/digest.js";
import { ManyErrors, ViolaError } from "../../../src/errors.js";
import { planBundle } from "../../../src/workflows/build/plan.js";
import { loadStore, unloadStore } from "../../../src/workflows/load/engine.js";
import { loadBundle } from "../../../src/workflows/load/nodes.js";
import type { OpenBundle } from "../../../src/workflows/ports.js";
import { verifyWithLayers } from "../../../src/workflows/verify/verify-layers.js";
import { writePlan } from "../../support/bundle-of.js";
import { startContainerd, type Containerd } from "../../support/containerd.js";
import { startDockerRegistry, type DockerRegistry } from "../../support/docker-registry.js";
import { ODD_IMAGES, USUAL_IMAGES } from "../../support/odd-images.js";
import { needs } from "../../support/parts.js";
import { run } from "../../support/run.js";
import { workflowRun } from "../../support/workflow-run.js";
import { pushTo } from "../push/push-to.js";
import { dockerEngine, loadPorts, reader } from "./kind.js";

const SETS = Number(process.env["VIOLA_SETS"] ?? 8);
const FIRST = Number(process.env["VIOLA_FIRST_SET"] ?? 9);
/** Unique names, because the engines are shared with other runs. */
const own = `viola-${randomBytes(3).toString("hex")}`;
const { signal } = new AbortController();

/** Tags and digests of the registry: `HOST/REPOSITORY:TAG` or a digest, and the root. */
type Content = ReadonlyMap<string, Descriptor>;

interface ReferenceSet {
  readonly references: readonly string[];
  readonly content: Content;
  /** What the set contains, for a failure. */
  readonly parts: readonly string[];
}

/** Returns a function that chooses from lists, the same for every run with the seed. */
function chooserOf(seed: number): <T>(list: readonly T[]) => T {
  let count = 0;
  return (list) => {
    const at = createHash("sha256").update(`${seed} ${count++}`).digest().readUInt32BE(0);
    return list[at % list.length] as (typeof list)[number];
  };
}

const HOSTS = [
  "",
  "docker.io/",
  "index.docker.io/",
  "quay.example/",
  "Quay.Example/",
  "quay.example:5000/",
  "localhost/",
  "localhost:5000/",
  "10.0.0.1:443/",
  "[2001:db8::1]:5000/",
] as const;
const LONG = Array.from({ length: 5 }, (_, at) => `part-${at}.of__a-long---path`).join("/");
const LONGER = `${LONG}/${LONG}`.slice(0, 205);
const TAGS = ["", "", ":latest", ":1", ":1", `:${"v1.2.3-Long_".repeat(11).slice(0, 128)}`] as const;

/** Generates a set: most images are usual, so that most sets can be loaded. */
function makeSet(folder: string, seed: number): ReferenceSet {
  const choose = chooserOf(seed);
  const content = new Map<string, Descriptor>();
  const references: string[] = [];
  const parts: string[] = [];
  const paths = [`${own}-${seed}`, `${own}-${seed}/app`, `library/${own}-${seed}`, `${own}-${seed}/${LONG}`];
  if (seed % 4 === 0) paths.push(`${own}-${seed}/${LONGER}`);
  const [one, other] = [choose(paths), choose(paths)];
  for (let at = 0; at < 4; at++) {
    const isOdd = at === 0 ? choose([true, true, true, false]) : choose([true, false, false, false, false]);
    const images = isOdd ? ODD_IMAGES : USUAL_IMAGES;
    const kind = choose(Object.keys(images));
    const root = images[kind]?.(folder, choose([`${own} ${seed}`, `${own} ${seed} ${at}`]));
    if (root === undefined) throw new Error(`no image ${kind}`);
    const name = `${choose(HOSTS)}${choose([one, other])}`.replace(/-*$/, "");
    const tag = choose(TAGS);
    const form = choose(["tag", "tag", "both", "digest"]);
    const { registry, repository } = parseReference(name);
    content.set(`${registry}/${repository}:${tag.slice(1) || "latest"}`, root);
    content.set(`${registry}/${repository}@${root.digest}`, root);
    references.push(`${name}${form === "digest" ? "" : tag}${form === "tag" ? "" : `@${root.digest}`}`);
    parts.push(`${references.at(-1) ?? ""} is ${kind}`);
  }
  return { references, content, parts };
}

/** A registry for all hosts, as a mirror. Manifests and blobs are those of the folder. */
function startMirror(folder: string): { readonly server: Server; content: Content } {
  const mirror = {
    content: new Map() as Content,
    server: createServer((request, answer) => {
      const url = new URL(request.url ?? "", "http://mirror");
      const [, repository = "", kind = "", reference = ""] =
        /^\/v2\/(.+)\/(manifests|blobs)\/([^/]+)$/.exec(url.pathname) ?? [];
      const isDigest = reference.startsWith("sha256:");
      const name = `${url.searchParams.get("ns") ?? ""}/${repository}`;
      const root = mirror.content.get(`${name}${isDigest ? "@" : ":"}${reference}`);
      const digest = root?.digest ?? (isDigest ? reference : undefined);
      const file = digest === undefined ? undefined : blobPath(folder, digest);
      if (digest === undefined || file === undefined || !existsSync(file)) {
        answer.writeHead(404, { "content-type": "application/json" });
        answer.end('{"errors":[{"code":"MANIFEST_UNKNOWN"}]}');
        return;
      }
      const bytes = readFileSync(file);
      const type = kind === "blobs" ? "application/octet-stream" : mediaTypeOf(bytes);
      answer.writeHead(200, {
        "content-type": type,
        "content-length": bytes.length,
        "docker-content-digest": digest,
      });
      answer.end(request.method === "HEAD" ? undefined : bytes);
    }),
  };
  return mirror;
}

function mediaTypeOf(bytes: Buffer): string {
  const { mediaType } = JSON.parse(bytes.toString()) as { readonly mediaType?: string };
  return mediaType ?? "application/vnd.oci.image.manifest.v1+json";
}

function describe(error: unknown): string {
  if (error instanceof ManyErrors) return error.errors.map(({ message }) => message).join("; ");
  return error instanceof Error ? error.message : String(error);
}

const describeLoads = await needs("docker", "ctr", "podman", "docker-registry", "root");

describeLoads("what build accepts and verify calls good", () => {
  const folder = mkdtempSync(join(tmpdir(), "viola-truth-"));
  const mirror = startMirror(folder);
  let client: RegistryClient;
  let containerd: Containerd;
  let registry: DockerRegistry;
  let docker: ImageStore;
  const podman = podmanStore(process.env);
  /** `limited` counts the engines that said beforehand that they cannot hold the images. */
  const outcomes = { refused: 0, loaded: 0, limited: 0, names: 0 };

  beforeAll(async () => {
    await new Promise<void>((resolve) => mirror.server.listen(0, "127.0.0.1", resolve));
    const { port } = mirror.server.address() as AddressInfo;
    const rule = { endpoints: [`http://127.0.0.1:${port}`], only: true };
    const settings = { ...defaultSettings(), mirrors: new Map([["*", rule]]) };
    client = new RegistryClient({ settings, env: {}, home: "/nowhere", firstDelayMs: 1 });
    [containerd, registry] = await Promise.all([startContainerd(), startDockerRegistry("open")]);
    docker = dockerStore(await dockerEngine());
  });
  afterAll(async () => {
    await Promise.all([client.close(), containerd.stop(), registry.stop()]);
    mirror.server.closeAllConnections();
    mirror.server.close();
    rmSync(folder, { recursive: true });
    if (process.env["VIOLA_SETS"] !== undefined) process.stdout.write(`${JSON.stringify(outcomes)}\n`);
  });

  /** Builds the bundle of a set. */
  async function build({ references, content }: ReferenceSet, file: string): Promise<OpenBundle> {
    mirror.content = content;
    const never = (): never => {
      throw new Error("the spec has no charts");
    };
    const spec = {
      name: "truth",
      version: "1.0.0",
      charts: [],
      apiVersions: [],
      extraImages: references.map((reference) => ({ reference })),
      excludedImages: [],
      silencedWarnings: [],
      includeTests: false,
      platforms: [],
    };
    const options = {
      specDigest: digestOf("spec"),
      platforms: [{ os: "linux", architecture: "amd64" }],
      tool: "test",
      loader: { path: "load.sh", bytes: Buffer.from("") },
    };
    const { archive } = await planBundle(workflowRun(), spec, options, {
      charts: { packageChart: never, spellOutSource: never, renderChart: never, readPackage: never },
      loadOperators: never,
      files: { readFile: never, writeFile: never },
      temporaryFolder: folder,
      chartConcurrency: 1,
      images: new RegistrySource(client),
      artifacts: { findArtifacts: never },
      imageConcurrency: 4,
    });
    const bundle = await writePlan(folder, file, archive);
    // As the writer of a build does, whose worker threads need the built program.
    await requireUsableImages(bundle.inventory, async ({ digest }) =>
      bundle.readPlace(bundle.blobs.get(digest)!),
    );
    return bundle;
  }

  /** An engine may refuse what `build` and `verify` warn of, before anything is sent. */
  const inStore = async (bundle: OpenBundle, store: ImageStore): Promise<void> => {
    const { images } = bundle.inventory;
    const unfit = findUnfitImages(images, await store.findLimits(signal)).map(({ normalized }) => normalized);
    if (unfit.length > 0) {
      const error: unknown = await loadStore(workflowRun(), bundle, store, { reader }).catch(
        (cause: unknown) => cause,
      );
      const errors = error instanceof ManyErrors ? error.errors : [error];
      expect(errors).toEqual(
        unfit.map((subject): unknown => expect.objectContaining({ code: "IMAGE_UNSUPPORTED", subject })),
      );
      const warned = findLimitedImages(images).map(({ normalized }) => normalized);
      expect(warned).toEqual(expect.arrayContaining(unfit));
      const stored = await store.listImages(signal);
      expect(images.flatMap((image) => storedAs(image, stored))).toEqual([]);
      outcomes.limited++;
      return;
    }
    try {
      const report = await loadStore(workflowRun(), bundle, store, { reader });
      const unresolved = report.nodes.flatMap((node) => node.unresolved ?? []);
      if (store.keepsDigests) expect(unresolved).toEqual([]);
      const promised = bundle.inventory.images
        .flatMap(({ names }) => names)
        .filter((name) => !unresolved.includes(name));
      for (const name of unresolved) expect(isDigestName(name)).toBe(true);
      const { stderr } = await run(store.name, ["image", "inspect", ...promised]);
      if (promised.length > 0) expect(stderr).toBe("");
    } finally {
      await unloadStore(bundle.inventory, store, signal);
    }
  };

  const targets: Readonly<Record<string, (bundle: OpenBundle) => Promise<void>>> = {
    docker: (bundle) => inStore(bundle, docker),
    podman: (bundle) => inStore(bundle, podman),
    containerd: async (bundle) => {
      const target = findContainerd(containerd.socket, process.env);
      await loadBundle(workflowRun(), bundle, { target }, loadPorts());
      const stored = await containerd.images();
      for (const { names, digest } of bundle.inventory.images)
        for (const name of names) expect([name, stored.get(name)]).toEqual([name, digest]);
      expect((await containerd.ctr("images", "check")).stdout).not.toContain("incomplete");
    },
    registry: async (bundle) => {
      const report = await pushTo(registry.host, bundle);
      const unresolved = new Set(report.unresolved.map(({ name }) => name));
      for (const { names, digest } of bundle.inventory.images) {
        for (const name of names.filter((one) => !unresolved.has(one))) {
          const reference = parseReference(name);
          const place = `${repositoryIn("", reference)}/manifests/${reference.digest ?? reference.tag ?? ""}`;
          const headers = { accept: MANIFEST_MEDIA_TYPES.join(", ") };
          const answer = await fetch(`${registry.url}/v2/${place}`, { headers });
          const pushed = report.images.find((image) => image.names.includes(name));
          expect([name, answer.status]).toEqual([name, 200]);
          expect(answer.headers.get("docker-content-digest")).toBe(
            reference.digest === undefined ? pushed?.digest : digest,
          );
        }
      }
    },
  };

  const seeds = Array.from({ length: SETS }, (_, at) => FIRST + at);
  test.each(seeds)("loads into every target: set %i", async (seed) => {
    const set = makeSet(folder, seed);
    const known = new Set(set.references.map((text) => formatReference(parseReference(text))));
    let bundle: OpenBundle;
    try {
      bundle = await build(set, `${seed}.tar`);
    } catch (error) {
      // A refusal names an image of the set, or a name of one.
      expect([set.parts, error]).toEqual([set.parts, expect.any(ViolaError)]);
      const errors = error instanceof ManyErrors ? error.errors : [error as ViolaError];
      for (const { subject = "" } of errors)
        expect([...known].some((name) => name.startsWith(subject))).toBe(true);
      outcomes.refused++;
      return;
    }
    const { problems } = await verifyWithLayers(workflowRun(), bundle, { reader });
    if (problems.length > 0) {
      expect([set.parts.join(), new Set(problems.map(({ code }) => code))]).toEqual([
        expect.stringContaining("another diff id"),
        new Set(["layer-unusable"]),
      ]);
      outcomes.refused++;
      return;
    }
    const loads = await Promise.all(
      Object.entries(targets).map(([name, load]) =>
        load(bundle).then(
          () => [],
          (error: unknown) => [`${name}: ${describe(error)}`],
        ),
      ),
    );
    expect([set.parts, loads.flat()]).toEqual([set.parts, []]);
    outcomes.loaded++;
    outcomes.names += bundle.inventory.images.reduce((sum, { names }) => sum + names.length, 0);
  });

  test("includes sets that are refused and sets that are loaded", () => {
    expect(outcomes.refused).toBeGreaterThan(0);
    expect(outcomes.loaded).toBeGreaterThan(0);
  });
});
