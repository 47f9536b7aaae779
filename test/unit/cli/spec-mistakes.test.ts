// What a spec names and is not there, and files that are no spec: said before any work, all at once.
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runInProcess } from "../../support/in-process.js";

interface Failure {
  readonly code: string;
  readonly message: string;
  readonly subject?: string;
  readonly hint?: string;
  readonly errors?: readonly Failure[];
}

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "viola-mistakes-"));
  await mkdir(join(folder, "charts/web"), { recursive: true });
  await mkdir(join(folder, "values.d"));
  await writeFile(join(folder, "charts/web/Chart.yaml"), "apiVersion: v2\nname: web\nversion: 1.0.0\n");
  await writeFile(join(folder, "values.yaml"), "{}\n");
});
afterAll(() => rm(folder, { recursive: true }));

async function failuresOf(...argv: readonly string[]): Promise<readonly Failure[]> {
  const { code, stdout } = await runInProcess([...argv, "--json"], { cwd: folder });
  expect(code).toBe(2);
  const { error } = JSON.parse(stdout) as { error: Failure };
  return error.errors ?? [error];
}

describe("what a spec names", () => {
  it("is looked for at once, and missing things have line, column, field and a near name", async () => {
    const file = join(folder, "bundle.yaml");
    await writeFile(
      file,
      `name: demo
version: "1"
charts:
  - chart: ./charts
    release: a
    namespace: b
    valuesFiles: [value.yaml, values.d, https://a.example/b.yaml, values.yaml]
    dependencies:
      - { name: d, version: 1.0.0, repository: "file://charts/wep" }
  - { chart: ./values.yaml, release: b, namespace: b }
  - chart: ./missing.tgz
    relese: c
    namespace: b
`,
    );

    const failures = await failuresOf("build", "bundle.yaml", "-o", "out.bundle");

    const found = failures.map(({ code, subject = "", message, hint }) => {
      expect(code).toBe("SPEC_INVALID");
      expect(hint).toBeDefined();
      return [subject.slice(file.length + 1), message.slice(subject.length + 2).split(": ")[0], hint];
    });
    expect(found).toEqual(
      expect.arrayContaining([
        ["12:5", "charts[2].relese", expect.anything()],
        ["11:5", "charts[2].release", expect.anything()],
        ["4:5", "charts[0].chart", expect.stringContaining("./charts/web")],
        ["7:19", "charts[0].valuesFiles[0]", expect.stringContaining("values.yaml")],
        ["7:31", "charts[0].valuesFiles[1]", expect.anything()],
        ["7:41", "charts[0].valuesFiles[2]", expect.anything()],
        ["9:36", "charts[0].dependencies[0].repository", expect.stringContaining("web")],
        ["10:7", "charts[1].chart", expect.anything()],
        ["11:5", "charts[2].chart", expect.anything()],
      ]),
    );
    expect(found).toHaveLength(9);
  });

  it("is not looked for in a repository", async () => {
    await writeFile(
      join(folder, "remote.yaml"),
      `name: demo\nversion: "1"\ncharts:\n  - { chart: web, repository: "http://127.0.0.1:1", release: a, namespace: b }\n`,
    );

    const [failure] = await failuresOf("images", "remote.yaml");

    expect(failure?.code).not.toBe("SPEC_INVALID");
  });
});

describe("values files of the command line", () => {
  it("are looked for before charts are", async () => {
    const failures = await failuresOf("images", "charts/web", "-f", "value.yaml,values.yaml", "-f", "none/a");

    expect(failures).toMatchObject([
      {
        code: "FILE_UNUSABLE",
        subject: "value.yaml",
        hint: expect.stringContaining("values.yaml") as string,
      },
      { code: "FILE_UNUSABLE", subject: "none/a" },
    ]);
  });
});

describe("a file that is no spec", () => {
  it.each([
    ["a bundle", Buffer.from(`bundle.json${"\0".repeat(600)}`)],
    ["a packaged chart", gzipSync("chart")],
    ["a binary file", Buffer.from([0xff, 0xfe, 0, 1, 2])],
    ["a text in another encoding", Buffer.from("name: \xe9\xe8", "latin1")],
  ])("%s is refused with what to do", async (_, content) => {
    const file = join(folder, "wrong.yaml");
    await writeFile(file, content);

    for (const argv of [
      ["build", file, "-o", "x"],
      ["audit", file],
    ]) {
      if (argv[0] === "audit" && content.toString().startsWith("bundle.json")) continue;
      const [failure] = await failuresOf(...argv);
      expect(failure).toMatchObject({ code: "SPEC_INVALID", subject: `${file}:1:1` });
      expect(failure?.hint).toBeDefined();
    }
  });

  it("that does not exist has a near name, and a folder a command that reads it", async () => {
    expect(await failuresOf("build", "valeus.yaml", "-o", "x")).toMatchObject([
      { code: "FILE_UNUSABLE", hint: expect.stringContaining("values.yaml") as string },
    ]);
    expect(await failuresOf("build", "charts", "-o", "x")).toMatchObject([
      { code: "FILE_UNUSABLE", hint: expect.stringContaining("init") as string },
    ]);
  });
});
