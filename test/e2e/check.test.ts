// Compares a Pod list of the viola stack with its bundle: complete, and without one image.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { CheckReport } from "../../src/core/check/check-running.js";
import { needs } from "../support/parts.js";
import { prepareViola, VIOLA_REQUIRED, type ViolaRun } from "./viola-run.js";

const HOOK_IMAGE = "registry.k8s.io/ingress-nginx/kube-webhook-certgen:v1.5.1";
const AGENT = "docker.io/grafana/agent:v0.39.1";

/** The output of jsonpath: every container, and two images without a registry, as in their charts. */
const LIST = VIOLA_REQUIRED.filter((image) => image !== HOOK_IMAGE)
  .map((image) => image.replace(/^docker\.io\/(?=kiwigrid|grafana\/agent:)/, ""))
  .flatMap((image) => [image, image])
  .join(" ");

const describeAll = await needs("registries", "helm", "shared");

describeAll("check with the viola stack", () => {
  let viola: ViolaRun;
  let whole: string;
  let pods: string;

  beforeAll(async () => {
    viola = await prepareViola(0.01);
    whole = join(viola.folder, "whole.bundle");
    pods = join(viola.folder, "pods");
    await writeFile(pods, LIST);
    expect((await viola.cli("build", viola.spec, "-o", whole, "--platform", "linux/amd64")).code).toBe(0);
  });
  afterAll(() => viola.close());

  const check = async (bundle: string): Promise<{ code: number; report: CheckReport }> => {
    const { code, stdout } = await viola.cli("check", bundle, "--pods", pods, "--json");
    return { code, report: JSON.parse(stdout) as CheckReport };
  };

  it("finds all 16 images of the list, and reports that the 17th runs in hooks", async () => {
    const { code, report } = await check(whole);

    expect(code).toBe(0);
    expect(report.present).toHaveLength(16);
    expect(report.missing).toEqual([]);
    expect(report.unused).toEqual([
      {
        normalized: HOOK_IMAGE,
        compressedBytes: expect.any(Number) as number,
        note: expect.stringContaining("pre-install") as string,
      },
    ]);
  });

  it("reports the one image that a bundle was built without, and why", async () => {
    const spec = join(viola.folder, "without.yaml");
    const exclusion = `images: { exclude: [{ image: ${AGENT}, reason: to see it missing }] }\n`;
    await writeFile(spec, `${await readFile(viola.spec, "utf8")}${exclusion}`);
    const bundle = join(viola.folder, "without.bundle");
    const built = await viola.cli("build", spec, "-o", bundle, "--platform", "linux/amd64", "--reuse", whole);
    expect(built.code).toBe(0);

    const { code, report } = await check(bundle);

    expect(code).toBe(1);
    expect(report.missing).toMatchObject([
      { normalized: AGENT, reference: "grafana/agent:v0.39.1", cause: { rule: "excluded" } },
    ]);
  });

  it("rejects an input that is not a list of images, with a hint", async () => {
    await writeFile(join(viola.folder, "table"), "NAME  READY\nloki-0  1/1\n");
    const { code, stderr } = await viola.cli("check", whole, "--pods", join(viola.folder, "table"));

    expect(code).toBe(2);
    expect(stderr).toContain("kubectl get pods -A -o json");
  });
});
