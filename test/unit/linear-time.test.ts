// Text from outside is searched in a time that grows with its length: a command that is busy for
// minutes does not react to signals.
import { expect, it } from "vitest";
import { readBlockYaml } from "../../src/core/block-yaml.js";
import { readApiVersionTests } from "../../src/core/charts/api-version-tests.js";
import { parseDocuments } from "../../src/core/charts/parse-rendered.js";
import { describeRenderFailure } from "../../src/core/charts/render-failure.js";
import { readStructure } from "../../src/core/embedded-yaml.js";
import { findInProgramFile } from "../../src/core/finding/program/program-file.js";
import { flagsInText } from "../../src/core/finding/rules/command-line.js";
import { findImageFields } from "../../src/core/finding/rules/image-fields.js";
import { findImageLines } from "../../src/core/finding/rules/image-lines.js";
import { UnusableYaml } from "../../src/core/parse-yaml.js";
import { redactText } from "../../src/core/redact.js";
import { recognizeOtherFile } from "../../src/core/spec/other-files.js";
import { ViolaError } from "../../src/errors.js";
import { singleLine } from "../../src/cli/terminal.js";
import { processorMs } from "../support/processor-time.js";

const LENGTH = 100_000;
const LIMIT_MS = 1_000;

const READERS: Readonly<Record<string, (text: string) => unknown>> = {
  "rendered text": (text) => [...parseDocuments(text, { chart: "app-1.0.0", release: "app" })],
  "a rendered value": readStructure,
  "a block of YAML": (text) => readBlockYaml(`a: x${text}y\n`),
  "fields of an image": (text) => [...findImageFields({ image: { repository: text } }, "high")],
  "lines with images": (text) => [...findImageLines(text, [])],
  "flags of a script": (text) => [...flagsInText(text)],
  "a document of a program": (text) =>
    findInProgramFile(
      { path: "config/a.yaml", bytes: Buffer.from(text), isEntrypoint: true },
      { operatorTag: "v1.0.0", wanted: new Set() },
    ),
  "a template": (text) => readApiVersionTests([`${text}.APIVersions`]),
  "an error of helm": (text) => describeRenderFailure(`template: ${text}`),
  "a message with URLs": redactText,
  "a message for one line": singleLine,
  "a file that is no spec": (text) => recognizeOtherFile(text, undefined),
};

const PARTS = ["\n", "\r", "\r\n", " ", "-", "a-", "a/", ".", "image", "image: ", "{{/*", "- ", "\n---\n"];

it.each(Object.entries(READERS))("reads %s in time, whatever it repeats", (_, read) => {
  const slow = PARTS.filter((part) => {
    const text = part.repeat(LENGTH / part.length);
    const computed = processorMs(() => {
      try {
        read(`${text}!`);
      } catch (cause) {
        // Some are refused because of a limit.
        if (!(cause instanceof ViolaError) && !(cause instanceof UnusableYaml)) throw cause;
      }
    });
    return computed > LIMIT_MS;
  });
  expect(slow).toEqual([]);
});
