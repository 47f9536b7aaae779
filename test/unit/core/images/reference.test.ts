// References: parsed and spelled out as Docker and containerd do.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  findReference,
  formatReference,
  kubeletName,
  nodeNames,
  parseReference,
  spellingsOf,
} from "../../../../src/core/images/reference.js";
import { ROOT } from "../../../support/paths.js";

const DIGEST = `sha256:${"ab".repeat(32)}`;

/** What load.sh must make of the same references: test/e2e/load-sh-references.test.ts. */
const { valid, invalid } = JSON.parse(readFileSync(join(ROOT, "test/fixtures/references.json"), "utf8")) as {
  readonly valid: readonly {
    readonly reference: string;
    readonly normalized: string;
    readonly kubelet: string;
  }[];
  readonly invalid: readonly string[];
};

describe("parseReference", () => {
  it.each(valid)("spells out $reference", ({ reference, normalized }) => {
    expect(formatReference(parseReference(reference))).toBe(normalized);
    expect(formatReference(parseReference(normalized))).toBe(normalized);
  });

  it.each(invalid)("refuses %j", (text) => {
    expect(findReference(text)).toBeUndefined();
    expect(() => parseReference(text)).toThrow(
      expect.objectContaining({ code: "REFERENCE_INVALID", subject: text }),
    );
  });

  it("keeps tag and digest apart", () => {
    expect(parseReference(`a/b:1@${DIGEST}`)).toEqual({
      registry: "docker.io",
      repository: "a/b",
      tag: "1",
      digest: DIGEST,
    });
  });
});

describe("nodeNames", () => {
  it.each([
    ["redis:7", ["docker.io/library/redis:7"]],
    [`redis@${DIGEST}`, [`docker.io/library/redis@${DIGEST}`]],
    [`redis:7@${DIGEST}`, ["docker.io/library/redis:7", `docker.io/library/redis@${DIGEST}`]],
  ])("lists the names under which the kubelet looks for %s", (text, names) => {
    expect(nodeNames(parseReference(text))).toEqual(names);
  });
});

describe("kubeletName", () => {
  it.each(valid)("is the one name that the kubelet looks for: $reference", ({ reference, kubelet }) => {
    expect(kubeletName(parseReference(reference))).toBe(kubelet);
  });
});

describe("spellingsOf", () => {
  it.each(valid)("has every way to write a name, $reference", ({ reference, kubelet }) => {
    const spellings = spellingsOf(kubelet);

    expect(spellings).toContain(reference.replace(/:[^:/@]*@/, "@"));
    for (const spelling of spellings) expect(formatReference(parseReference(spelling))).toBe(kubelet);
    for (const text of invalid) expect(spellings).not.toContain(text);
  });
});
