// Every command that reads a bundle reports the path of an invalid field in bundle.json, and
// nothing else.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { run } from "../../../src/cli/program.js";
import { formatTarHeader, TAR_BLOCK, TAR_END } from "../../../src/core/bundle/tar-header.js";
import { groupBy } from "../../../src/core/group-by.js";
import { ROOT } from "../../support/paths.js";
import { damages, type Damage } from "../../support/whole-inventory.js";

let folder = "";
let file = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "viola-damaged-"));
  file = join(folder, "test.bundle");
  await writeFile(join(folder, "pods.txt"), "docker.io/a/b:1");
  await writeFile(join(folder, "config.yaml"), "");
  // The program that creates a cluster for a rehearsal must exist first.
  await writeFile(join(folder, "kind"), "#!/bin/sh\n", { mode: 0o755 });
});
afterAll(() => rm(folder, { recursive: true }));

/** Only the first entry of the file is read. */
async function writeBundle({ json }: Damage): Promise<void> {
  const bytes = Buffer.from(json);
  const padding = Buffer.alloc((TAR_BLOCK - (bytes.length % TAR_BLOCK)) % TAR_BLOCK);
  const parts = [formatTarHeader("bundle.json", bytes.length), bytes, padding, Buffer.alloc(TAR_END)];
  await writeFile(file, Buffer.concat(parts));
}

async function runHere(args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const texts = { stdout: "", stderr: "" };
  const collect = (name: keyof typeof texts): NodeJS.WriteStream =>
    new Writable({
      write: (chunk, _, done) => {
        texts[name] += String(chunk);
        done();
      },
    }) as unknown as NodeJS.WriteStream;
  const code = await run(args, {
    stdin: process.stdin,
    stdout: collect("stdout"),
    stderr: collect("stderr"),
    env: { PATH: folder, VIOLA_AIRGAP_CONFIG: join(folder, "config.yaml") },
    cwd: folder,
    home: ROOT,
    programCommand: [],
    onInterrupt: () => undefined,
  });
  return { code, ...texts };
}

const COMMANDS: readonly (readonly string[])[] = [
  ["verify"],
  ["audit"],
  ["check", "--pods", "pods.txt"],
  ["load", "--to", "docker"],
  ["load", "--to", "registry://127.0.0.1:9"],
  ["unload", "--to", "docker"],
  ["uninstall"],
  ["install", "--context", "nowhere"],
  ["serve", "--listen", "127.0.0.1:0"],
  ["rehearse"],
];

/** One invalid value for each field, in turn of each kind. */
const sample = [...groupBy(damages(), ({ path }) => path).values()].flatMap((group, index) => {
  const wrong = group.filter(({ isFine }) => !isFine);
  return wrong[index % wrong.length] ?? [];
});

describe("a bundle.json with an invalid field", () => {
  // All commands read the inventory in one way, so the fields are shared out among them.
  it.each(COMMANDS.map((command, turn) => [command.join(" "), command, turn] as const))(
    "ends %s",
    async (_, command, turn) => {
      const unexpected: string[] = [];
      const some = sample.filter((_damage, index) => index % COMMANDS.length === turn);
      for (const damage of some) {
        await writeBundle(damage);
        const [name = "", ...flags] = command;
        const { code, stdout, stderr } = await runHere([name, file, "--json", "--quiet", ...flags]);
        const { error } = JSON.parse(stdout) as { error: { code: string; message: string; subject: string } };
        const isNamed = error.message.includes(damage.path) && error.subject === file;
        if (code !== 2 || !isNamed || !error.code.startsWith("BUNDLE_")) {
          unexpected.push(`${damage.path} ${damage.how}: ${code} ${stderr}`);
        }
      }
      expect(unexpected).toEqual([]);
      expect(some.length).toBeGreaterThan(8);
    },
    60_000,
  );
});
