// The responses of the Docker engine, which are validated, and the errors that it causes. The
// engine is a server in this test.
import { getEventListeners, once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { afterEach, describe, expect, it } from "vitest";
import { DockerEngine } from "../../../../src/adapters/docker/engine.js";
import { ViolaError } from "../../../../src/errors.js";

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

async function engineThatAnswers(body: string): Promise<DockerEngine> {
  const started = createServer((request, response) => {
    request.resume();
    request.on("end", () => {
      response.writeHead(200, { "Content-Type": "application/json" }).end(body);
    });
  });
  server = started;
  started.listen(0, "127.0.0.1");
  await once(started, "listening");
  const { port } = started.address() as AddressInfo;
  return new DockerEngine({ kind: "tcp", host: "127.0.0.1", port, foundIn: "the test" });
}

const { signal } = new AbortController();

describe("a response", () => {
  const container = { Id: "1", Names: ["/node"], State: "running", Labels: { a: "b" }, ImageID: "i" };

  it("is parsed, with null for an empty list", async () => {
    const engine = await engineThatAnswers(JSON.stringify([{ ...container, Names: null, Labels: null }]));
    expect(await engine.listContainers("a", signal)).toEqual([
      { id: "1", name: "1", state: "running", labels: {} },
    ]);
  });

  it.each([
    ["[0].Labels.a", [{ ...container, Labels: { a: 1 } }]],
    ["[0].Names", [{ ...container, Names: "node" }]],
    ["[1].Id", [container, { ...container, Id: undefined }]],
    ["[0]", [null]],
  ])("with an invalid %s is rejected with that path", async (path, value) => {
    const engine = await engineThatAnswers(JSON.stringify(value));
    const error = await engine.listContainers("a", signal).catch((cause: unknown) => cause);
    expect(error).toMatchObject({ code: "DOCKER_UNAVAILABLE", hint: expect.any(String) as string });
    expect((error as Error).message).toContain(path);
  });

  it("that is not JSON is rejected", async () => {
    const engine = await engineThatAnswers("<html>");
    for (const asked of [
      engine.listImages(signal),
      engine.platform(signal),
      engine.findGateways("x", signal),
    ]) {
      await expect(asked).rejects.toMatchObject({ code: "DOCKER_UNAVAILABLE" });
    }
  });
});

describe("loading", () => {
  it("reports why the engine rejected the archive", async () => {
    const said = { errorDetail: { message: 'no "space" left' }, error: "x" };
    const engine = await engineThatAnswers(`{"stream":"Loading"}\r\n${JSON.stringify(said)}\r\n`);
    await expect(engine.loadImages(Readable.from(["tar"]), signal)).rejects.toMatchObject({
      code: "NODE_LOAD_FAILED",
      message: expect.stringContaining('no "space" left') as string,
    });
  });

  it.each([
    ["an error that the user can act on", new ViolaError("BUNDLE_INVALID", "cut short")],
    ["a bug", new TypeError("x is not a function")],
  ])("fails with the error of the archive, which is %s", async (_, error) => {
    const engine = await engineThatAnswers("{}");
    const archive = Readable.from(
      (async function* () {
        yield await Promise.resolve(Buffer.from("tar"));
        throw error;
      })(),
    );
    await expect(engine.loadImages(archive, signal)).rejects.toBe(error);
  });

  it("leaves no listener on the signal", async () => {
    const engine = await engineThatAnswers("{}");
    const controller = new AbortController();
    await engine.loadImages(Readable.from([Buffer.from("tar")]), controller.signal);
    expect(getEventListeners(controller.signal, "abort")).toEqual([]);
  });
});
