// A bundle from an untrusted hand: names that would be options of kubectl and helm are refused by
// field, before any program is started.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { afterAll, expect, it } from "vitest";
import { run } from "../../../src/cli/program.js";
import { formatTarHeader, paddedSize, TAR_END } from "../../../src/core/bundle/tar-header.js";
import { digestOf, hexOf } from "../../../src/core/oci/digest.js";
import { bundleOf } from "../../support/bundle-of.js";
import { ROOT } from "../../support/paths.js";
import { WHOLE_INVENTORY } from "../../support/whole-inventory.js";

const folder = mkdtempSync(join(tmpdir(), "viola-hostile-"));
const file = join(folder, "hostile.bundle");
const [release] = WHOLE_INVENTORY.releases;

// The programs that reach a cluster. Each leaves a mark when it is started.
const mark = join(folder, "started");
for (const program of ["kind", "kubectl", "helm", "ctr", "docker"])
  writeFileSync(join(folder, program), `#!/bin/sh\n: > ${mark}\nexit 1\n`, { mode: 0o755 });

afterAll(() => {
  rmSync(folder, { recursive: true });
});

const OPTION = "--kubeconfig=/tmp/x";
const CHANGES: readonly (readonly [string, object])[] = [
  ["releases[0].namespace", { releases: [{ ...release, namespace: OPTION }] }],
  ["releases[0].name", { releases: [{ ...release, name: OPTION }] }],
  ["releases[0].file", { releases: [{ ...release, file: "--values=x" }] }],
  ["releases[0].values[0]", { releases: [{ ...release, values: ["-x"] }] }],
  ["releases[0].chart.name", { releases: [{ ...release, chart: { name: OPTION, version: "1" } }] }],
  ["kubeVersion", { kubeVersion: OPTION }],
  ["apiVersions[0]", { apiVersions: [OPTION] }],
  ["name", { name: "../../x" }],
  ["platforms[0]", { platforms: ["--all-platforms/x"] }],
  ["files[0].path", { files: [{ ...WHOLE_INVENTORY.files[0], path: "charts/a\nb" }] }],
];
const COMMANDS: readonly (readonly string[])[] = [
  ["verify"],
  ["install", "--context", "nowhere"],
  ["rehearse"],
  ["load", "--to", "containerd", "--install", "--context", "nowhere"],
];

async function call(args: readonly string[]): Promise<{ code: number; stderr: string }> {
  let stderr = "";
  const collect = (take: (text: string) => void): NodeJS.WriteStream =>
    new Writable({
      write: (chunk, _, done) => {
        take(String(chunk));
        done();
      },
    }) as unknown as NodeJS.WriteStream;
  const code = await run(args, {
    stdin: process.stdin,
    stdout: collect(() => undefined),
    stderr: collect((text) => (stderr += text)),
    env: { PATH: folder },
    cwd: folder,
    home: ROOT,
    programCommand: [],
    onInterrupt: () => undefined,
  });
  return { code, stderr };
}

function writeBundle(inventory: object): void {
  const json = Buffer.from(JSON.stringify(inventory));
  const rest = Buffer.alloc(paddedSize(json.length) - json.length + TAR_END);
  writeFileSync(file, Buffer.concat([formatTarHeader("bundle.json", json.length), json, rest]));
}

it.each(CHANGES)("%s: verify, install, rehearse and load --install name the field", async (field, change) => {
  writeBundle({ ...WHOLE_INVENTORY, ...change });

  for (const [command = "", ...flags] of COMMANDS) {
    const { code, stderr } = await call([command, file, ...flags]);
    expect({
      command,
      code,
      named: stderr.includes(`: ${field}: must`),
      started: existsSync(mark),
    }).toEqual({ command, code: 2, named: true, started: false });
  }
});

it("a bundle whose names are in order starts a program", async () => {
  const bytes = Buffer.from("not read");
  const sha256 = hexOf(digestOf(bytes));
  const { file: harmless } = await bundleOf(folder, "harmless", [], {
    releases: [{ ...release!, file: "charts/app.tgz", sha256, values: [] }],
    files: [{ path: "charts/app.tgz", bytes, sha256 }],
  });

  await call(["install", harmless, "--context", "nowhere"]);

  expect(existsSync(mark)).toBe(true);
});
