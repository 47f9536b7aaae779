// Names that stand for more than one content.
import { describe, expect, it } from "vitest";
import { findNameConflicts } from "../../../../src/core/bundle/names.js";

const A = `sha256:${"a".repeat(64)}`;
const B = `sha256:${"b".repeat(64)}`;
const image = (digest: string, ...names: readonly string[]) => ({ digest, names });

describe("findNameConflicts", () => {
  it("reports each name with two contents once, with the contents", () => {
    const images = [
      image(A, "quay.io/a/b:1", "quay.io/a/c:1"),
      image(B, "quay.io/a/b:1"),
      image(A, "quay.io/a/b:1"),
    ];

    expect(findNameConflicts(images)).toEqual([{ name: "quay.io/a/b:1", digests: [A, B] }]);
  });

  it("ignores the case of a host, but not of a tag", () => {
    expect(findNameConflicts([image(A, "Quay.io/a/b:1"), image(B, "quay.io/a/b:1")])).toHaveLength(1);
    expect(findNameConflicts([image(A, "quay.io/a/b:X"), image(B, "quay.io/a/b:x")])).toEqual([]);
  });

  it("allows a repeated name for one content, and two digests in one repository", () => {
    const pins = [image(A, `quay.io/a/b@${A}`), image(B, `quay.io/a/b@${B}`), image(B, "quay.io/a/b:1")];

    expect(findNameConflicts([...pins, image(B, "quay.io/a/b:1")])).toEqual([]);
  });
});
