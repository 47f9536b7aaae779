// A node with `ctr`: the failure that is reported, that of the node or that of its input.
import { PassThrough } from "node:stream";
import { expect, it } from "vitest";
import { connectCtrNode } from "../../../../src/adapters/nodes/ctr-node.js";
import type { NodeShell, OutputChunk } from "../../../../src/adapters/exec/shell.js";
import { ViolaError } from "../../../../src/errors.js";

const { signal } = new AbortController();

/** Reads its input and then reports an incomplete archive, as `ctr images import` does. */
const shell: NodeShell = {
  exec: () => Promise.resolve({ exitCode: 0, stdout: "x86_64\n", stderr: "" }),
  open: () => {
    const stdin = new PassThrough();
    const output = async function* (): AsyncIterable<OutputChunk> {
      await new Promise((resolve) => stdin.resume().once("close", resolve));
      yield { stream: "stderr", bytes: Buffer.from("ctr: unexpected EOF\n") };
    };
    return Promise.resolve({
      stdin,
      output: output(),
      exitCode: () => Promise.resolve(1),
      destroy: () => stdin.destroy(),
    });
  },
};

async function importFrom(archive: () => AsyncIterable<Uint8Array>): Promise<unknown> {
  const facts = { name: "n1", hostAddresses: [], hint: "See it." };
  const node = await connectCtrNode(shell, facts, signal);
  const wanted = [{ platform: "linux/amd64", name: "docker.io/a/b:1" }];
  return node
    .importImages(wanted, { archive: archive(), bundle: "test" }, signal)
    .catch((cause: unknown) => cause);
}

it("is that of the bundle when the bundle cannot be read completely", async () => {
  const cut = new ViolaError("BUNDLE_INVALID", "bundle.tar was cut short", { subject: "bundle.tar" });
  const error = await importFrom(async function* () {
    yield await Promise.resolve(Buffer.from("tar"));
    throw cut;
  });
  expect(error).toBe(cut);
});

it("is that of the node otherwise", async () => {
  const error = await importFrom(async function* () {
    yield await Promise.resolve(Buffer.from("tar"));
  });
  expect(error).toMatchObject({ code: "NODE_LOAD_FAILED", subject: "n1" });
});
