// The language of reports: from `--lang` or the locale, and never that of formats for programs.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { OpenBundle } from "../../../src/workflows/ports.js";
import { bundleOf } from "../../support/bundle-of.js";
import { runInProcess } from "../../support/in-process.js";

const HANGUL = /\p{Script=Hangul}/u;
const KOREAN = { env: { LANG: "ko_KR.UTF-8" } };

let folder = "";
let bundle: OpenBundle;
let other: OpenBundle;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "viola-languages-"));
  const image = { mediaTypes: "oci", layers: [3000] } as const;
  bundle = await bundleOf(
    folder,
    "shop",
    ["grafana/grafana:11.3.1", "quay.io/shop/web:latest"].map((reference) => ({
      ...image,
      seed: reference,
      reference,
    })),
    { excluded: [{ reference: "quay.io/shop/db:1", reason: "on the nodes" }] },
  );
  other = await bundleOf(folder, "other", [{ ...image, seed: "new", reference: "quay.io/shop/web:2" }]);
});
afterAll(() => rm(folder, { recursive: true }));

const REPORTS: readonly (readonly string[])[] = [
  ["show"],
  ["audit"],
  ["audit", "--format", "markdown"],
  ["audit", "--format", "html"],
  ["diff"],
  ["diff", "--format", "markdown"],
];
const argumentsOf = (command: string | undefined, options: readonly string[]): readonly string[] => [
  command ?? "",
  bundle.file,
  ...(command === "diff" ? [other.file] : []),
  ...options,
];

it.each(REPORTS)("%s %s %s is in the language of --lang, or of the locale", async (command, ...options) => {
  const report = async (...args: Parameters<typeof runInProcess>): Promise<string> =>
    (await runInProcess(...args)).stdout;
  const args = argumentsOf(command, options);
  const [english, korean] = [await report(args), await report([...args, "--lang", "ko"])];

  expect(english).not.toMatch(HANGUL);
  expect(korean).toMatch(HANGUL);
  expect(await report(args, KOREAN)).toBe(korean);
  expect(await report(["--lang", "en", ...args], KOREAN)).toBe(english);
  for (const value of ["quay.io/shop/web", "on the nodes", "shop 1.0.0"])
    if (english.includes(value)) expect(korean).toContain(value);
});

it.each([
  ["show", "--json"],
  ["show", "--format", "list"],
  ["audit", "--json"],
  ["audit", "--format", "csv"],
  ["audit", "--format", "sarif"],
  ["audit", "--format", "cyclonedx"],
  ["audit", "--format", "spdx"],
  ["diff", "--json"],
  ["images", "--json"],
])("%s %s %s is the same in every locale", async (command, ...options) => {
  const args = argumentsOf(command, options);

  expect(await runInProcess(args, KOREAN)).toEqual(await runInProcess(args));
});

it.each([
  ["audit", "markdown"],
  ["audit", "table"],
  ["audit", "html"],
  ["diff", "markdown"],
  ["diff", "table"],
])("%s replaces its own %s in another language", async (command, format) => {
  const out = join(folder, `${command}-${format}`);
  const args = [...argumentsOf(command, ["--format", format]), "--out", out];
  for (const language of ["ko", "en", "ko"]) {
    expect(await runInProcess([...args, "--lang", language])).toMatchObject({ code: 0 });
    expect(HANGUL.test(await readFile(out, "utf8"))).toBe(language === "ko");
  }
});

it("refuses a language that it does not have, in English", async () => {
  const { code, stderr } = await runInProcess(["show", bundle.file, "--lang", "xx"], KOREAN);

  expect(code).toBe(2);
  expect(stderr).toContain("--lang");
  expect(stderr).not.toMatch(HANGUL);
});
