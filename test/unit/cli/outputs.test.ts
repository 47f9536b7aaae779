// Where a command may write: what it refuses, before it does anything, and what it leaves as it was.
import { execFileSync } from "node:child_process";
import {
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { run } from "../../../src/cli/program.js";
import { AUDIT_FORMATS } from "../../../src/cli/reporters/audit/audit.js";
import { bundleOf } from "../../support/bundle-of.js";
import { ROOT } from "../../support/paths.js";

const IMAGE = { seed: "a", mediaTypes: "oci", reference: "a.example/a:1", layers: [10] } as const;

let folder = "";
const at = (name: string): string => join(folder, name);

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "viola-outputs-"));
  mkdirSync(at("chart/templates"), { recursive: true });
  writeFileSync(at("chart/Chart.yaml"), "apiVersion: v2\nname: app\nversion: 1.0.0\n");
  writeFileSync(at("chart/values.yaml"), "a: 1\n");
  writeFileSync(at("values.yaml"), "b: 2\n");
  writeFileSync(at("settings.yaml"), "{}\n");
  writeFileSync(at("note.txt"), "a note of somebody\n");
  writeFileSync(at("earlier.bundle"), "bundle.json\0 and so on");
  writeFileSync(
    at("spec.yaml"),
    "name: app\nversion: 1.0.0\ncharts: [{ chart: ./chart, release: app, namespace: apps, valuesFiles: [values.yaml] }]\n",
  );
});
afterEach(() => rm(folder, { recursive: true }));

interface Failure {
  readonly code: string;
  readonly subject?: string;
  readonly message: string;
}

/** Runs the command where it finds no helm, no kind and no network. */
async function viola(...args: readonly string[]): Promise<{ code: number; stdout: string; error?: Failure }> {
  let stdout = "";
  const output = new Writable({
    write: (chunk, _, done) => {
      stdout += String(chunk);
      done();
    },
  }) as unknown as NodeJS.WriteStream;
  const code = await run([...args, ...(args.includes("--format") ? [] : ["--json"])], {
    stdin: process.stdin,
    stdout: output,
    stderr: new Writable({
      write: (_, __, done) => {
        done();
      },
    }) as unknown as NodeJS.WriteStream,
    env: { PATH: folder, VIOLA_AIRGAP_CONFIG: at("settings.yaml") },
    cwd: folder,
    home: ROOT,
    programCommand: [],
    onInterrupt: () => undefined,
  });
  if (code === 0) return { code, stdout };
  return { code, stdout, error: (JSON.parse(stdout) as { readonly error: Failure }).error };
}

/** Everything in the folder: kind, mode and content. */
function stateOfFolder(): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .toSorted()
    .map((name) => {
      const found = statSync(at(name), { throwIfNoEntry: false });
      return `${name} ${found?.mode ?? "-"} ${found?.isFile() === true ? readFileSync(at(name), "utf8") : ""}`;
    });
}

async function expectRefused(args: readonly string[], subject: string): Promise<void> {
  const before = stateOfFolder();
  const { code, error } = await viola(...args);
  expect(error).toMatchObject({ code: "FILE_UNUSABLE", subject: at(subject) });
  expect(code).toBe(2);
  expect(stateOfFolder()).toEqual(before);
}

describe("build -o", () => {
  const build = ["build", "spec.yaml", "--reuse", "earlier.bundle", "--with", "helm=note.txt", "-o"];

  it.each([
    "spec.yaml",
    "values.yaml",
    "settings.yaml",
    "earlier.bundle",
    "note.txt",
    "chart/values.yaml",
    "chart/templates/new.yaml",
  ])("never writes over its input %s, also with --force", async (input) => {
    if (input.endsWith("new.yaml")) writeFileSync(at(input), "");
    await expectRefused([...build, input], input);
    await expectRefused([...build, input, "--force"], input);
  });

  it("knows an input under every name", async () => {
    symlinkSync("values.yaml", at("link"));
    linkSync(at("values.yaml"), at("other-name"));
    symlinkSync("chart", at("folder"));

    await expectRefused([...build, "link", "--force"], "values.yaml");
    await expectRefused([...build, "other-name", "--force"], "other-name");
    await expectRefused([...build, "folder/values.yaml", "--force"], "chart/values.yaml");
  });

  it("never uses an input as its working file", async () => {
    writeFileSync(at("out.partial"), "c: 3\n");
    const spec = readFileSync(at("spec.yaml"), "utf8").replace("values.yaml", "out.partial");
    writeFileSync(at("spec.yaml"), spec);
    await expectRefused(["build", "spec.yaml", "-o", "out"], "out.partial");
  });

  it("does not write to a FIFO, a socket or a device", async () => {
    execFileSync("mkfifo", [at("fifo")]);
    await expectRefused([...build, "fifo", "--force"], "fifo");
    const server = createServer().listen(at("socket"));
    await new Promise((resolve) => server.once("listening", resolve));
    await expectRefused([...build, "socket", "--force"], "socket");
    server.close();
  });

  it.runIf(process.getuid?.() === 0)("leaves a device node what it is, also as root", async () => {
    execFileSync("mknod", [at("null"), "c", "1", "3"]);
    symlinkSync("null", at("link"));
    await expectRefused([...build, "null", "--force"], "null");
    await expectRefused([...build, "link", "--force"], "null");
    expect(statSync(at("null")).isCharacterDevice()).toBe(true);
  });

  it("names a missing folder", async () => {
    await expectRefused([...build, "none/of/these/out"], "none/of/these");
    await expectRefused([...build, "none/"], "none");
    symlinkSync("none/out", at("dangling"));
    await expectRefused([...build, "dangling"], "none");
  });

  it("replaces a file that is not a bundle only with --force", async () => {
    writeFileSync(at("report.txt"), "something else");
    await expectRefused([...build, "report.txt"], "report.txt");
    // The next step is to read the program of --with, which is none.
    const { error } = await viola(...build, "report.txt", "--force");
    expect(error).toMatchObject({ subject: "helm" });
  });

  it("means a file with name and version in a folder", async () => {
    mkdirSync(at("folder"));
    writeFileSync(at("folder/app-1.0.0.bundle"), "something else");
    await expectRefused([...build, "folder"], "folder/app-1.0.0.bundle");
    mkdirSync(at("other/app-1.0.0.bundle"), { recursive: true });
    await expectRefused([...build, "other"], "other/app-1.0.0.bundle");
  });

  it("refuses stdout", async () => {
    expect((await viola(...build, "-")).error).toMatchObject({ code: "USAGE", subject: "--output" });
  });
});

describe("audit --out", () => {
  it("never writes over the bundle or the spec that it reads", async () => {
    await bundleOf(folder, "whole", [IMAGE]);
    symlinkSync("whole.tar", at("link"));

    await expectRefused(["audit", "whole.tar", "--out", "whole.tar", "--force"], "whole.tar");
    await expectRefused(["audit", "link", "--out", "whole.tar", "--force"], "whole.tar");
    await expectRefused(["audit", "spec.yaml", "--out", "spec.yaml", "--force"], "spec.yaml");
    await expectRefused(["audit", "spec.yaml", "--out", "chart"], "chart");
  });

  it("replaces its own reports of any format, empty files, and others only with --force", async () => {
    await bundleOf(folder, "whole", [IMAGE]);
    const audit = ["audit", "whole.tar", "--out", "report"];
    writeFileSync(at("report"), "");

    for (const format of AUDIT_FORMATS) {
      expect(await viola(...audit, "--format", format)).toMatchObject({ code: 0 });
      expect(statSync(at("report")).size).toBeGreaterThan(0);
    }
    writeFileSync(at("report"), readFileSync(at("note.txt")));
    await expectRefused(audit, "report");
    expect(await viola(...audit, "--force")).toMatchObject({ code: 0 });
    expect(readFileSync(at("report"), "utf8")).toContain("a.example/a");
  });

  it("does not take an inventory for a report", async () => {
    const { inventory } = await bundleOf(folder, "whole", [IMAGE]);
    writeFileSync(at("bundle.json"), JSON.stringify(inventory, null, 1));
    await expectRefused(["audit", "whole.tar", "--out", "bundle.json"], "bundle.json");
  });

  it("writes to the target of a link", async () => {
    await bundleOf(folder, "whole", [IMAGE]);
    symlinkSync("there", at("link"));
    expect(await viola("audit", "whole.tar", "--out", "link")).toMatchObject({ code: 0 });
    expect(readFileSync(at("there"), "utf8")).toContain("a.example/a");
  });
});

describe("other outputs", () => {
  it("rehearse --out is no input and nobody else's file", async () => {
    await expectRefused(["rehearse", "spec.yaml", "--out", "spec.yaml", "--force"], "spec.yaml");
    const values = ["-f", "note.txt", "--out", "note.txt", "--force"];
    await expectRefused(["rehearse", "spec.yaml", ...values], "note.txt");
    await expectRefused(["rehearse", "spec.yaml", "--out", "note.txt"], "note.txt");
  });

  it("init -o replaces no spec, and no part of the chart", async () => {
    await expectRefused(["init", "chart", "-o", "spec.yaml"], "spec.yaml");
    await expectRefused(["init", "chart", "-o", "chart/values.yaml", "--force"], "chart/values.yaml");
    await expectRefused(
      ["init", "chart", "-f", "values.yaml", "-o", "values.yaml", "--force"],
      "values.yaml",
    );
  });

  it("the settings for nodes go into a folder without files of something else", async () => {
    await bundleOf(folder, "whole", [IMAGE]);
    const load = ["load", "whole.tar", "--to", "registry://127.0.0.1:9", "--settings"];
    await expectRefused([...load, "chart"], "chart");
    await expectRefused([...load, "note.txt"], "note.txt");
    await expectRefused(["serve", "whole.tar", "--settings", "chart"], "chart");
  });
});
