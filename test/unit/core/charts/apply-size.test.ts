// The size of definitions in the annotation of kubectl apply.
import { expect, it } from "vitest";
import { APPLY_LIMIT_BYTES, findApplyExcess } from "../../../../src/core/charts/apply-size.js";
import { renderedFacts } from "../../../../src/core/charts/rendered-facts.js";
import { parseRendered } from "../../../support/rendered.js";

/** A definition in the style of controller-gen with this number of fields. */
function definitionOf(fields: number): string {
  const properties = Array.from(
    { length: fields },
    (_, index) => `                field${index}:
                  description: |-
                    The value is passed to the program as it is, see <https://example.org/${index}> &
                    the "documentation" of the program.
                  type: string
`,
  );
  return `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: widgets.example.org
spec:
  group: example.org
  names:
    kind: Widget
  versions:
    - name: v1
      schema:
        openAPIV3Schema:
          properties:
            spec:
              properties:
${properties.join("")}`;
}

function annotationBytes(fields: number): number {
  const properties = Object.fromEntries(
    Array.from({ length: fields }, (_, index) => [
      `field${index}`,
      {
        description: `The value is passed to the program as it is, see <https://example.org/${index}> &\nthe "documentation" of the program.`,
        type: "string",
      },
    ]),
  );
  const json = JSON.stringify({
    ...{ apiVersion: "apiextensions.k8s.io/v1", kind: "CustomResourceDefinition" },
    metadata: { name: "widgets.example.org" },
    spec: {
      ...{ group: "example.org", names: { kind: "Widget" } },
      versions: [{ name: "v1", schema: { openAPIV3Schema: { properties: { spec: { properties } } } } }],
    },
  });
  return json.replaceAll(/[<>&]/g, "\\u00xx").length;
}

it("is found when it is over the limit, and about right", () => {
  const bytes = findApplyExcess(definitionOf(2000)) ?? 0;

  expect(annotationBytes(2000)).toBeGreaterThan(APPLY_LIMIT_BYTES);
  expect(Math.abs(bytes / annotationBytes(2000) - 1)).toBeLessThan(0.15);
  expect(findApplyExcess(definitionOf(1000))).toBeUndefined();
});

it("is exact near the limit", () => {
  // Fields with equally long numbers add equally many bytes.
  const perField = (annotationBytes(1200) - annotationBytes(1100)) / 100;
  const fields = 1100 + Math.floor((APPLY_LIMIT_BYTES - annotationBytes(1100)) / perField);

  expect(findApplyExcess(definitionOf(fields))).toBeUndefined();
  expect(findApplyExcess(definitionOf(fields + 1))).toBe(annotationBytes(fields + 1));
});

it("is a fact about the rendered objects", () => {
  const from = { chart: "app-1.0.0", release: "app" };
  const text = `---\n# Source: app/crds/a.yaml\n${definitionOf(2000)}---\n# Source: app/crds/b.yaml\n${definitionOf(10)}`;
  const { largeDefinitions } = renderedFacts(parseRendered(text, from).objects);

  expect(largeDefinitions).toEqual([
    {
      object: "CustomResourceDefinition widgets.example.org",
      chart: "app-1.0.0",
      bytes: findApplyExcess(definitionOf(2000)),
    },
  ]);
});
