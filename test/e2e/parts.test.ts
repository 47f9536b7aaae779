// A bundle in parts: read without joining, by the command and by load.sh; missing, swapped, truncated
// and damaged parts are named; joined again byte for byte.
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { OpenBundle } from "../../src/workflows/ports.js";
import { bundleOf } from "../support/bundle-of.js";
import { runCli } from "../support/cli.js";
import { startDockerRegistry } from "../support/docker-registry.js";
import { ROOT } from "../support/paths.js";
import { needs } from "../support/parts.js";
import { run } from "../support/run.js";

const folder = mkdtempSync(join(tmpdir(), "viola-parts-"));
const whole = join(folder, "whole");
/** The parts that a test may change. */
const copy = join(folder, "copy");
const partNames = (): readonly string[] => readdirSync(whole).sort();
const part = (number: number): string => join(copy, partNames()[number - 1] ?? "");
let bundle: OpenBundle;

beforeAll(async () => {
  bundle = await bundleOf(folder, "app", [
    { reference: "quay.io/a/b:1", seed: "a", mediaTypes: "oci", layers: [900_000, 300_000] },
  ]);
  mkdirSync(whole);
  const { code, stdout } = await runCli([
    "split",
    bundle.file,
    "--size",
    "200kB",
    "-o",
    join(whole, "app.bundle"),
    "--json",
  ]);
  expect(code).toBe(0);
  const { parts } = JSON.parse(stdout) as { parts: readonly { file: string }[] };
  expect(parts.map(({ file }) => basename(file))).toEqual(partNames());
  expect(parts.length).toBeGreaterThan(6);
});
beforeEach(() => {
  rmSync(copy, { recursive: true, force: true });
  mkdirSync(copy);
  for (const name of partNames()) copyFileSync(join(whole, name), join(copy, name));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

interface Problem {
  readonly code: string;
  readonly subject: string;
}

/** Returns the exit code of `verify`, and what it complains about. */
async function verify(
  file: string,
): Promise<{ readonly code: number; readonly subjects: readonly string[] }> {
  const { code, stdout } = await runCli(["verify", file, "--json"]);
  const document = JSON.parse(stdout) as {
    readonly problems?: readonly Problem[];
    readonly error?: Problem & { readonly errors?: readonly Problem[] };
  };
  const { problems, error } = document;
  const all = problems ?? error?.errors ?? (error === undefined ? [] : [error]);
  return { code, subjects: all.map(({ subject }) => subject) };
}

/** Runs load.sh, which only lists or checks. */
function loadSh(...args: readonly string[]): ReturnType<typeof run> {
  return run("sh", [join(ROOT, "manifests/bundle/load.sh"), ...args], {
    env: { PATH: process.env["PATH"], TMPDIR: tmpdir(), VIOLA_SH_ONLY: "1", LC_ALL: "C" },
  });
}

function flip(file: string, position: number): void {
  const bytes = readFileSync(file);
  bytes[position]! ^= 1;
  writeFileSync(file, bytes);
}

it("is smaller than the size, and a bundle by the name of any part", async () => {
  for (const name of partNames()) expect(readFileSync(join(whole, name)).length).toBeLessThan(200_000);
  expect(await verify(part(1))).toEqual({ code: 0, subjects: [] });
  expect(await verify(part(4))).toEqual({ code: 0, subjects: [] });
  const list = await runCli(["show", part(2), "--format", "list"]);
  expect(list.stdout.trim()).toBe("quay.io/a/b:1");
  expect((await loadSh(part(3), "--list")).stdout.trim()).toBe("quay.io/a/b:1");
});

it("is joined byte for byte", async () => {
  const joined = join(copy, "joined.bundle");
  expect((await runCli(["join", part(2), "-o", joined])).code).toBe(0);
  expect(readFileSync(joined).equals(readFileSync(bundle.file))).toBe(true);
});

describe("one flipped bit", () => {
  it.each([
    ["in the content", 60_000],
    ["in the first byte of the content", 1024],
    ["in a checksum of the header", 200],
    ["in the empty rest of the header", 1000],
  ])("%s is found in its part, and only this one has to be copied again", async (_, position) => {
    flip(part(4), position);

    const { code, subjects } = await verify(part(1));
    expect(code).not.toBe(0);
    expect(subjects.filter((subject) => subject.startsWith(copy))).toEqual([part(4)]);
    const joined = await runCli(["join", part(1), "-o", join(copy, "joined.bundle"), "--json"]);
    expect(JSON.parse(joined.stdout)).toMatchObject({ error: { code: "BUNDLE_INVALID", subject: part(4) } });
    expect(readdirSync(copy)).toEqual(partNames());

    copyFileSync(join(whole, basename(part(4))), part(4));
    expect(await verify(part(1))).toEqual({ code: 0, subjects: [] });
  });
});

it("names every missing, swapped and truncated part at once, here and in load.sh", async () => {
  rmSync(part(2));
  copyFileSync(join(whole, basename(part(5))), part(4));
  writeFileSync(part(6), readFileSync(part(6)).subarray(0, 5_000));

  expect(await verify(part(1))).toEqual({ code: 2, subjects: [part(2), part(4), part(6)] });
  const { code, stderr } = await loadSh(part(1), "--list");
  expect(code).toBe(2);
  for (const number of [2, 4, 6]) expect(stderr).toContain(part(number));
  expect(stderr).not.toContain(part(5));
});

it("refuses parts of another bundle", async () => {
  const other = await bundleOf(folder, "other", [
    { reference: "quay.io/a/b:1", seed: "b", mediaTypes: "oci", layers: [900_000, 300_000] },
  ]);
  expect(other.size).toBe(bundle.size);
  await runCli(["split", other.file, "--size", "200kB", "-o", join(copy, "other.bundle")]);
  copyFileSync(join(copy, "other.bundle.003"), part(3));

  expect(await verify(part(1))).toEqual({ code: 2, subjects: [part(3)] });
});

it("keeps files that are not parts, and refuses sizes with too many parts", async () => {
  writeFileSync(join(copy, "mine.002"), "mine");
  const refused = await runCli(["split", bundle.file, "--size", "200kB", "-o", join(copy, "mine"), "--json"]);
  expect(JSON.parse(refused.stdout)).toMatchObject({
    error: { code: "FILE_UNUSABLE", subject: join(copy, "mine.002") },
  });
  expect(readFileSync(join(copy, "mine.002"), "utf8")).toBe("mine");
  expect(readdirSync(copy)).not.toContain("mine.001");
  for (const size of ["1kB", "2kB", "0"]) {
    const { code, stdout } = await runCli(["split", bundle.file, "--size", size, "--json"]);
    expect({ code, error: JSON.parse(stdout) as unknown }).toMatchObject({
      code: 2,
      error: { error: { code: "USAGE" } },
    });
  }
});

const describeLoad = await needs("docker-registry", "docker");

describeLoad("load", () => {
  it("sends images of parts to a registry, and load.sh to an engine", async () => {
    const registry = await startDockerRegistry("open");
    try {
      const { code } = await runCli(["load", part(1), "--to", `registry://${registry.host}`]);
      expect(code).toBe(0);
    } finally {
      await registry.stop();
    }
    flip(part(5), 60_000);
    const damaged = await loadSh(part(1), "--to", "docker");
    expect(damaged).toMatchObject({ code: 2, stderr: expect.stringContaining(part(5)) as string });
    copyFileSync(join(whole, basename(part(5))), part(5));
    try {
      expect(await loadSh(part(1), "--to", "docker")).toMatchObject({ code: 0 });
      const inspected = await run("docker", ["image", "inspect", "quay.io/a/b:1"]);
      expect(inspected.code).toBe(0);
    } finally {
      await run("docker", ["image", "rm", "quay.io/a/b:1"]);
    }
  });
});
