// Completion scripts in the shells that they are for. Shells that this machine lacks are skipped,
// except in CI.
import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SELECTORS } from "../../../src/core/audit/rules/selectors.js";
import { runInProcess } from "../../support/in-process.js";

const has = (shell: string): boolean =>
  process.env["CI"] !== undefined || spawnSync(shell, ["--version"]).status === 0;

let folder = "";
const script = (shell: string): string => join(folder, `viola-airgap.${shell}`);
let commands: readonly string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "viola-completion-"));
  for (const shell of ["bash", "zsh", "fish"]) {
    await writeFile(script(shell), (await runInProcess(["completion", shell])).stdout);
  }
  const { stdout } = await runInProcess(["--help"]);
  commands = [...stdout.matchAll(/^ {2}([a-z]+) (?:\[|<)/gm)].map(([, command = ""]) => command);
});
afterAll(() => rm(folder, { recursive: true }));

/** Runs the code in the shell and returns the lines that it prints. It must print no errors. */
function linesOf(shell: string, code: string, ...args: readonly string[]): readonly string[] {
  const flags = shell === "bash" ? ["--norc"] : shell === "zsh" ? ["-f"] : ["--no-config"];
  const { stdout, stderr } = spawnSync(shell, [...flags, "-c", code, ...args], {
    encoding: "utf8",
    env: { PATH: process.env["PATH"], HOME: folder },
  });
  expect(stderr).toBe("");
  return stdout.split("\n").filter((line) => line !== "");
}

/** What the words are completed with; the last one is the one under the cursor. */
const CASES: readonly (readonly [words: readonly string[], replies: readonly string[]])[] = [
  [["bu"], ["build"]],
  [["--json", "lo"], ["load"]],
  [["--config", "load", "sh"], ["show"]],
  [["build", "--sou"], ["--source"]],
  [
    ["build", "--source", ""],
    ["auto", "docker", "registry"],
  ],
  [["load", "app.bundle", "--unp"], ["--unpack"]],
  [["show", "--js"], ["--json"]],
  [["audit", "--fail-on", ""], [...SELECTORS].sort()],
  [
    ["completion", ""],
    ["bash", "fish", "zsh"],
  ],
];

describe("bash", () => {
  const complete = (words: readonly string[]): readonly string[] =>
    linesOf(
      "bash",
      `source "$0"; COMP_WORDS=(viola-airgap "$@"); COMP_CWORD=$#; _viola_airgap; printf '%s\\n' "\${COMPREPLY[@]}"`,
      script("bash"),
      ...words,
    ).toSorted();

  it.skipIf(!has("bash")).each(CASES)("completes %j with %j", (words, replies) => {
    expect(complete(words)).toEqual(replies);
  });

  it.skipIf(!has("bash"))("completes commands, values after = and leaves files to readline", () => {
    expect(complete([""])).toEqual([...commands].sort());
    expect(complete(["show", "--format", "="])).toEqual(["json", "list", "table"]);
    expect(complete(["show", "--format", "=", "l"])).toEqual(["list"]);
    expect(complete(["--config", "=", "f.yaml", "bu"])).toEqual(["build"]);
    expect(complete(["verify", ""])).toEqual([]);
    expect(complete(["build", "-o", ""])).toEqual([]);
  });

  it.skipIf(!has("bash"))("is registered for the program", () => {
    const [line] = linesOf("bash", `source "$0"; complete -p viola-airgap`, script("bash"));
    expect(line).toContain("-F _viola_airgap");
  });
});

describe("fish", () => {
  it.skipIf(!has("fish")).each(CASES)("completes %j with %j", (words, replies) => {
    const lines = linesOf(
      "fish",
      `source $argv[1]; complete -C "viola-airgap $argv[2..]"`,
      script("fish"),
      ...words,
    );
    expect(lines.map((line) => line.split("\t")[0]).toSorted()).toEqual(replies);
  });
});

describe("zsh", () => {
  it.skipIf(!has("zsh"))("reads the script and registers it for the program", () => {
    const code = `autoload -U compinit; compinit -u -D; source "$0"; print -r -- $_comps[viola-airgap]`;
    expect(linesOf("zsh", code, script("zsh"))).toEqual(["_viola_airgap"]);
  });
});

it("refuses another shell with those that it knows", async () => {
  const { code, stdout } = await runInProcess(["completion", "powershell", "--json"]);
  expect(code).toBe(2);
  expect(JSON.parse(stdout)).toMatchObject({
    error: { code: "USAGE", message: expect.stringContaining("bash, zsh, fish") as string },
  });
});
