// The origin of an image.
import { expect, it } from "vitest";
import { explainImage } from "../../../../src/core/finding/explain-image.js";
import { findIn } from "./find.js";

const FOUND = findIn(`
apiVersion: v1
kind: Pod
metadata: { name: app }
spec: { containers: [{ image: "example.org/app:1" }, { image: "example.org/other:1" }, { image: busybox }] }
---
apiVersion: v1
`);
const SUSPECT = {
  reference: "example.org/app:2",
  repository: "example.org/app",
  tag: "2",
  certainty: "exact",
  rule: "constant",
  offset: 0,
  because: "it says so",
  operator: "Deployment x",
  operatorImage: "example.org/operator:1",
  file: "bin/operator",
} as const;

it("finds the image by any spelling, with the warnings of the whole list", () => {
  expect(explainImage("docker.io/library/busybox:latest", FOUND, undefined)).toMatchObject({
    wanted: "docker.io/library/busybox:latest",
    images: [{ normalized: "docker.io/library/busybox:latest" }],
    warnings: [{ code: "template-unreadable" }],
  });
});

it("returns other tags of the repository when the image is not used", () => {
  const answer = explainImage("example.org/app:3", FOUND, [SUSPECT]);

  expect(answer).toMatchObject({
    images: [],
    suspects: [],
    near: ["example.org/app:1", "example.org/app:2"],
  });
});

it("returns the programs that contain its name", () => {
  expect(explainImage("example.org/app:2", FOUND, [SUSPECT])).toMatchObject({
    images: [],
    suspects: [{ operator: "Deployment x" }],
    near: ["example.org/app:1"],
  });
});
