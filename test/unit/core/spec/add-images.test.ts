// Adds the missing images of a rehearsal to a spec.
import { expect, it } from "vitest";
import { chooseImages } from "../../../../src/core/spec/choose-images.js";
import { addImages } from "../../../../src/core/spec/add-images.js";
import { parseBundleSpec } from "../../../../src/core/spec/parse-bundle-spec.js";

const SPEC = `# of the team
name: shop
version: 1.0.0
charts: [] # none yet
images:
  include: [docker.io/library/busybox:1.36]
  exclude:
    - { image: quay.io/org/hidden:2, reason: we thought }
    - { image: quay.io/org/other:1, reason: we know }
`;
const ADDED = {
  image: "quay.io/org/hidden:2",
  rehearsed: "DaemonSet apps/agent of Agent apps/main",
  comment: "asked for in a rehearsal",
};

const written = addImages(SPEC, [ADDED]);
const spec = parseBundleSpec(written, "bundle.yaml", "/srv");

it("are added with the workloads that use them, and are no longer excluded", () => {
  expect(spec.extraImages).toEqual([
    { reference: "docker.io/library/busybox:1.36" },
    { reference: ADDED.image, rehearsed: ADDED.rehearsed },
  ]);
  expect(spec.excludedImages.map(({ reference }) => reference)).toEqual(["quay.io/org/other:1"]);
});

it("keep the comments of the spec, and have their own comment", () => {
  for (const comment of ["# of the team", "# none yet", `# ${ADDED.comment}`])
    expect(written).toContain(comment);
});

it("have evidence of the rehearsal", () => {
  const { chosen } = chooseImages([], { ...spec, excludedImages: [] });
  expect(chosen.map(({ evidence }) => evidence)).toMatchObject([
    [{ rule: "spec" }],
    [{ rule: "rehearsed", object: ADDED.rehearsed }],
  ]);
});

it("may be added to a spec that has no images", () => {
  const text = addImages("name: shop\nversion: 1.0.0\ncharts: []\n", [ADDED]);
  expect(parseBundleSpec(text, "bundle.yaml", "/srv").extraImages).toHaveLength(1);
});
