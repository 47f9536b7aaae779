// What the evidence says about who runs an image: labels, release, and what operators create.
import { expect, it } from "vitest";
import { findImages } from "../../../../src/core/finding/find-images.js";
import { indexOperators } from "../../../../src/core/finding/operator-index.js";
import { parseOperatorRule } from "../../../../src/core/finding/operator-rules.js";
import type { Evidence } from "../../../../src/core/images/image-use.js";
import { parseRendered } from "../../../support/rendered.js";

const RULE = parseOperatorRule(
  `
id: db-operator
name: DB operator
sources: [a test]
repository: acme/db-operator
releases: [{ tags: ">=1.0.0" }]
images:
  - { reference: "acme/db:{spec.version}", when: [{ group: acme.example, kind: Database }] }
workloads:
  - { group: acme.example, kind: Database, runs: StatefulSet, component: db, flags: [reloader-image], has: spec.disk }
  - { group: acme.example, kind: Database, runs: Deployment, component: db, has: spec.memory }
`,
  "db-operator.yaml",
);

const OBJECTS = `
# Source: app/templates/operator.yaml
apiVersion: apps/v1
kind: Deployment
metadata: { name: operator, namespace: apps, labels: { app.kubernetes.io/name: db-operator } }
spec:
  template:
    spec:
      containers:
        - { image: "acme/db-operator:1.0.0", args: ["--reloader-image=acme/reloader:2", "--tool-image=acme/tool:3"] }
---
# Source: app/templates/databases.yaml
apiVersion: acme.example/v1
kind: Database
metadata: { name: main, namespace: apps, labels: { app.kubernetes.io/name: shop } }
spec: { version: "16", disk: 1Gi }
---
# Source: app/templates/databases.yaml
apiVersion: acme.example/v1
kind: Database
metadata: { name: cache, namespace: apps }
spec: { version: "17", memory: 1Gi, image: "acme/own:1" }
---
# Source: app/templates/job.yaml
apiVersion: batch/v1
kind: CronJob
metadata: { name: backup }
spec:
  jobTemplate:
    spec:
      template:
        metadata: { labels: { app.kubernetes.io/name: backup, app.kubernetes.io/component: dump } }
        spec: { containers: [{ image: "acme/backup:1" }] }
`;

function evidenceOf(image: string): Evidence | undefined {
  const { objects } = parseRendered(OBJECTS, { chart: "app-1.0.0", release: "web" });
  const { images } = findImages(objects, { operators: indexOperators([RULE]) });
  return images.find(({ normalized }) => normalized === `docker.io/acme/${image}`)?.evidence[0];
}

it("has the release, and the recommended labels of the object or of its Pods", () => {
  expect(evidenceOf("db-operator:1.0.0")).toMatchObject({ release: "web", labels: { name: "db-operator" } });
  expect(evidenceOf("backup:1")?.labels).toEqual({ name: "backup", component: "dump" });
  expect(evidenceOf("backup:1")).not.toHaveProperty("workloads");
});

it("has what the operator creates for a resource", () => {
  expect(evidenceOf("db:16")?.workloads).toEqual([
    {
      kind: "StatefulSet",
      component: "db",
      object: "Database apps/main",
      template: "app/templates/databases.yaml",
      release: "web",
      labels: { name: "shop" },
    },
  ]);
  expect(evidenceOf("own:1")?.workloads?.map(({ kind, object }) => [kind, object])).toEqual([
    ["Deployment", "Database apps/cache"],
  ]);
});

it("has the resources whose Pods run the image of a flag of the operator", () => {
  expect(evidenceOf("reloader:2")).toMatchObject({
    object: "Deployment apps/operator",
    workloads: [{ kind: "StatefulSet", object: "Database apps/main" }],
  });
  expect(evidenceOf("tool:3")).not.toHaveProperty("workloads");
});
