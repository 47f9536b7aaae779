// What the audit reads of rendered objects.
import { expect, it } from "vitest";
import { renderedFacts } from "../../../../src/core/charts/rendered-facts.js";
import { parseRendered } from "../../../support/rendered.js";

const { objects } = parseRendered(
  `
apiVersion: v1
kind: Pod
metadata: { name: b, namespace: shop }
spec:
  containers: [{ image: "app:1" }, { image: busybox }]
---
apiVersion: v1
kind: Pod
metadata: { name: a }
spec: { containers: [{ image: "app:1", imagePullPolicy: Always }] }
---
apiVersion: batch/v1beta1
kind: CronJob
metadata: { name: c }
`,
  { chart: "app-1.0.0", release: "app" },
);

it("counts API versions and names the first object of each", () => {
  expect(renderedFacts(objects).apis).toEqual([
    { apiVersion: "batch/v1beta1", kind: "CronJob", objects: 1, first: "CronJob c" },
    { apiVersion: "v1", kind: "Pod", objects: 2, first: "Pod shop/b" },
  ]);
});

it("lists pull policies that need a network", () => {
  expect(renderedFacts(objects).alwaysPulled).toEqual([
    { object: "Pod shop/b", path: "spec.containers[1].imagePullPolicy", image: "busybox", implied: true },
    { object: "Pod a", path: "spec.containers[0].imagePullPolicy", image: "app:1", implied: false },
  ]);
});
