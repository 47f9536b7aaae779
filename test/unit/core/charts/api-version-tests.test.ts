// Which API versions templates test for: literals are known, everything else means any.
import { describe, expect, it } from "vitest";
import { canChange, readApiVersionTests } from "../../../../src/core/charts/api-version-tests.js";

describe("templates", () => {
  it("that test for literals give these", () => {
    const text = [
      '{{ if .Capabilities.APIVersions.Has "a.example/v1" }}',
      '{{- if and ($.Capabilities.APIVersions.Has "b.example/v1/Kind") .Values.on -}}',
      '{{ if (.Capabilities.APIVersions.Has `c.example/v1`) }}{{ $c.APIVersions.Has ("d.example/v1") }}',
    ].join("\n");

    expect(readApiVersionTests([text, "no tests"])).toEqual([
      "a.example/v1",
      "b.example/v1/Kind",
      "c.example/v1",
      "d.example/v1",
    ]);
  });

  it.each([
    "{{ .Capabilities.APIVersions.Has .Values.version }}",
    '{{ .Capabilities.APIVersions.Has (printf "%s/v1" .group) }}',
    '{{ has "a/v1" .Capabilities.APIVersions }}',
    '{{ index .Capabilities "APIVersions" }}',
    "{{ $versions := .Capabilities.APIVersions }}",
    '{{ .Capabilities.APIVersions | join "," }}',
  ])("may test for any in %s", (text) => {
    expect(readApiVersionTests([text])).toBe("any");
  });

  it("test for none in comments", () => {
    expect(
      readApiVersionTests(["{{- /* .Capabilities.APIVersions */ -}} text", "# APIVersions of the API"]),
    ).toEqual([]);
  });
});

it("definitions change the output only when something tests for them", () => {
  expect(canChange(["a.example/v1"], ["a.example/v1", "a.example/v1/Kind"])).toBe(true);
  expect(canChange(["a.example/v1/Other"], ["a.example/v1", "a.example/v1/Kind"])).toBe(false);
  expect(canChange([], ["a.example/v1"])).toBe(false);
  expect(canChange("any", ["a.example/v1"])).toBe(true);
  expect(canChange("any", [])).toBe(false);
});
