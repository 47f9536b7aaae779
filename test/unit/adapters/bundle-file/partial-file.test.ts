// The journal of an incomplete bundle: its content after a crash, a full disk, or an edit.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { PartialFile } from "../../../../src/adapters/bundle-file/partial-file.js";
import { planArchive } from "../../../../src/core/bundle/archive-plan.js";
import { digestOf } from "../../../../src/core/oci/digest.js";
import { inventoryOf } from "../../core/load/inventory-of.js";

const plan = planArchive({ inventory: inventoryOf([]), files: [], images: [] });
const blob = { digest: digestOf("blob"), size: 4, offset: 1024 };

let folder = "";
let target = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "viola-partial-"));
  target = join(folder, "out.bundle");
});
afterEach(() => rm(folder, { recursive: true }));

async function leave(): Promise<string> {
  const partial = await PartialFile.open(plan, target);
  await partial.markDone(blob);
  await partial.close();
  return `${target}.partial.journal`;
}

async function leftAfter(change: (journal: string) => string): Promise<readonly string[]> {
  const journal = await leave();
  await writeFile(journal, change(await readFile(journal, "utf8")));
  const partial = await PartialFile.open(plan, target);
  await partial.close();
  return [...partial.left.keys()];
}

describe("a journal", () => {
  it("lists the blobs that are in place", async () => {
    expect(await leftAfter((text) => text)).toEqual([blob.digest]);
  });

  it.each([
    ["cut short", '{"digest":"sha2'],
    ["of another kind", '["sha256", 1]'],
    ["without fields", "{}"],
    ["with a number for a digest", JSON.stringify({ ...blob, digest: 1 })],
    ["with text for a size", JSON.stringify({ ...blob, digest: digestOf("b"), size: "4" })],
    ["with a negative offset", JSON.stringify({ ...blob, digest: digestOf("b"), offset: -1 })],
    ["null", "null"],
  ])("has a line %s, which counts as not written", async (_, line) => {
    expect(await leftAfter((text) => `${text}${line}\n`)).toEqual([blob.digest]);
  });

  it.each([
    ["no process", { plan: digestOf("") }],
    ["every process of the group", { plan: digestOf(""), pid: 0 }],
    ["no number", { plan: digestOf(""), pid: "1" }],
  ])("whose head contains %s is ignored", async (_, head) => {
    expect(await leftAfter(() => `${JSON.stringify(head)}\n${JSON.stringify(blob)}\n`)).toEqual([]);
  });

  it("of a running process is not changed", async () => {
    const journal = await leave();
    await writeFile(journal, `${JSON.stringify({ plan: digestOf(""), pid: process.ppid })}\n`);
    await expect(PartialFile.open(plan, target)).rejects.toMatchObject({
      code: "FILE_UNUSABLE",
      subject: target,
    });
  });
});

it("reports a truncated file", async () => {
  const partial = await PartialFile.open(plan, target);
  await partial.write(0, Buffer.from("first"));
  expect(Buffer.from(await partial.read(0, 5)).toString()).toBe("first");
  await writeFile(partial.path, "fir");
  await expect(partial.read(0, 5)).rejects.toMatchObject({ code: "FILE_UNUSABLE", subject: partial.path });
  await partial.close();
});
