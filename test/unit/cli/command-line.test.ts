// The command line as such: options in any place, lists, and usage errors as text and as JSON.
import { describe, expect, it } from "vitest";
import { listOption } from "../../../src/cli/command-line.js";
import { runInProcess } from "../../support/in-process.js";

interface Failure {
  readonly code: string;
  readonly subject?: string;
  readonly hint?: string;
}

/** Runs a command line that must be a usage error, and returns the error of its JSON document. */
async function failureOf(argv: readonly string[]): Promise<Failure> {
  const { code, stdout, stderr } = await runInProcess(argv);
  expect(code).toBe(2);
  expect(stderr).toMatch(/^error: /m);
  return (JSON.parse(stdout) as { error: Failure }).error;
}

describe("a usage error with --json", () => {
  it.each([
    [["bild"], "bild", /Did you mean build\?/],
    [["load", "a", "--instal"], "--instal", /Did you mean --install\?/],
    [["images", "a", "--conf", "x"], "--conf", /Did you mean --config\?/],
    [["build", "a"], "--output", /build \[options\] <spec>/],
    [["build"], "--output", /build --help/],
    [["verify"], "bundle", /verify \[options\] <bundle>/],
    [["verify", "a", "b"], "verify", /verify/],
    [["build", "a", "-o", "b", "--source", "moon"], "--source", /build --help/],
    [["audit", "a", "--fail-on", "mutble-tag"], "--fail-on", /Did you mean mutable-tag\?/],
    [["load", "a", "--to", "kind,"], "--to", /comma/],
    [["build", "a", "-o"], "--output", /build --help/],
    [[], "viola-airgap", /images, build/],
  ])("%j is a document with subject and hint", async (argv, subject, hint) => {
    for (const line of [
      [...argv, "--json"],
      ["--json", ...argv],
    ]) {
      // An option without its value takes no other option as value.
      const failure = await failureOf(line);
      expect(failure).toMatchObject({ code: "USAGE", subject });
      expect(failure.hint).toMatch(hint);
    }
  });

  it("prints no document without --json, or when --json is an argument", async () => {
    expect((await runInProcess(["bild"])).stdout).toBe("");
    expect((await runInProcess(["verify", "--", "a", "--json"])).stdout).toBe("");
  });
});

describe("options of every command", () => {
  it.each([
    ["before the command", ["--json", "--config", "/none.yaml", "doctor", "--to", "docker"]],
    ["after the command", ["doctor", "--to", "docker", "--json", "--config", "/none.yaml"]],
    ["around its arguments", ["--config=/none.yaml", "images", "--json", "oci://localhost:1/a"]],
  ])("may stand %s", async (_, argv) => {
    const { stdout } = await runInProcess(argv);

    // The settings file of --config is used, and the answer is a document.
    expect(JSON.stringify(JSON.parse(stdout))).toContain("/none.yaml");
  });
});

describe("a list", () => {
  const parse = (...words: readonly string[]): unknown => {
    const option = listOption("--to <target>", "target");
    return words.reduce<unknown>((values, word) => option.parseArg?.(word, values), option.defaultValue);
  };

  it.each([
    [["a,b"], ["a", "b"]],
    [
      ["a", "b"],
      ["a", "b"],
    ],
    [
      ["a,b", "c"],
      ["a", "b", "c"],
    ],
    [["a, b"], ["a", "b"]],
    [[String.raw`a\,b`], ["a,b"]],
    [[], []],
  ])("%j has the values %j", (words, values) => {
    expect(parse(...words)).toEqual(values);
  });

  it("leaves the argument of the command alone", async () => {
    const after = await failureOf(["load", "--to", "docker", "/none.bundle", "--json"]);
    expect(after).toMatchObject({ code: "FILE_UNUSABLE", subject: "/none.bundle" });
    expect(await failureOf(["audit", "--fail-on", "mutable-tag", "/none.bundle", "--json"])).toMatchObject({
      code: "FILE_UNUSABLE",
      subject: "/none.bundle",
    });
  });

  it("of several words is refused with the spelling that works", async () => {
    const failure = await failureOf(["load", "--to", "docker", "podman", "/none.bundle", "--json"]);
    expect(failure.hint).toContain("A,B");
  });

  it("checks every target", async () => {
    expect(await failureOf(["load", "/none", "--to", "docker,mars", "--json"])).toMatchObject({
      code: "USAGE",
      subject: "mars",
    });
  });
});
