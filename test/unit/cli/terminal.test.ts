// What is printed cannot control a terminal, wherever it comes from.
import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { formatFailure } from "../../../src/cli/failure.js";
import { showProgress } from "../../../src/cli/progress.js";
import { printable, singleLine, singleLines } from "../../../src/cli/terminal.js";
import { ManyErrors, ViolaError } from "../../../src/errors.js";
import { ROOT } from "../../support/paths.js";

const HOSTILE = "a\u001b[2Jb\u0007c\u009bd\u007fe\u202ef\u2066g\rh\u0000";

/** C0 without line breaks, DEL, C1, bidirectional controls. */
const CONTROL = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;

describe("printable", () => {
  it("escapes every control character, and keeps line breaks and tabs", () => {
    expect(printable(HOSTILE)).not.toMatch(CONTROL);
    expect(printable("a\tb\nc\r\nd ä 漢 🚢")).toBe("a\tb\nc\r\nd ä 漢 🚢");
  });

  it("keeps the meaning of JSON", () => {
    const document = { [HOSTILE]: [HOSTILE, "\n"] };
    const text = printable(JSON.stringify(document, null, 1));
    expect(text).not.toMatch(CONTROL);
    expect(JSON.parse(text)).toEqual(document);
  });
});

describe("singleLine and singleLines", () => {
  it("leave no line break, at any depth, and change nothing but text", () => {
    expect(singleLine("a\n  b\r\nc\u2028d")).toBe("a b c d");
    const bytes = new Uint8Array(1);
    const report = { "a\nb": ["c\nd", { e: "f\ng", n: 1, none: null, bytes }] };
    expect(singleLines(report)).toEqual({ "a b": ["c d", { e: "f g", n: 1, none: null, bytes }] });
  });
});

it("errors have one line for each message, cause and hint", () => {
  const cause = new Error(`${HOSTILE}\nerror: forged`);
  const one = new ViolaError("USAGE", `${HOSTILE}\nerror: forged`, { hint: `${HOSTILE}\nforged`, cause });
  for (const error of [one, new ManyErrors(`x\nerror: forged`, [one, one])]) {
    expect(printable(formatFailure(error))).not.toMatch(CONTROL);
    expect(formatFailure(error)).not.toMatch(/^\s*error: forged|^forged/m);
  }
});

it("progress and notes have one line each", () => {
  const stderr = new PassThrough() as unknown as NodeJS.WriteStream & PassThrough;
  const { onProgress } = showProgress(stderr, { isQuiet: false });
  onProgress({ kind: "note", message: `${HOSTILE}\nforged` });
  onProgress({ kind: "started", step: "a", title: `${HOSTILE}\nforged` });
  onProgress({ kind: "ended", step: "a", summary: `${HOSTILE}\nforged` });
  const text = String(stderr.read());
  expect(text).not.toMatch(CONTROL);
  expect(text).not.toMatch(/^forged/m);
  expect(text.split("\n")).toHaveLength(3);
});

it("only terminal.ts writes to the terminal", () => {
  const folder = join(ROOT, "src/cli");
  const writing = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter(
    (file) =>
      file.endsWith(".ts") && /(?:stdout|stderr)\.write\(/.test(readFileSync(join(folder, file), "utf8")),
  );
  // `passOn` in the runtime passes manifests to helm.
  expect(writing).toEqual(["runtime.ts"]);
});
