// The three real registries: generated images are pushed unchanged, and Docker and skopeo pull them
// with each kind of access.
import { randomBytes } from "node:crypto";
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeImage, type MadeImage } from "../../../scripts/parts/images.js";
import { pushImage } from "../../../scripts/parts/push.js";
import { needs, registries } from "../../support/parts.js";
import { mustRun, run } from "../../support/run.js";

const describeDoors = await needs("registries", "docker", "skopeo");

describeDoors("the registries", () => {
  const runId = randomBytes(4).toString("hex");
  const open = `public/parts-test/${runId}`;
  const closed = `parts-test/${runId}`;
  let folder = "";
  let image: MadeImage;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "viola-registries-"));
    image = makeImage(folder, { seed: runId, mediaTypes: "docker", layers: [50_000, 80_000] });
    for (const repository of [open, closed]) {
      await pushImage({ url: `http://${registries().plain}` }, folder, image, repository, "1.0");
    }
  });
  afterAll(async () => {
    const { plain, tls, bearer } = registries();
    for (const host of [plain, tls, bearer])
      await run("docker", ["image", "rm", `${host}/${closed}:1.0`, `${host}/${open}:1.0`]);
    rmSync(folder, { recursive: true });
  });

  /** A Docker configuration folder with only a login for `host`. */
  async function loggedIn(host: string): Promise<string> {
    const { user, password } = registries();
    const config = join(folder, host.replace(":", "-"));
    await mustRun("docker", ["--config", config, "login", "-u", user, "--password-stdin", host], {
      input: password,
    });
    return config;
  }
  async function pulledDigests(reference: string, config?: string): Promise<string> {
    const options = config === undefined ? [] : ["--config", config];
    await mustRun("docker", [...options, "pull", "-q", reference]);
    return mustRun("docker", ["image", "inspect", "-f", "{{.RepoDigests}}", reference]);
  }
  function login(): string {
    return `${registries().user}:${registries().password}`;
  }

  test("pushing again does nothing", async () => {
    await expect(
      pushImage({ url: `http://${registries().plain}` }, folder, image, open, "1.0"),
    ).resolves.toBe(false);
  });

  test("an image is pushed with TLS and a password", async () => {
    const target = {
      url: `https://${registries().tls}`,
      login: login(),
      ca: readFileSync(registries().caFile, "utf8"),
    };
    await expect(pushImage(target, folder, image, closed, "through-tls")).resolves.toBe(true);
  });

  test("Docker pulls the pushed digest over plain HTTP", async () => {
    expect(await pulledDigests(`${registries().plain}/${closed}:1.0`)).toContain(image.root.digest);
  });

  test("Docker and skopeo pull it over TLS with a password", async () => {
    const { tls, caFile } = registries();
    expect(await pulledDigests(`${tls}/${closed}:1.0`, await loggedIn(tls))).toContain(image.root.digest);
    const certificates = join(folder, "certificates");
    await mustRun("mkdir", [certificates]);
    copyFileSync(caFile, join(certificates, "ca.crt"));
    const copy = [
      "copy",
      "--src-cert-dir",
      certificates,
      `docker://${tls}/${closed}:1.0`,
      `dir:${folder}/copied`,
    ];
    expect((await run("skopeo", copy)).code).not.toBe(0);
    expect((await run("skopeo", [...copy, "--src-creds", login()])).code).toBe(0);
  });

  test("bearer tokens allow anonymous access to public repositories only", async () => {
    const { bearer } = registries();
    expect(await pulledDigests(`${bearer}/${open}:1.0`)).toContain(image.root.digest);
    expect((await run("docker", ["pull", "-q", `${bearer}/${closed}:1.0`])).code).not.toBe(0);
    expect(await pulledDigests(`${bearer}/${closed}:1.0`, await loggedIn(bearer))).toContain(
      image.root.digest,
    );
    const inspect = ["inspect", "--no-tags", "--tls-verify=false", `docker://${bearer}/${closed}:1.0`];
    expect((await run("skopeo", [...inspect, "--creds", "viola:wrong"])).code).not.toBe(0);
    expect((await run("skopeo", [...inspect, "--creds", login()])).stdout).toContain(image.root.digest);
  });
});
