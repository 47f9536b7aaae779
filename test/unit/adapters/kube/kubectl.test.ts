// Validates the output of kubectl, with a substitute that prints invalid output.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { Kubectl } from "../../../../src/adapters/kube/kubectl.js";

const folder = mkdtempSync(join(tmpdir(), "viola-kubectl-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const { signal } = new AbortController();
let programs = 0;
function clusterThatPrints(text: string): Promise<Kubectl> {
  const program = join(folder, `kubectl-${programs++}`);
  writeFileSync(program, `#!/bin/sh\ncat <<'E'\n${text}\nE\n`, { mode: 0o755 });
  return Kubectl.connect({ program }, { context: "test" }, undefined, signal);
}

type Ask = (cluster: Kubectl) => Promise<unknown>;
const LISTS: readonly (readonly [string, Ask])[] = [
  ["nodes", (cluster) => cluster.nodes(signal)],
  ["pods", (cluster) => cluster.pods(signal)],
  ["workloads", (cluster) => cluster.workloads("apps", signal)],
  ["warnings", (cluster) => cluster.warnings("apps", signal)],
];

describe.each(LISTS)("a list of %s", (_, ask) => {
  it("is the output of kubectl", async () => {
    const object = { kind: "Thing", metadata: { name: "a" } };
    expect(await ask(await clusterThatPrints(JSON.stringify({ items: [object] })))).toEqual([object]);
  });

  it.each([
    ["no JSON", "error: nothing"],
    ["no list", "{}"],
    ["null for the list", '{"items":null}'],
    ["text in the list", '{"items":["a"]}'],
    ["a list in the list", '{"items":[[]]}'],
  ])("is an error when kubectl prints %s", async (_what, text) => {
    await expect(ask(await clusterThatPrints(text))).rejects.toMatchObject({
      code: "CLUSTER_UNREACHABLE",
      hint: expect.any(String) as string,
    });
  });
});

const OTHERS: readonly (readonly [string, string, Ask])[] = [
  ["serverVersion.gitVersion", '{"serverVersion":{"gitVersion":1}}', (cluster) => cluster.describe(signal)],
  ["status.phase", '{"status":{"phase":["Active"]}}', (cluster) => cluster.namespacePhase("a", signal)],
  ["spec.containers", '{"spec":{"containers":{}}}', (cluster) => cluster.alwaysPulls("a", signal)],
  ["spec", '{"kind":"Pod"}', (cluster) => cluster.alwaysPulls("a", signal)],
];

it.each(OTHERS)("reports the invalid field %s", async (field, text, ask) => {
  const error = await ask(await clusterThatPrints(text)).catch((cause: unknown) => cause);
  expect(error).toMatchObject({ code: "CLUSTER_UNREACHABLE" });
  expect((error as Error).message).toContain(field);
});
