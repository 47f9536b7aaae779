// `images --inspect-operators`: programs of real operators under an unknown name, inspected in
// their image.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startEmbeddedRegistry, type EmbeddedRegistry } from "../../scripts/parts/embedded-registry.js";
import { makeImage } from "../../scripts/parts/images.js";
import type { Suspect } from "../../src/core/finding/program/suspect.js";
import { runCli } from "../support/cli.js";
import { findHelm } from "../../src/adapters/helm/find-helm.js";
import { partsPath } from "../../scripts/parts/home.js";
import { needs } from "../support/parts.js";
import { ROOT, sharedPath } from "../support/paths.js";
import { makeProgramImage, realProgram } from "../../scripts/parts/program-image.js";

/** What the programs start, besides the reloader, with the versions that they contain. */
const STARTED = {
  "docker.io/grafana/agent": "v0.39.1",
  "quay.io/prometheus/prometheus": "v3.1.0",
  "quay.io/prometheus/alertmanager": "v0.28.0",
  [`quay.io/prometheus-operator/prometheus-config-reloader`]: "v0.80.0",
};

interface Answer {
  readonly images: readonly {
    readonly normalized: string;
    readonly confidence: string;
    readonly required: boolean;
    readonly evidence: readonly { readonly rule: string; readonly path: string }[];
  }[];
  readonly warnings: readonly { readonly code: string; readonly images?: readonly string[] }[];
  readonly suspects?: readonly Suspect[];
}

const CHART = join(ROOT, "test/fixtures/charts/unknown-operator");
const UNCOVERED = join(ROOT, "test/fixtures/charts/uncovered-operators");
const RELOADER = "quay.io/prometheus-operator/prometheus-config-reloader";

(await needs("shared", "helm"))("operators that nobody knows", () => {
  let folder = "";
  let config = "";
  let registry: EmbeddedRegistry;
  let layers: readonly string[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "viola-inspect-"));
    registry = await startEmbeddedRegistry();
    const agent = await makeProgramImage(folder, "manager", realProgram(sharedPath(), "agent-operator"));
    const prometheus = await makeProgramImage(folder, "bin/operator", realProgram(sharedPath(), "operator"));
    layers = [agent, prometheus].map(({ blobs }) => blobs[1]!.digest);
    registry.addImage(folder, agent, "docker.io/grafana/agent-operator", "v0.999.0");
    registry.addImage(folder, prometheus, "quay.io/prometheus-operator/prometheus-operator", "v0.999.0");
    registry.addImage(folder, agent, "registry.example/acme/unknown-operator", "1.0");
    registry.addImage(folder, prometheus, "registry.example/acme/unknown-operator", "0.80.0");
    const small = makeImage(folder, { seed: "started", mediaTypes: "oci", layers: [1000] });
    registry.addImage(folder, small, RELOADER, "v0.67.1");
    registry.addImage(folder, small, `quay.io/thanos/thanos`, "v0.37.2");
    for (const [repository, tag] of Object.entries(STARTED))
      registry.addImage(folder, small, repository, tag);
    config = join(folder, "settings.yaml");
    const helm = await findHelm(
      { path: process.env["PATH"], cacheFolder: join(partsPath("helm"), "viola-airgap") },
      new AbortController().signal,
    );
    const mirrors = `mirrors: { "*": { endpoints: ["${registry.url}/{registry}"], only: true } }`;
    await writeFile(config, `${mirrors}\nhelm: ${helm.program}\ncache: ${join(folder, "cache")}\n`);
  });
  afterAll(async () => {
    await registry.close();
    await rm(folder, { recursive: true });
  });

  const images = async (...more: readonly string[]): Promise<Answer> => {
    const { code, stdout, stderr } = await runCli(["images", CHART, "--json", ...more, "--config", config]);
    expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
    return JSON.parse(stdout) as Answer;
  };

  it("cause a warning with their image, and are not inspected by default", async () => {
    const asked = registry.requests.length;
    const { warnings, suspects } = await images();

    expect(warnings).toMatchObject([
      { code: "unknown-operator", images: ["registry.example/acme/unknown-operator:1.0"] },
    ]);
    expect(suspects).toBeUndefined();
    expect(registry.requests).toHaveLength(asked);
  });

  it("contain both hidden images of the agent operator with their tags, and few others", async () => {
    const { images: listed, suspects = [] } = await images("--inspect-operators");

    expect(suspects.map(({ reference }) => reference)).toEqual(
      expect.arrayContaining([`${RELOADER}:v0.67.1`, "grafana/agent:v0.39.1"]),
    );
    expect(suspects.length).toBeLessThanOrEqual(10);
    expect(suspects.find(({ tag }) => tag === "v0.67.1")).toMatchObject({
      reference: `${RELOADER}:v0.67.1`,
      repository: RELOADER,
      tag: "v0.67.1",
      certainty: "guessed",
      rule: "string-header",
      operator: "Deployment unknown-operator",
      operatorImage: "registry.example/acme/unknown-operator:1.0",
      file: "manager",
      exists: true,
    });
    expect(listed).toHaveLength(1);
  });

  it("contain the images that the Prometheus operator composes, with the tags in the registry", async () => {
    const set = ["--set", "image=registry.example/acme/unknown-operator:0.80.0"];
    const { suspects = [] } = await images("--inspect-operators", ...set);
    const repositories = suspects.map(({ repository }) => repository);

    expect(suspects).toContainEqual(
      expect.objectContaining({ reference: "quay.io/thanos/thanos:v0.37.2", rule: "constant", exists: true }),
    );
    expect(repositories).toContain(RELOADER);
    expect(repositories).toContain("quay.io/prometheus/alertmanager");
    expect(suspects.length).toBeLessThanOrEqual(10);
  });

  it("cause only a warning when their image cannot be fetched", async () => {
    const answer = await images("--inspect-operators", "--set", "image=registry.example/acme/absent:1");

    expect(answer.suspects).toEqual([]);
    expect(answer.images).toHaveLength(1);
    expect(answer.warnings.map(({ code }) => code)).toEqual(["unknown-operator", "operator-not-inspected"]);
  });

  it("are reported by `--why` with the program that contains the name", async () => {
    const args = ["images", CHART, "--why", `${RELOADER}:v0.67.1`, "--inspect-operators", "--json"];
    const { code, stdout } = await runCli([...args, "--config", config]);

    // Named in a program, but not used by any object.
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      images: [],
      warnings: [{ code: "unknown-operator" }],
      suspects: [
        { reference: `${RELOADER}:v0.67.1`, operator: "Deployment unknown-operator", file: "manager" },
      ],
    });
  });

  it("that are known at other tags: build takes the versions from their programs, and fetches them once", async () => {
    const spec = join(folder, "bundle.yaml");
    await writeFile(
      spec,
      `name: uncovered\nversion: 1.0.0\nplatforms: [linux/amd64]\ncharts: [{ chart: ${UNCOVERED}, release: uncovered, namespace: default }]\n`,
    );
    const listed = await runCli(["images", spec, "--inspect-operators", "--json", "--config", config]);
    const { images: found, warnings } = JSON.parse(listed.stdout) as Answer;
    const built = await runCli(["build", spec, "-o", join(folder, "b.bundle"), "--json", "--config", config]);

    const wanted = [...Object.entries(STARTED), [RELOADER, "v0.67.1"], ["quay.io/thanos/thanos", "v0.37.2"]]
      .map(([repository, tag]) => `${repository}:${tag}`)
      .toSorted();
    expect(
      found
        .filter(({ evidence }) => evidence.some(({ rule }) => rule === "program"))
        .map(({ normalized, confidence, required }) => [normalized, confidence, required]),
    ).toEqual(wanted.map((reference) => [reference, "certain", true]));
    expect(warnings).toEqual([]);
    expect({ code: built.code, ...(JSON.parse(built.stdout) as object) }).toMatchObject({
      code: 0,
      images: wanted.length + 2,
      warnings: [],
    });
    // The tests above inspect the same layers under other names.
    const asked = registry.requests.map(({ reference }) => reference);
    expect(layers.map((layer) => asked.filter((reference) => reference === layer).length)).toEqual([1, 1]);
  });

  it("stay a warning with `build --no-inspect`", async () => {
    const spec = join(folder, "bundle.yaml");
    const args = [
      "build",
      spec,
      "-o",
      join(folder, "c.bundle"),
      "--no-inspect",
      "--json",
      "--config",
      config,
    ];
    const { stdout } = await runCli(args);

    expect(JSON.parse(stdout)).toMatchObject({
      images: 2,
      warnings: [{ code: "operator-tag-unverified" }, { code: "operator-tag-unverified" }],
    });
  });
});
