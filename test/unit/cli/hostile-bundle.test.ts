// A bundle from an untrusted hand: names that would be options of kubectl and helm are refused by
// field.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { afterAll, expect, it } from "vitest";
import { run } from "../../../src/cli/program.js";
import { formatTarHeader, paddedSize, TAR_END } from "../../../src/core/bundle/tar-header.js";
import { ROOT } from "../../support/paths.js";
import { WHOLE_INVENTORY } from "../../support/whole-inventory.js";

const folder = mkdtempSync(join(tmpdir(), "viola-hostile-"));
const file = join(folder, "hostile.bundle");
const [release] = WHOLE_INVENTORY.releases;

// What would make a cluster for a rehearsal must be there first.
writeFileSync(join(folder, "kind"), "#!/bin/sh\n", { mode: 0o755 });

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

it.each(CHANGES)("%s: verify, install, rehearse and load --install name the field", async (field, change) => {
  const json = Buffer.from(JSON.stringify({ ...WHOLE_INVENTORY, ...change }));
  const rest = Buffer.alloc(paddedSize(json.length) - json.length + TAR_END);
  writeFileSync(file, Buffer.concat([formatTarHeader("bundle.json", json.length), json, rest]));

  for (const [command = "", ...flags] of COMMANDS) {
    const { code, stderr } = await call([command, file, ...flags]);
    expect({ command, code, named: stderr.includes(`: ${field}: must`) }).toEqual({
      command,
      code: 2,
      named: true,
    });
  }
});
