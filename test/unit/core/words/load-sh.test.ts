// load.sh: its list of images, and its messages in every language.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { placeholdersOf } from "../../../../src/core/words/phrase.js";
import type { OpenBundle } from "../../../../src/workflows/ports.js";
import { otherTerms } from "../../../support/korean-terms.js";
import { bundleOf } from "../../../support/bundle-of.js";
import { ROOT } from "../../../support/paths.js";

const SCRIPT = join(ROOT, "manifests/bundle/load.sh");
const script = readFileSync(SCRIPT, "utf8");
const HANGUL = /\p{Script=Hangul}/u;

/** The output of a function of the script. */
const outputOf = (name: string): string => {
  const [definition = ""] = new RegExp(`^${name}\\(\\) \\{$[^]*?^\\}$`, "m").exec(script) ?? [];
  return execFileSync("sh", ["-c", `lang=en\n${definition}\n${name}`], { encoding: "utf8" });
};

describe("the Korean messages of load.sh", () => {
  const lines = outputOf("korean").trimEnd().split("\n");
  const translations = new Map(
    lines.flatMap((line, index) => (index % 2 === 0 ? [[line, lines[index + 1] ?? ""] as const] : [])),
  );
  const texts = [
    ...script.matchAll(/\b(?:say|die|wrong|error|text|report|exit_if_wrong \d) '([^'\n]+)'/g),
    ...script.matchAll(/\bprintf? "([^"\n]*?)\\001/g),
  ].map(([, text = ""]) => text);
  // Texts that are only placeholders have no words.
  const used = [...new Set(texts)].filter((text) => /[a-z]/i.test(text.replace(/\{\d\}/g, "")));

  it("are there for every text, and for no other", () => {
    expect(used.length).toBeGreaterThan(60);
    expect([...translations.keys()].sort()).toEqual([...used].sort());
  });

  it("have the placeholders of the English texts, and are Korean", () => {
    for (const [english, korean] of translations) {
      expect(placeholdersOf(korean), english).toEqual(placeholdersOf(english));
      expect(korean, english).toMatch(HANGUL);
      expect(/^ */.exec(korean)?.[0].length, english).toBe(
        korean.startsWith("(") ? 0 : /^ */.exec(english)?.[0].length,
      );
    }
  });

  it("use one Korean term for one thing", () => {
    expect(otherTerms(outputOf("korean") + outputOf("usage_in_korean"))).toEqual([]);
  });

  it("describe the same options", () => {
    const optionsOf = (usage: string): readonly string[] => usage.match(/(?<=^|[ |])--?[a-z][a-z-]*/gm) ?? [];

    expect(new Set(optionsOf(outputOf("usage_in_korean")))).toEqual(new Set(optionsOf(outputOf("usage"))));
  });
});

describe("load.sh", () => {
  let folder: string;
  let bundle: OpenBundle;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "viola-load-sh-words-"));
    bundle = await bundleOf(folder, "bundle", [
      { seed: "one", mediaTypes: "oci", layers: [3000], reference: "quay.io/org/one:1" },
      { seed: "two", mediaTypes: "oci", layers: [3000], reference: "two@DIGEST" },
    ]);
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  const load = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
    spawnSync("sh", [SCRIPT, ...args], {
      encoding: "utf8",
      env: { PATH: process.env["PATH"], TMPDIR: folder, VIOLA_SH_ONLY: "1", ...env },
    });

  it("lists one name a line, in the order of the inventory", () => {
    const { status, stdout, stderr } = load([bundle.file, "--list"]);

    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toBe(`${bundle.inventory.images.flatMap(({ names: [name] }) => name).join("\n")}\n`);
  });

  it.each([
    [{}, "en"],
    [{ LANG: "ko_KR.UTF-8" }, "ko"],
    [{ LANG: "ko_KR.utf8" }, "ko"],
    // The output is UTF-8, which such a terminal does not show.
    [{ LANG: "ko_KR" }, "en"],
    [{ LANG: "ko_KR.eucKR" }, "en"],
    [{ LANG: "en_US.UTF-8", LC_MESSAGES: "ko_KR.UTF-8" }, "ko"],
    [{ LANG: "ko_KR.UTF-8", LC_MESSAGES: "ko_KR.UTF-8", LC_ALL: "C.UTF-8" }, "en"],
    [{ LANG: "ko_KR.UTF-8", LC_ALL: "" }, "ko"],
    [{ LANG: "kok_IN.UTF-8" }, "en"],
  ] as const)("with the locale %j, writes %s", (env, language) => {
    const { status, stderr } = load(["/no/such/bundle"], env);

    expect(status).toBe(2);
    expect(stderr).toContain("/no/such/bundle");
    expect(HANGUL.test(stderr) ? "ko" : "en").toBe(language);
  });

  it("writes the language of --lang, whatever the locale is", () => {
    expect(load(["/no/such/bundle", "--lang", "ko"], { LC_ALL: "C" }).stderr).toMatch(HANGUL);
    expect(load(["/no/such/bundle", "--lang=en"], { LC_ALL: "ko_KR.UTF-8" }).stderr).not.toMatch(HANGUL);
    expect(load(["--lang", "ko", "--help"]).stdout).toMatch(HANGUL);
    expect(load([bundle.file, "--lang", "xx"])).toMatchObject({ status: 2 });
  });

  it.each(["en", "ko"])("reports several problems in %s, without control characters", (language) => {
    const damaged = join(folder, "damaged");
    const bytes = readFileSync(bundle.file);
    const layout = bytes.lastIndexOf('{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index');
    bytes[layout] = 0x20;
    writeFileSync(damaged, bytes);
    const to = ["--to", "containerd", "--check", "--lang", language];
    const ctr = join(folder, "ctr");
    writeFileSync(ctr, "#!/bin/sh\nprintf 'no \\033[2J answer\\n' >&2\nexit 1\n", { mode: 0o755 });
    const { status, stdout, stderr } = load([damaged, ...to], { PATH: `${folder}:${process.env["PATH"]}` });

    expect({ status, stdout }).toMatchObject({ status: 1 });
    expect(stderr).toMatch(/^ {2}- .*index\.json/m);
    expect(stderr).toMatch(/^ {2}- .*no \?\[2J answer$/m);
    expect(`${stdout}${stderr}`).not.toMatch(/\u001b|\u0001/);
    expect(HANGUL.test(stderr)).toBe(language === "ko");
  });
});
