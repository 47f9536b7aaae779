// `audit --outdated` with docker-registry: tags of a repository and their sizes; and lists in pages.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { makeImage } from "../../../scripts/parts/images.js";
import { pushImage } from "../../../scripts/parts/push.js";
import { defaultSettings } from "../../../src/adapters/files/user-settings.js";
import { RegistryClient } from "../../../src/adapters/registry/client.js";
import type { AuditReport } from "../../../src/core/audit/report.js";
import { startDockerRegistry, type DockerRegistry } from "../../support/docker-registry.js";
import { runInProcess } from "../../support/in-process.js";
import { needs } from "../../support/parts.js";

const signal = new AbortController().signal;

const describeRegistry = await needs("docker-registry");

describeRegistry("audit --outdated", () => {
  let folder = "";
  let registry: DockerRegistry;
  let spec = "";

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "viola-outdated-"));
    registry = await startDockerRegistry("open");
    const push = async (tag: string, bytes: number): Promise<void> => {
      const image = makeImage(folder, { seed: tag, mediaTypes: "oci", layers: [bytes] });
      await pushImage({ url: registry.url }, folder, image, "shop/web", tag);
    };
    await push("1.24-alpine", 20_000);
    await push("1.27-alpine", 50_000);
    for (const tag of [
      "1.26-alpine",
      "2.0",
      "2.1-perl",
      "1.28-alpine-slim",
      "latest",
      "20300101",
      "1.29-alpine-rc1",
    ]) {
      await push(tag, 1000);
    }
    spec = join(folder, "bundle.yaml");
    writeFileSync(
      spec,
      `name: shop\nversion: 1.0.0\nplatforms: [linux/amd64]\ncharts: []\nimages: { include: ["${registry.host}/shop/web:1.24-alpine", "${registry.host}/shop/web:latest"] }\n`,
    );
  });
  afterAll(async () => {
    await registry.stop();
    rmSync(folder, { recursive: true });
  });

  it("names the newest tag of the same kind and how much larger it is", async () => {
    const { code, stdout } = await runInProcess(["audit", spec, "--outdated", "--json"]);

    expect(code).toBe(0);
    const { outdated } = JSON.parse(stdout) as AuditReport;
    const name = `${registry.host}/shop/web`;
    expect(outdated?.images).toMatchObject([
      { normalized: `${name}:1.24-alpine`, current: "1.24-alpine", minor: { tag: "1.27-alpine" } },
    ]);
    const [image] = outdated?.images ?? [];
    expect(image).not.toHaveProperty("major");
    expect(image?.minor?.sizeChange).toBeGreaterThan(25_000);
    expect(image?.minor?.sizeChange).toBeLessThan(35_000);
    expect(outdated?.notChecked).toMatchObject([{ subject: `${name}:latest`, code: "no-version" }]);
  });
});

describe("the list of tags", () => {
  /** Lists the tags of a registry that answers with `answer`. */
  async function listTags(answer: (url: URL, response: ServerResponse) => void): Promise<{
    readonly tags: readonly string[];
    readonly requests: readonly string[];
  }> {
    const requests: string[] = [];
    const server = createServer((request, response) => {
      const url = new URL(request.url ?? "", "http://registry.example");
      requests.push(`${url.pathname}${url.search}`);
      answer(url, response);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.close());
    const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const client = new RegistryClient({
      settings: defaultSettings(),
      env: {},
      home: "/nowhere",
      firstDelayMs: 1,
    });
    onTestFinished(() => client.close());
    const tags = await client.pull.listTags({ registry: host, repository: "a/b" }, signal);
    return { tags, requests };
  }
  const send = (response: ServerResponse, tags: unknown, link?: string): void => {
    response.writeHead(200, link === undefined ? {} : { link });
    response.end(JSON.stringify({ name: "a/b", tags }));
  };

  it("is read page by page, also if the links name another host", async () => {
    const { tags, requests } = await listTags((url, response) => {
      const last = url.searchParams.get("last");
      if (last === null) send(response, ["1", "2"], '</v2/a/b/tags/list?last=2&n=2>; rel="next"');
      else if (last === "2")
        send(response, ["3", "not a tag"], "<http://inside.example/v2/a/b/tags/list?last=3>; rel=next");
      else send(response, ["4"]);
    });

    expect(tags).toEqual(["1", "2", "3", "4"]);
    expect(requests).toEqual(
      ["?n=1000", "?last=2&n=2", "?last=3"].map((query) => `/v2/a/b/tags/list${query}`),
    );
  });

  it("may be empty", async () => {
    const { tags } = await listTags((_, response) => {
      send(response, null);
    });
    expect(tags).toEqual([]);
  });

  it("is asked for again when the registry says so", async () => {
    let tries = 0;
    const { tags } = await listTags((_, response) => {
      if (tries++ === 0) response.writeHead(429, { "retry-after": "0" }).end();
      else send(response, ["1"]);
    });
    expect(tags).toEqual(["1"]);
  });

  type Answer = (url: URL, response: ServerResponse) => void;
  const status =
    (code: number, headers: Record<string, string> = {}): Answer =>
    (_, response) => {
      response.writeHead(code, headers).end();
    };

  it.each<[string, Answer]>([
    ["IMAGE_NOT_FOUND", status(404)],
    ["REGISTRY_AUTH", status(403)],
    ["REGISTRY_UNAVAILABLE", status(429, { "retry-after": "900" })],
    [
      "REGISTRY_ANSWER_INVALID",
      (_, response) => {
        response.end("<html>");
      },
    ],
    // A page that links to itself.
    [
      "REGISTRY_ANSWER_INVALID",
      (_, response) => {
        send(response, ["1"], '</v2/a/b/tags/list?last=1>; rel="next"');
      },
    ],
  ])("is refused with %s", async (code, answer) => {
    await expect(listTags(answer)).rejects.toMatchObject({ code });
  });
});
