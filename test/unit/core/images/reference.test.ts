// References: parsed and normalized as in Docker and containerd.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  findReference,
  formatReference,
  kubeletName,
  engineNames,
  parseReference,
  spellingsOf,
} from "../../../../src/core/images/reference.js";
import { ROOT } from "../../../support/paths.js";

const DIGEST = `sha256:${"ab".repeat(32)}`;

/** test/e2e/load-sh-references.test.ts tests load.sh with the same references. */
const { valid, invalid } = JSON.parse(readFileSync(join(ROOT, "test/fixtures/references.json"), "utf8")) as {
  readonly valid: readonly {
    readonly reference: string;
    readonly normalized: string;
    readonly kubelet: string;
  }[];
  readonly invalid: readonly string[];
};

describe("parseReference", () => {
  it.each(valid)("normalizes $reference", ({ reference, normalized }) => {
    expect(formatReference(parseReference(reference))).toBe(normalized);
    expect(formatReference(parseReference(normalized))).toBe(normalized);
  });

  it.each(invalid)("rejects %j", (text) => {
    expect(findReference(text)).toBeUndefined();
    expect(() => parseReference(text)).toThrow(
      expect.objectContaining({ code: "REFERENCE_INVALID", subject: text }),
    );
  });

  it("limits registry and repository together to 255 characters, as the kubelet does", () => {
    const nameOf = (length: number): string => `quay.io/${"a".repeat(length - "quay.io/".length)}`;
    expect(findReference(nameOf(255))).toBeDefined();
    expect(findReference(nameOf(256))).toBeUndefined();
  });

  it("separates tag and digest", () => {
    expect(parseReference(`a/b:1@${DIGEST}`)).toEqual({
      registry: "docker.io",
      repository: "a/b",
      tag: "1",
      digest: DIGEST,
    });
  });
});

describe("engineNames", () => {
  it.each([
    ["redis:7", ["docker.io/library/redis:7"]],
    [`redis@${DIGEST}`, [`docker.io/library/redis@${DIGEST}`]],
    [`redis:7@${DIGEST}`, ["docker.io/library/redis:7", `docker.io/library/redis@${DIGEST}`]],
  ])("lists the engine's names of %s", (text, names) => {
    expect(engineNames(parseReference(text))).toEqual(names);
  });
});

describe("kubeletName", () => {
  it.each(valid)("is the name that the kubelet uses: $reference", ({ reference, kubelet }) => {
    expect(kubeletName(parseReference(reference))).toBe(kubelet);
  });
});

describe("spellingsOf", () => {
  it.each(valid)("lists every spelling of $reference", ({ reference, kubelet }) => {
    const spellings = spellingsOf(kubelet);

    expect(spellings).toContain(reference.replace(/:[^:/@]*@/, "@"));
    for (const spelling of spellings) expect(formatReference(parseReference(spelling))).toBe(kubelet);
    for (const text of invalid) expect(spellings).not.toContain(text);
  });
});
