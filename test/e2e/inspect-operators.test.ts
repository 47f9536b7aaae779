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
import { needs } from "../support/parts.js";
import { ROOT, sharedPath } from "../support/paths.js";
import { makeProgramImage, realProgram } from "../../scripts/parts/program-image.js";

interface Answer {
  readonly images: readonly { readonly normalized: string }[];
  readonly warnings: readonly { readonly code: string; readonly images?: readonly string[] }[];
  readonly suspects?: readonly Suspect[];
}

const CHART = join(ROOT, "test/fixtures/charts/unknown-operator");
const RELOADER = "quay.io/prometheus-operator/prometheus-config-reloader";

(await needs("shared", "helm"))("operators that nobody knows", () => {
  let folder = "";
  let config = "";
  let registry: EmbeddedRegistry;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "viola-inspect-"));
    registry = await startEmbeddedRegistry();
    const agent = await makeProgramImage(folder, "manager", realProgram(sharedPath(), "agent-operator"));
    const prometheus = await makeProgramImage(folder, "bin/operator", realProgram(sharedPath(), "operator"));
    registry.addImage(folder, agent, "registry.example/acme/unknown-operator", "1.0");
    registry.addImage(folder, prometheus, "registry.example/acme/unknown-operator", "0.80.0");
    const small = makeImage(folder, { seed: "started", mediaTypes: "oci", layers: [1000] });
    registry.addImage(folder, small, RELOADER, "v0.67.1");
    registry.addImage(folder, small, `quay.io/thanos/thanos`, "v0.37.2");
    config = join(folder, "settings.yaml");
    await writeFile(config, `mirrors: { "*": { endpoints: ["${registry.url}/{registry}"], only: true } }\n`);
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
    expect(suspects[0]).toMatchObject({
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
});
