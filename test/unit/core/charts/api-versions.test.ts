// apiVersionsOf: the API versions of definitions.
import { expect, it } from "vitest";
import { apiVersionsOf } from "../../../../src/core/charts/api-versions.js";
import { parseRendered } from "../../../support/rendered.js";

it.each([
  [
    "several versions",
    "  group: example.org\n  names:\n    kind: Thing\n  versions:\n  - name: v1\n  - name: v1beta1\n",
    ["example.org/v1", "example.org/v1/Thing", "example.org/v1beta1", "example.org/v1beta1/Thing"],
  ],
  [
    "the field of v1beta1",
    "  group: example.org\n  names: { kind: Thing }\n  version: v1\n",
    ["example.org/v1", "example.org/v1/Thing"],
  ],
  ["no kind", "  group: example.org\n  versions: [{ name: v1 }]\n", ["example.org/v1"]],
  ["nothing sensible", "  group: [1]\n  versions: none\n", []],
])("reads %s", (_, spec, expected) => {
  const { objects } = parseRendered(
    `---\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: things.example.org\nspec:\n${spec}---\nkind: Pod\nmetadata: { name: x }\n`,
    { chart: "app-1.0.0", release: "app" },
  );

  expect(apiVersionsOf(objects)).toEqual(expected);
});
