// load.sh on a host without Node and helm: with dash and busybox, and the tools of Debian, busybox
// and macOS.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { partsPath } from "../../scripts/parts/home.js";
import { makeImage } from "../../scripts/parts/images.js";
import { startEmbeddedRegistry, type EmbeddedRegistry } from "../../scripts/parts/embedded-registry.js";
import type { Place } from "../../src/core/bundle/blob-places.js";
import type { ArchiveInput } from "../../src/core/bundle/archive-plan.js";
import type { OpenBundle } from "../../src/workflows/ports.js";
import { bundleOf, type NamedImage } from "../support/bundle-of.js";
import { runCli } from "../support/cli.js";
import { startContainerd, type Containerd } from "../support/containerd.js";
import { startNodes, type Nodes } from "../support/nodes.js";
import { needs } from "../support/parts.js";
import { ROOT } from "../support/paths.js";
import { mustRun, run, start, type RunResult } from "../support/run.js";
import { offerStrict, REFUSED } from "../support/strict-tools.js";

const SCRIPT = join(ROOT, "manifests/bundle/load.sh");
const NAMED_IMAGES: readonly NamedImage[] = [
  { seed: "tagged", mediaTypes: "oci", layers: [3_000_000, 5_000], reference: "quay.io/org/tagged:1" },
  { seed: "pinned", mediaTypes: "docker", layers: [50_000], reference: "pinned:2@DIGEST" },
  { seed: "alone", mediaTypes: "oci", layers: [50_000], reference: "ghcr.io/x/alone@DIGEST", index: false },
];
/**
 * All programs that the script uses. macOS and busybox have all of them, except some of the hash
 * programs.
 */
const TOOLS = "awk cat chmod date dd df grep head mkdir mktemp od rm sed sleep sort tail tr uname wc".split(
  " ",
);

/** The folder of the tests of `load`. */
const CONTAINERD_2 = partsPath("containerds", "containerd-2.0");

const describeNodes = await needs("nodes");

describeNodes("load.sh", () => {
  let folder: string;
  let bundle: OpenBundle;
  let names: readonly string[];
  let nodes: Nodes;
  /** Shells with the programs on their PATH, and the command that extracts the script. */
  let hosts: Record<
    "debian" | "busybox" | "macos",
    { readonly shell: readonly string[]; readonly path: string; readonly tar: readonly string[] }
  >;

  const find = (program: string): string => execFileSync("which", [program], { encoding: "utf8" }).trim();
  const offer = (name: string, programs: Readonly<Record<string, string>>): string => {
    mkdirSync(join(folder, name));
    for (const [program, target] of Object.entries({ docker: find("docker"), ...programs }))
      symlinkSync(target, join(folder, name, program));
    return join(folder, name);
  };
  const host = (
    which: keyof typeof hosts,
    args: readonly string[],
    script = SCRIPT,
  ): Parameters<typeof run> => {
    const [shell = "", ...options] = hosts[which].shell;
    const env = { PATH: hosts[which].path, HOME: folder, TMPDIR: join(folder, "tmp") };
    return [shell, [...options, script, ...args], { env }];
  };
  const load = (...args: readonly string[]): Promise<RunResult> =>
    run(...host("debian", [...args, "--to", `kind:${nodes.cluster}`]));
  /** Names with complete content on a node. */
  const complete = async (node: string): Promise<readonly string[]> =>
    (await nodes.exec(node, "ctr", "-n", "k8s.io", "images", "check"))
      .split("\n")
      .filter((line) => / complete \((\d+)\/\1\) /.test(line) && !line.startsWith("sha256:"))
      .map((line) => line.split(/\s+/)[0] ?? "");
  const copyWith = (name: string, change: (bytes: Buffer) => void): string => {
    const bytes = readFileSync(bundle.file);
    change(bytes);
    writeFileSync(join(folder, name), bytes);
    return join(folder, name);
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "viola-load-sh-"));
    mkdirSync(join(folder, "tmp"));
    const common = Object.fromEntries(TOOLS.map((tool) => [tool, find(tool)]));
    const applets = execFileSync("busybox", ["--list"], { encoding: "utf8" }).trim().split("\n");
    const busybox = Object.fromEntries(applets.map((applet) => [applet, find("busybox")]));
    hosts = {
      debian: {
        shell: [find("dash")],
        path: offer("debian", { ...common, sh: find("dash"), sha256sum: find("sha256sum") }),
        tar: ["tar"],
      },
      busybox: {
        shell: [find("busybox"), "sh"],
        path: offer("busybox", busybox),
        tar: ["busybox", "tar"],
      },
      // Its sh is bash 3 in POSIX mode, its awk is Kernighan's, its tar is bsdtar, and its tools
      // have no GNU extensions.
      macos: {
        shell: [find("bash"), "--posix"],
        path: offer("macos", { sh: find("bash"), perl: find("perl") }),
        tar: ["bsdtar"],
      },
    };
    offerStrict(hosts.macos.path, {
      ...common,
      awk: find("original-awk"),
      shasum: find("shasum"),
    });
    const file = (path: string, bytes: Buffer): ArchiveInput["files"][number] => ({
      path,
      bytes,
      sha256: createHash("sha256").update(bytes).digest("hex"),
    });
    bundle = await bundleOf(folder, "bundle", NAMED_IMAGES, {
      files: [file("load.sh", readFileSync(SCRIPT)), file("values/app.yaml", Buffer.from("a: 1\n"))],
    });
    names = bundle.inventory.images.flatMap((image) => image.names).sort();
    nodes = await startNodes(1);
  });
  afterEach(async () => {
    expect(readdirSync(join(folder, "tmp"))).toEqual([]);
    expect(readFileSync(join(hosts.macos.path, REFUSED), "utf8")).toBe("");
    await nodes.empty();
  });
  afterAll(async () => {
    await nodes.remove();
    await rm(folder, { recursive: true, force: true });
  });

  it.each(["debian", "busybox", "macos"] as const)("loads every name onto every node: %s", async (which) => {
    const [tar = "", ...options] = hosts[which].tar;
    await mustRun(tar, [...options, "-xf", bundle.file, "-C", hosts[which].path, "load.sh"]);
    const script = join(hosts[which].path, "load.sh");
    const args = [bundle.file, "--to", `kind:${nodes.cluster}`];
    const first = await run(...host(which, args, script));

    expect(first).toMatchObject({ code: 0, stderr: expect.stringContaining("sending") as unknown });
    for (const node of nodes.names) {
      expect([...(await complete(node))].sort()).toEqual(names);
      const pinned = await nodes.exec(
        node,
        "ctr",
        "-n",
        "k8s.io",
        "images",
        "ls",
        'labels."io.cri-containerd.pinned"==pinned',
      );
      for (const name of names) expect(pinned).toContain(name);
    }

    const again = await run(...host(which, args, script));
    expect(again.code).toBe(0);
    expect(again.stderr).not.toContain("sending");
  });

  it.each(["debian", "busybox", "macos"] as const)(
    "lists and checks the bundle in Korean: %s",
    async (which) => {
      const list = await run(...host(which, [bundle.file, "--list"]));
      expect(list).toMatchObject({ code: 0, stderr: "" });
      expect(list.stdout.trimEnd().split("\n").sort()).toEqual(names);

      const args = ["--to", `kind:${nodes.cluster}`, "--check", "--lang", "ko"];
      const check = await run(...host(which, [bundle.file, ...args]));
      expect(check).toMatchObject({ code: 0 });
      for (const node of nodes.names)
        expect(check.stdout).toMatch(
          new RegExp(`^${node} \\(linux/amd64\\): \\p{Script=Hangul}.*4.*4.* 4 MB$`, "mu"),
        );
    },
  );

  it("sends a node only the content that it lacks", async () => {
    expect((await load(bundle.file)).code).toBe(0);
    const [, worker = ""] = nodes.names;
    await nodes.exec(worker, "ctr", "-n", "k8s.io", "images", "rm", "--sync", "quay.io/org/tagged:1");
    const layer = bundle.inventory.images.find(({ normalized }) => normalized === "quay.io/org/tagged:1")
      ?.platforms[0]?.layers[1];
    await nodes
      .exec(worker, "ctr", "-n", "k8s.io", "content", "rm", layer?.digest ?? "")
      .catch(() => undefined);

    const check = await load(bundle.file, "--check");
    expect(check.code).toBe(0);
    expect(check.stdout.split("\n").filter((line) => line.includes(": 0 of "))).toHaveLength(1);

    const again = await load(bundle.file);
    expect(again.code).toBe(0);
    expect(again.stderr.match(/sending/g)).toHaveLength(1);
    expect(again.stderr).toContain(`${worker}: sending`);
    expect([...(await complete(worker))].sort()).toEqual(names);
  });

  it("refuses a damaged layer with the name of its image, and changes no node", async () => {
    const layer = bundle.inventory.images.find(({ normalized }) => normalized === "quay.io/org/tagged:1")
      ?.platforms[0]?.layers[0];
    const { offset = 0 } = bundle.inventory.blobs.find(({ digest }) => digest === layer?.digest) ?? {};
    const file = copyWith("layer", (bytes) =>
      bytes.writeUInt8(bytes.readUInt8(offset + 1000) ^ 1, offset + 1000),
    );

    const { code, stderr } = await run(...host("macos", [file, "--to", `kind:${nodes.cluster}`]));
    expect(code).toBe(2);
    expect(stderr).toContain("quay.io/org/tagged:1");
    for (const node of nodes.names) expect(await complete(node)).toEqual([]);
  });

  it("refuses all damaged files at once, and a truncated file", async () => {
    const { offset } = bundle.locate("values/app.yaml");
    const index = readFileSync(bundle.file).indexOf('"schemaVersion":2', offset);
    const file = copyWith("files", (bytes) => {
      bytes.write("b", offset);
      bytes.write("3", index + '"schemaVersion":'.length);
    });
    const damaged = await load(file);
    expect(damaged.code).toBe(2);
    expect(damaged.stderr).toContain("values/app.yaml");
    expect(damaged.stderr).toContain("index.json");

    writeFileSync(join(folder, "cut"), readFileSync(bundle.file).subarray(0, bundle.size - 5000));
    const cut = await load(join(folder, "cut"));
    expect(cut).toMatchObject({ code: 2, stderr: expect.stringContaining(String(bundle.size)) as unknown });
  });

  it("refuses a bundle for another platform, and reports node and platforms", async () => {
    const other = await bundleOf(
      folder,
      "other",
      NAMED_IMAGES.slice(0, 2).map((image) => ({ ...image, bundled: ["linux/arm64"] })),
    );
    const { code, stderr } = await load(other.file);
    expect(code).toBe(2);
    for (const node of nodes.names) expect(stderr).toContain(`${node} runs linux/amd64`);
    expect(stderr).toContain("linux/arm64");
  });

  it("reports everything that is missing at once, and which clusters exist", async () => {
    const args = [bundle.file, "--to", "kind:no-such-cluster", "--install"];
    const { code, stderr } = await run(...host("debian", args));
    expect(code).toBe(2);
    for (const part of ["no-such-cluster", nodes.cluster, "helm", "kubectl"]) expect(stderr).toContain(part);
  });

  it("never evaluates the content of a bundle", async () => {
    const check = async (name: string, change: (facts: string) => string): Promise<RunResult> =>
      load(withFacts(name, change), "--check");
    expect((await check("unchanged", (facts) => facts)).code).toBe(0);
    const trap = join(folder, "evaluated");
    const hostile = [
      `$(touch ${trap})`,
      `\`touch ${trap}\``,
      `'; touch ${trap}; '`,
      `"; touch ${trap}; "`,
      "a b",
      "-rf",
      "x\ny",
      "*",
    ];
    const places: readonly ((facts: string, text: string) => string)[] = [
      (facts, text) => facts.replaceAll(/quay\.io\/org\/tagged:1/g, () => text),
      (facts, text) => facts.replaceAll("values/app.yaml", () => text),
      (facts, text) => facts.replaceAll("linux/amd64", () => text),
      (facts, text) => facts.replace(/^(file \S+) \d+/m, (_, start: string) => `${start} ${text}`),
      (facts, text) => facts.replace(/^(blob) \S+/m, (_, start: string) => `${start} ${text}`),
      (facts, text) => facts.replace(/^(bundle) \S+/m, (_, start: string) => `${start} ${text}`),
      (facts, text) => facts.replace(/^end.*/m, (end) => `${text}\n${end}`),
    ];
    for (const text of hostile) {
      for (const [index, place] of places.entries()) {
        const { code } = await check(`hostile-${index}`, (facts) => place(facts, text));
        expect({ text, index, code }).toEqual({ text, index, code: 2 });
      }
      expect(existsSync(trap)).toBe(false);
    }
    for (const path of ["/etc/x", "a/../../b", "..", "a//b", "a/"]) {
      const { code } = await check("path", (facts) => facts.replaceAll("values/app.yaml", path));
      expect({ path, code }).toEqual({ path, code: 2 });
    }
    for (const node of nodes.names) expect(await complete(node)).toEqual([]);
  });

  it("accepts bundle.json in any layout, and rejects facts without a checksum in it", async () => {
    const turned = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(turned);
      if (typeof value !== "object" || value === null) return value;
      return Object.fromEntries(
        Object.entries(value)
          .reverse()
          .map(([key, inner]) => [key, turned(inner)]),
      );
    };
    for (const [index, indent] of [undefined, 4, "\t"].entries()) {
      const file = withParts(`layout-${index}`, ({ json, facts }) => ({
        json: JSON.stringify(turned(JSON.parse(json)), null, indent),
        facts,
      }));
      expect(await load(file, "--check")).toMatchObject({ code: 0 });
    }
    const other = withParts("facts", ({ json, facts }) => ({
      json,
      facts: facts.replace("linux/amd64", "linux/arm64"),
    }));
    expect(await load(other, "--check")).toMatchObject({ code: 2 });
    // A checksum that bundle.json has for another file does not count.
    const borrowed = withParts("borrowed", ({ json, facts }) => ({
      json: json.replace('"path": "facts"', '"path": "values/other.yaml"'),
      facts,
    }));
    expect(await load(borrowed, "--check")).toMatchObject({ code: 2 });
  });

  it("refers to the script of a bundle that has no facts, or facts of another version", async () => {
    const other = withFacts("version", (facts) => facts.replace("facts 1", "facts 3"));
    const without = copyWith("without", (bytes) => bytes.write("other", bundle.locate("facts").offset - 512));
    for (const file of [other, without]) {
      const { code, stderr } = await load(file, "--check");
      expect({ code, stderr }).toEqual({
        code: 2,
        stderr: expect.stringContaining(`tar -xf ${file} load.sh`) as unknown,
      });
    }
  });

  /** A bundle with other facts and their checksum in bundle.json. */
  function withFacts(name: string, change: (facts: string) => string): string {
    const hash = (text: string): string => createHash("sha256").update(text).digest("hex");
    return withParts(name, ({ json, facts }) => {
      const changed = change(facts);
      return { json: json.replace(hash(facts), hash(changed)), facts: changed };
    });
  }

  /** A bundle with another bundle.json and other facts. The offsets of later entries change. */
  function withParts(
    name: string,
    change: (parts: { readonly json: string; readonly facts: string }) => {
      readonly json: string;
      readonly facts: string;
    },
  ): string {
    const bytes = readFileSync(bundle.file);
    const [json, facts] = ["bundle.json", "facts"].map((path) => bundle.locate(path)) as [Place, Place];
    const text = ({ offset, size }: Place): string => bytes.toString("utf8", offset, offset + size);
    const changed = change({ json: text(json), facts: text(facts) });
    const entry = (at: number, content: string): Buffer => {
      const header = Buffer.from(bytes.subarray(at - 512, at));
      header.write(Buffer.byteLength(content).toString(8).padStart(11, "0"), 124);
      const padding = (512 - (Buffer.byteLength(content) % 512)) % 512;
      return Buffer.concat([header, Buffer.from(content), Buffer.alloc(padding)]);
    };
    const rest = bytes.subarray(facts.offset + Math.ceil(facts.size / 512) * 512);
    const parts = [entry(json.offset, changed.json), entry(facts.offset, changed.facts), rest];
    writeFileSync(join(folder, name), Buffer.concat(parts));
    return join(folder, name);
  }

  it("ends immediately when it is interrupted, leaves nothing behind, and resumes next time", async () => {
    const large = await bundleOf(folder, "large", [
      { seed: "large", mediaTypes: "oci", layers: [100_000_000], reference: "quay.io/org/large:1" },
    ]);
    const running = start(...host("debian", [large.file, "--to", `kind:${nodes.cluster}`]));
    const ingest = "/var/lib/containerd/io.containerd.content.v1.content/ingest";
    const isArriving = async (): Promise<boolean> => {
      const listed = nodes.names.map((node) => nodes.exec(node, "sh", "-c", `ls ${ingest}/*/data || :`));
      return (await Promise.all(listed)).some((files) => files !== "");
    };
    await expect.poll(isArriving, { timeout: 60_000, interval: 10 }).toBe(true);
    running.process.kill("SIGINT");
    const { code, stderr } = await running.result;
    expect({ code, stderr }).toMatchObject({
      code: 130,
      stderr: expect.stringContaining("interrupted") as unknown,
    });
    expect(readdirSync(join(folder, "tmp"))).toEqual([]);
    for (const node of nodes.names) {
      expect(await complete(node)).toEqual([]);
      expect(await nodes.exec(node, "ctr", "-n", "k8s.io", "content", "ls")).not.toContain("anchor");
    }

    const again = await load(large.file);
    expect(again, again.stderr).toMatchObject({ code: 0 });
    for (const node of nodes.names) expect(await complete(node)).toEqual(["quay.io/org/large:1"]);
  });

  it("loads the content that the Docker engine of the host lacks", async () => {
    const image = "viola.invalid/load-sh:1";
    const one = await bundleOf(folder, "docker", [
      { seed: "d", mediaTypes: "oci", layers: [70_000], reference: image },
    ]);
    const config = one.inventory.images[0]?.platforms[0]?.config.digest;
    try {
      const first = await run(...host("macos", [one.file, "--to", "docker"]));
      expect(first).toMatchObject({ code: 0, stderr: expect.stringContaining("sending") as unknown });
      const id = await mustRun("docker", ["image", "inspect", "--format", "{{.Id}}", image]);
      expect(id.trim()).toBe(config);
      const again = await run(...host("busybox", [one.file, "--to", "docker"]));
      expect(again.code).toBe(0);
      expect(again.stderr).not.toContain("sending");
    } finally {
      await run("docker", ["image", "rm", image]);
    }
  });
});

describeNodes("what load.sh has brought", () => {
  let folder: string;
  let nodes: Nodes;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "viola-load-sh-"));
    // containerd 2 removes the labels of a name that is imported again, containerd 1 does not.
    nodes = await startNodes(1, existsSync(CONTAINERD_2) ? CONTAINERD_2 : undefined);
  });
  afterAll(async () => {
    await nodes.remove();
    await rm(folder, { recursive: true });
  });

  it("is labelled, so that unload removes exactly that", async () => {
    const [tagged, , alone] = NAMED_IMAGES as [NamedImage, NamedImage, NamedImage];
    const to = ["--to", `kind:${nodes.cluster}`];
    const cli = async (...args: readonly string[]): Promise<void> => {
      expect(await runCli([...args, ...to])).toMatchObject({ code: 0 });
    };
    const names = async (node: string): Promise<readonly string[]> =>
      (await nodes.exec(node, "ctr", "-n", "k8s.io", "images", "ls", "-q"))
        .split("\n")
        .filter((name) => name !== "" && !name.startsWith("sha256:"));
    const namesOf = ({ inventory }: OpenBundle): readonly string[] =>
      inventory.images.flatMap((image) => image.names).sort();
    const bundle = await bundleOf(folder, "bundle", NAMED_IMAGES);
    const other = await bundleOf(folder, "needs-one", [tagged]);
    const before = await bundleOf(folder, "before", [alone]);
    const noteOf = ({ inventory }: OpenBundle): string => `io.viola-airgap.bundle/${inventory.name}_1.0.0=`;
    for (const { file } of [other, before]) await cli("load", file);
    for (const node of nodes.names)
      await nodes.exec(node, "ctr", "-n", "k8s.io", "images", "label", ...namesOf(before), noteOf(before));

    const env = { ...process.env, VIOLA_SH_ONLY: "1" };
    expect(await run("/bin/sh", [SCRIPT, bundle.file, ...to], { env })).toMatchObject({ code: 0 });
    for (const node of nodes.names) {
      expect(await names(node)).toEqual(namesOf(bundle));
      const listed = await nodes.exec(node, "ctr", "-n", "k8s.io", "images", "ls");
      const shared = listed.split("\n").find((line) => line.startsWith("quay.io/org/tagged:1"));
      for (const part of [noteOf(other), noteOf(bundle), "pinned=pinned"]) expect(shared).toContain(part);
    }

    await cli("unload", other.file);
    for (const node of nodes.names) expect(await names(node)).toEqual(namesOf(bundle));
    await cli("unload", bundle.file);
    for (const node of nodes.names) expect(await names(node)).toEqual(namesOf(before));
  });
});

const describeHost = await needs("ctr", "root");

describeHost("load.sh into the containerd of the host", () => {
  let folder: string;
  let containerd: Containerd;
  let bundle: OpenBundle;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "viola-load-sh-"));
    containerd = await startContainerd();
    bundle = await bundleOf(folder, "bundle", NAMED_IMAGES);
  });
  afterAll(async () => {
    await containerd.stop();
    await rm(folder, { recursive: true, force: true });
  });

  /** Adds a program at the start of PATH. */
  const load = (name: string, script: string, ...args: readonly string[]): Promise<RunResult> => {
    const programs = join(folder, name);
    mkdirSync(programs, { recursive: true });
    writeFileSync(join(programs, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    const env = { ...process.env, VIOLA_SH_ONLY: "1", PATH: `${programs}:${process.env["PATH"] ?? ""}` };
    return run("dash", [SCRIPT, bundle.file, ...args], { env });
  };

  it("refuses when the disk does not have enough space", async () => {
    const args = ["--to", `containerd:${containerd.socket}`];
    const full =
      "printf 'Filesystem 1024-blocks Used Available Capacity Mounted\\n/dev/full 100000 99000 1000 99%% /\\n'";
    const { code, stderr } = await load("df", full, ...args);
    expect(code).toBe(2);
    expect(stderr).toContain("1 MB are free");
    expect((await containerd.images()).size).toBe(0);
  });

  it("loads every name, and finds everything complete with the ctr of k3s", async () => {
    const { code } = await load("none", "", "--to", `containerd:${containerd.socket}`);
    expect(code).toBe(0);
    const images = await containerd.images();
    for (const { names, digest } of bundle.inventory.images)
      for (const name of names) expect(images.get(name)).toBe(digest);

    // A substitute for k3s, which contains ctr.
    const k3s = `[ "$1" = ctr ] && shift && exec ctr --address ${containerd.socket} "$@"`;
    const again = await load("k3s", k3s, "--to", "k3s");
    expect(again.code).toBe(0);
    expect(again.stderr).not.toContain("sending");
  });
});

const describeBuild = await needs("nodes", "helm");

describeBuild("a bundle that brings its tools along", () => {
  let folder: string;
  let registry: EmbeddedRegistry;
  let nodes: Nodes;
  const build = (...args: readonly string[]): Promise<RunResult> =>
    runCli(["build", join(folder, "bundle.yaml"), "--config", join(folder, "settings.yaml"), ...args]);

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "viola-with-"));
    registry = await startEmbeddedRegistry();
    const image = makeImage(folder, { seed: "tool", mediaTypes: "oci", layers: [90_000] });
    registry.addImage(folder, image, "quay.io/org/tool", "1");
    writeFileSync(
      join(folder, "settings.yaml"),
      `mirrors: { "*": { endpoints: ["${registry.url}/{registry}"], only: true } }\n`,
    );
    writeFileSync(
      join(folder, "bundle.yaml"),
      "name: tools\nversion: 1.0.0\nplatforms: [linux/amd64]\ncharts: []\nimages: { include: [quay.io/org/tool:1] }\n",
    );
    nodes = await startNodes(1);
  });
  afterAll(async () => {
    await registry.close();
    await nodes.remove();
    await rm(folder, { recursive: true, force: true });
  });

  it("runs the program in the bundle on a host without Node", async () => {
    const file = join(folder, "tools.tar");
    const built = await build("-o", file, "--with", "cli,node", "--with", "helm");
    expect(built).toMatchObject({ code: 0 });
    expect((await runCli(["verify", file])).code).toBe(0);
    mkdirSync(join(folder, "path"));
    for (const tool of [...TOOLS, "docker", "sh", "dirname", "sha256sum"])
      symlinkSync(execFileSync("which", [tool], { encoding: "utf8" }).trim(), join(folder, "path", tool));
    await mustRun("tar", ["-xf", file, "-C", folder, "load.sh"]);

    const env = { PATH: join(folder, "path"), HOME: folder, TMPDIR: join(folder, "path") };
    const args = [join(folder, "load.sh"), file, "--to", `kind:${nodes.cluster}`];
    const { code, stdout, stderr } = await run("/bin/sh", args, { env });
    expect({ code, stderr }).toMatchObject({
      code: 0,
      stderr: expect.stringContaining("running viola-airgap") as unknown,
    });
    expect(stdout).toContain("fetched by the node");
    expect(readdirSync(join(folder, "path")).filter((name) => name.startsWith("viola"))).toEqual([]);

    const without = await run("/bin/sh", args, { env: { ...env, VIOLA_SH_ONLY: "1" } });
    expect(without).toMatchObject({
      code: 0,
      stderr: expect.not.stringContaining("running viola-airgap") as unknown,
    });
  });

  it("continues without a program that cannot reach the engine", async () => {
    const programs = join(folder, "podman-only");
    mkdirSync(programs);
    const docker = execFileSync("which", ["docker"], { encoding: "utf8" }).trim();
    // A substitute for podman with Kind-like nodes, because the program supports only Docker.
    const scripts = {
      podman: `exec ${docker} "$@"`,
      "viola-airgap": `DOCKER_HOST=unix:///nowhere exec ${process.execPath} ${join(ROOT, "dist/main.js")} "$@"`,
    };
    for (const [name, script] of Object.entries(scripts))
      writeFileSync(join(programs, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    for (const tool of [...TOOLS, "sh", "sha256sum"])
      symlinkSync(execFileSync("which", [tool], { encoding: "utf8" }).trim(), join(programs, tool));

    const file = join(folder, "podman.tar");
    expect(await build("-o", file)).toMatchObject({ code: 0 });
    const env = { PATH: programs, HOME: folder };
    const { code, stdout, stderr } = await run("/bin/sh", [SCRIPT, file, "--to", `kind:${nodes.cluster}`], {
      env,
    });
    expect({ code, stderr }).toMatchObject({
      code: 0,
      stderr: expect.not.stringContaining("running viola-airgap") as unknown,
    });
    for (const node of nodes.names) expect(stdout).toContain(node);
  });

  it.each([["tar"], ["bsdtar"], ["busybox tar"]])(
    "is extracted from the bundle as a program that runs: %s",
    async (tar) => {
      const file = join(folder, "same.tar");
      await build("-o", file, "--with", "cli,node");
      const out = join(folder, `out-${tar}`);
      mkdirSync(out);
      const [program = "", ...options] = tar.split(" ");
      await mustRun(program, [...options, "-xf", file, "-C", out, ...(options.length === 0 ? ["bin"] : [])]);
      expect(
        await mustRun(join(out, "bin/viola-airgap"), ["--version"], { env: { PATH: "/usr/bin:/bin" } }),
      ).toMatch(/^\d+\.\d+/);
    },
  );

  it("is reproducible", async () => {
    const [one, other] = [join(folder, "one.tar"), join(folder, "other.tar")];
    await build("-o", one, "--with", "cli,helm");
    await build("-o", other, "--with", "helm", "--with", "cli");
    const hash = (file: string): string => createHash("sha256").update(readFileSync(file)).digest("hex");
    expect(hash(one)).toBe(hash(other));
  });

  it("includes the image of Kind nodes for the engine, and it is not loaded onto nodes", async () => {
    const file = join(folder, "kind.tar");
    const image = makeImage(folder, { seed: "kind-node", mediaTypes: "oci", layers: [60_000] });
    registry.addImage(folder, image, "docker.io/viola-test/kind-node", "1");
    const reference = "viola-test/kind-node:1";
    expect(await build("-o", file, "--with", `kind-node-image=${reference}`)).toMatchObject({ code: 0 });
    expect((await runCli(["verify", file])).code).toBe(0);
    try {
      expect(await run("dash", [SCRIPT, file, "--to", "kind-node-image"])).toMatchObject({ code: 0 });
      await mustRun("docker", ["image", "inspect", reference]);
    } finally {
      await run("docker", ["image", "rm", reference]);
    }
    for (const env of [{}, { VIOLA_SH_ONLY: "1" }]) {
      const args = [SCRIPT, file, "--to", `kind:${nodes.cluster}`];
      expect(await run("dash", args, { env: { ...process.env, ...env } })).toMatchObject({ code: 0 });
    }
    const { code } = await runCli(["load", file, "--to", `kind:${nodes.cluster}`]);
    expect(code).toBe(0);
    for (const node of nodes.names)
      expect(await nodes.exec(node, "ctr", "-n", "k8s.io", "images", "ls", "-q")).not.toContain("kind-node");
  });

  it("includes a program from a file or an archive at a URL, when platform and checksum are correct", async () => {
    const program = Buffer.alloc(4096);
    program.write("\x7fELF", 0, "latin1");
    program.writeUInt16LE(183, 18);
    writeFileSync(join(folder, "kubectl"), program);
    chmodSync(join(folder, "kubectl"), 0o755);
    const file = join(folder, "programs.tar");
    const wrong = await build("-o", file, "--with", `kubectl=${join(folder, "kubectl")},node=/no/such/node`);
    expect(wrong.code).toBe(2);
    for (const part of ["linux/arm64", "linux/amd64", "/no/such/node"]) expect(wrong.stderr).toContain(part);

    program.writeUInt16LE(62, 18);
    writeFileSync(join(folder, "kubectl"), program);
    await mustRun("tar", ["-czf", join(folder, "kubectl.tar.gz"), "-C", folder, "kubectl"]);
    const archive = readFileSync(join(folder, "kubectl.tar.gz"));
    const sha256 = createHash("sha256").update(archive).digest("hex");
    const { createServer } = await import("node:http");
    const server = createServer((_, response) => response.end(archive)).listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const { port } = server.address() as { readonly port: number };
    try {
      const url = `http://127.0.0.1:${port}/kubectl.tar.gz`;
      const unchecked = await build("-o", file, "--with", `kubectl=${url}`);
      expect(unchecked).toMatchObject({ code: 2, stderr: expect.stringContaining("sha256") as unknown });
      const other = await build("-o", file, "--with", `kubectl=${url}#sha256:${"0".repeat(64)}`);
      expect(other).toMatchObject({ code: 2, stderr: expect.stringContaining(sha256) as unknown });
      expect((await build("-o", file, "--with", `kubectl=${url}#sha256:${sha256}`)).code).toBe(0);
    } finally {
      server.close();
    }
    expect(await mustRun("tar", ["-xOf", file, "bin/kubectl"])).toBe(program.toString());
    expect((await runCli(["verify", file])).code).toBe(0);
  });
});
