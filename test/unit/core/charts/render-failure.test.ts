// describeRenderFailure: the template in the output of helm.
import { describe, expect, it } from "vitest";
import { describeRenderFailure } from "../../../../src/core/charts/render-failure.js";

describe("describeRenderFailure", () => {
  it.each([
    [
      "execution error at (app/templates/web.yaml:3:4): image must be set",
      { template: "app/templates/web.yaml:3:4", message: "image must be set" },
    ],
    [
      "YAML parse error on app/charts/db/templates/x.yaml: error converting YAML to JSON: yaml: line 4: oops",
      {
        template: "app/charts/db/templates/x.yaml",
        message: "error converting YAML to JSON: yaml: line 4: oops",
      },
    ],
    [
      "parse error at (app/templates/_helpers.tpl:7): unclosed action",
      { template: "app/templates/_helpers.tpl:7", message: "unclosed action" },
    ],
    [
      'template: app/templates/web.yaml:1:2: executing "app/templates/web.yaml" at <.Values.x.y>: nil pointer',
      {
        template: "app/templates/web.yaml:1:2",
        message: 'executing "app/templates/web.yaml" at <.Values.x.y>: nil pointer',
      },
    ],
    [
      "chart requires kubeVersion: >=1.25.0 which is incompatible with Kubernetes v1.20.0",
      {
        template: undefined,
        message: "chart requires kubeVersion: >=1.25.0 which is incompatible with Kubernetes v1.20.0",
      },
    ],
  ])("reads %s", (text, expected) => {
    expect(describeRenderFailure(text)).toEqual(expected);
  });
});
