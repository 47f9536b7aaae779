// README.txt: its instructions.
import { expect, it } from "vitest";
import { bundleReadme } from "../../../../src/core/bundle/readme.js";

it("explains how to load, install, and do both at once", () => {
  const text = Buffer.from(bundleReadme("viola", "1.0.0").bytes).toString();
  const commands = text.split("\n").flatMap((line) => /^ {2}viola-airgap (.+)$/.exec(line)?.[1] ?? []);
  expect(text).toContain("viola 1.0.0");
  expect(commands).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/^load BUNDLE .*--install$/),
      expect.stringMatching(/^install BUNDLE --to /),
    ]),
  );
});
