// The journal of an incomplete bundle: its content after a crash, a full disk, or an edit.
import { execFileSync } from "node:child_process";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { PartialFile } from "../../../../src/adapters/bundle-file/partial-file.js";
import { processIdentity } from "../../../../src/adapters/programs/process-identity.js";
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
    ["no process", { plan: digestOf(""), process: "" }],
    ["every process of the group", { plan: digestOf(""), pid: 0, process: "" }],
    ["no number", { plan: digestOf(""), pid: "1", process: "" }],
    ["no start", { plan: digestOf(""), pid: 1 }],
  ])("whose head contains %s is ignored", async (_, head) => {
    expect(await leftAfter(() => `${JSON.stringify(head)}\n${JSON.stringify(blob)}\n`)).toEqual([]);
  });

  it("of a running process is not changed", async () => {
    const journal = await leave();
    const head = { plan: digestOf(""), pid: process.ppid, process: await processIdentity(process.ppid) };
    await writeFile(journal, `${JSON.stringify(head)}\n`);
    await expect(PartialFile.open(plan, target)).rejects.toMatchObject({
      code: "FILE_UNUSABLE",
      subject: target,
    });
  });

  it("of a process whose id another process has by now does not block", async () => {
    const journal = await leave();
    const head = { plan: digestOf(""), pid: process.ppid, process: "an earlier boot 1" };
    await writeFile(journal, `${JSON.stringify(head)}\n`);
    await expectOpens([]);
  });
});

/** Opens the file, and expects what is set aside: names, each with what it was. */
async function expectOpens(aside: readonly string[]): Promise<void> {
  const notes: string[] = [];
  const partial = await PartialFile.open(plan, target, { onNote: (note) => notes.push(note) });
  await partial.write(0, Buffer.from("bundle.json"));
  await partial.close();
  const names = (await readdir(folder)).filter((name) => name.includes("aside"));
  expect(names.sort()).toEqual(aside.map((name) => `out.bundle.${name}`).sort());
  for (const name of names) expect(notes.join()).toContain(join(folder, name));
}

describe("what has the name of a working file and is none", () => {
  const NAMES = [".partial", ".partial.journal", ".partial.previous"] as const;
  const aside = (name: string): string => `${name.slice(1)}.aside-1`;

  it.each(NAMES)("is kept under another name: a text in place of %s", async (name) => {
    await writeFile(target + name, "my letters");
    await expectOpens([aside(name)]);
    expect(await readFile(join(folder, `out.bundle.${aside(name)}`), "utf8")).toBe("my letters");
  });

  it.each(NAMES)("is kept under another name: a folder in place of %s", async (name) => {
    await mkdir(target + name);
    await writeFile(`${target}${name}/letter`, "dear");
    await expectOpens([aside(name)]);
    expect(await readFile(join(folder, `out.bundle.${aside(name)}`, "letter"), "utf8")).toBe("dear");
  });

  it.each(NAMES)("blocks nothing: a FIFO in place of %s", async (name) => {
    execFileSync("mkfifo", [target + name]);
    await expectOpens([aside(name)]);
  });

  it.each(NAMES)("is not written through: a link in place of %s", async (name) => {
    const other = join(folder, "other");
    await writeFile(other, "my letters");
    await symlink(other, target + name);
    await expectOpens([aside(name)]);
    expect(await readFile(other, "utf8")).toBe("my letters");
  });

  it("is kept beside what was set aside before", async () => {
    for (const text of ["one", "two"]) {
      await rm(`${target}.partial.journal`, { force: true });
      await writeFile(`${target}.partial`, text);
      await PartialFile.open(plan, target).then((partial) => partial.close());
    }
    const kept = [1, 2].map((number) => readFile(`${target}.partial.aside-${number}`, "utf8"));
    expect(await Promise.all(kept)).toEqual(["one", "two"]);
  });

  it("is kept also where a journal is valid", async () => {
    await leave();
    await writeFile(`${target}.partial`, "my letters");
    await expectOpens(["partial.aside-1"]);
  });
});

describe("an incomplete file", () => {
  it("without a valid journal is written again, not kept", async () => {
    await leave();
    await writeFile(`${target}.partial`, "bundle.json and half of a bundle");
    await writeFile(`${target}.partial.journal`, "\0\0\0 damaged");
    await expectOpens(["partial.journal.aside-1"]);
  });

  it("has no more rights than it is opened with, also when it had more", async () => {
    const modeOf = async (): Promise<number> => (await stat(`${target}.partial`)).mode & 0o777;
    await PartialFile.open(plan, target).then((partial) => partial.close());
    await chmod(`${target}.partial`, 0o644);
    await PartialFile.open(plan, target, { mode: 0o600 }).then((partial) => partial.close());
    expect(await modeOf()).toBe(0o600);
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
