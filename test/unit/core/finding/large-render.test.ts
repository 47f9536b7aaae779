// Rendered output of 17 MB: text in ConfigMaps, thousands of custom resources and workloads, and
// their operators.
import { join } from "node:path";
import { expect, it } from "vitest";
import { indexOperators } from "../../../../src/core/finding/operator-index.js";
import { loadOperators } from "../../../../src/adapters/files/read-operators.js";
import { parseRendered } from "../../../support/rendered.js";
import { findImages } from "../../../../src/core/finding/find-images.js";
import { ROOT } from "../../../support/paths.js";

const repeat = (count: number, of: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => of(index)).join("");

const RESOURCES = 500;
const OPERATORS = 200;

/** A script and a document. One in ten contains an image. */
const configMap = (index: number): string => `---
# Source: app/templates/config.yaml
apiVersion: v1
kind: ConfigMap
metadata: { name: config-${index} }
data:
  values.yaml: |
    ${index % 10 === 0 ? `image: quay.io/org/helper-${index % 100}:v1` : "name: none"}
    text: ${"a long line of what somebody wrote ".repeat(40)}
  run.sh: |
${`    echo "one line of a script for the image" > /tmp/file.log\n`.repeat(500)}`;

const resource = (index: number): string => `---
# Source: app/templates/resource.yaml
apiVersion: example.org/v1
kind: Thing
metadata: { name: thing-${index} }
spec:
  sidecarImage: quay.io/org/sidecar-${index % 50}:v2
  items:
${repeat(30, (item) => `    - { name: item-${item}, level: ${item}, text: "what it is for" }\n`)}`;

const workload = (index: number): string => `---
# Source: app/templates/workload.yaml
apiVersion: apps/v1
kind: Deployment
metadata: { name: app-${index} }
spec:
  template:
    spec:
      serviceAccountName: app-${index}
      containers: [{ name: main, image: "quay.io/org/app-${index % 100}:v3", args: [--a-image=quay.io/org/a:v4] }]
---
# Source: app/templates/rights.yaml
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: { name: app-${index}, labels: { part: "${index}" } }
rules: [{ apiGroups: [apps], resources: [deployments], verbs: [create] }]
---
# Source: app/templates/rights.yaml
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: { name: app-${index} }
roleRef: { kind: ClusterRole, name: app-${index} }
subjects: [{ kind: ServiceAccount, name: app-${index} }]
`;

const operator = (index: number): string => `---
# Source: app/templates/operator.yaml
apiVersion: apps/v1
kind: Deployment
metadata: { name: operator-${index} }
spec: { template: { spec: { containers: [{ name: a, image: "grafana/agent-operator:v0.39.1" }] } } }
`;

it("is parsed and searched completely", async () => {
  const operators = await loadOperators([join(ROOT, "manifests/operators")]);
  const text =
    repeat(RESOURCES, (index) => configMap(index) + resource(index) + workload(index)) +
    repeat(OPERATORS, operator) +
    "---\napiVersion: monitoring.grafana.com/v1alpha1\nkind: GrafanaAgent\nmetadata: { name: logs }\n";
  expect(text.length).toBeGreaterThan(17_000_000);

  const { objects, warnings } = parseRendered(text, { chart: "app-1.0.0", release: "app" });
  const findings = findImages(objects, { operators: indexOperators(operators) });

  expect(warnings).toEqual([]);
  expect(objects).toHaveLength(RESOURCES * 5 + OPERATORS + 1);
  // 10 in ConfigMaps, 50 in custom resources, 100 in workloads, one in a flag, the operator and its
  // two.
  expect(findings.images).toHaveLength(10 + 50 + 100 + 1 + 3);
  expect(findings.warnings).toHaveLength(RESOURCES);
});
