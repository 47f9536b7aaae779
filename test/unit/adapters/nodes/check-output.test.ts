// The output of `ctr images check`, from containerd 1.6.20, 1.7.24 and 2.0.4.
import { expect, test } from "vitest";
import { parseCompleteImages } from "../../../../src/adapters/nodes/node-scripts.js";

const DIGEST = `sha256:${"a".repeat(64)}`;

test("only complete images count, regardless of the width of the columns", () => {
  const output = [
    "REF                     TYPE                                    DIGEST    STATUS         SIZE            UNPACKED ",
    `quay.io/a/b:1           application/vnd.oci.image.index.v1+json ${DIGEST} complete (3/3) 3.8 MiB/3.8 MiB false`,
    `quay.io/a/b@${DIGEST} application/vnd.oci.image.index.v1+json ${DIGEST} complete (12/12) 1.0 GiB/1.0 GiB true`,
    `quay.io/a/c:1 application/vnd.oci.image.index.v1+json ${DIGEST} incomplete (2/3) 1.8 MiB/3.8 MiB false`,
    `quay.io/a/d:1 application/vnd.oci.image.index.v1+json ${DIGEST} unavailable (0/?) -/? false`,
    "",
  ].join("\n");
  expect(parseCompleteImages(output)).toEqual(
    new Map([
      ["quay.io/a/b:1", DIGEST],
      [`quay.io/a/b@${DIGEST}`, DIGEST],
    ]),
  );
});

test("a node without images has no output", () => {
  expect(parseCompleteImages("")).toEqual(new Map());
});
