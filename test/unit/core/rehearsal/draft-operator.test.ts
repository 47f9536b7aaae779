// Drafts of rules for the knowledge base, from the observations of a rehearsal.
import { describe, expect, it } from "vitest";
import { parseOperatorRule } from "../../../../src/core/finding/operator-rules.js";
import { draftOperators } from "../../../../src/core/rehearsal/draft-operator.js";
import type { MissingInRehearsal } from "../../../../src/core/rehearsal/verdict.js";
import { named } from "../../../support/image-use.js";

const OCCASION = { kubeVersion: "v1.30.2", date: "2026-11-25T12:00:00.000Z" };
const RESOURCE = { group: "acme.example", kind: "Orchestra" };

const inventory = (
  ...operators: readonly string[]
): { name: string; version: string; warnings: object[] } => ({
  name: "acme",
  version: "1.0.0",
  warnings: operators.map((image) => ({
    code: "unknown-operator",
    message: "",
    object: "Deployment runner",
    images: [image],
    incomplete: true,
  })),
});
const missing = (normalized: string, more: Partial<MissingInRehearsal> = {}): MissingInRehearsal => ({
  reference: normalized,
  normalized: named(normalized),
  usedBy: [],
  owners: ["DaemonSet acme/players", "Orchestra acme/first"],
  operator: "conductor",
  resource: RESOURCE,
  ...more,
});
const draft = (
  operators: readonly string[],
  ...images: readonly MissingInRehearsal[]
): ReturnType<typeof draftOperators> =>
  draftOperators(inventory(...operators) as Parameters<typeof draftOperators>[0], images, OCCASION);

describe("a drafted entry", () => {
  it("is valid in the knowledge base", () => {
    const [entry, ...others] = draft(
      ["registry.example/acme/conductor:v1.2"],
      missing("docker.io/acme/player:v1.2"),
      missing("docker.io/library/busybox:1.36"),
      missing("quay.io/acme/sidecar:3", { resource: undefined } as never),
    );

    expect(others).toEqual([]);
    expect(entry?.id).toBe("conductor");
    expect(parseOperatorRule(entry?.yaml ?? "", "conductor.yaml")).toMatchObject({
      id: "conductor",
      repository: "acme/conductor",
      releases: [{ tags: "1.2.0" }],
      images: [
        { reference: "acme/player:{operator.tag}", when: [RESOURCE] },
        { reference: "busybox:1.36", when: [RESOURCE] },
        { reference: "quay.io/acme/sidecar:3" },
      ],
    });
  });

  it("is for the operator with the name of the creator, when there are several", () => {
    const operators = ["quay.io/other/thing:1", "registry.example/acme/conductor:1.0"];
    expect(draft(operators, missing("docker.io/acme/player:2"))[0]?.id).toBe("conductor");
  });

  it("is created for each creator", () => {
    const entries = draft(
      ["quay.io/other/second:1", "registry.example/acme/conductor:1.0"],
      missing("docker.io/acme/player:2"),
      missing("docker.io/other/worker:2", { operator: "second" }),
    );
    expect(entries.map(({ id }) => id).sort()).toEqual(["conductor", "second"]);
  });

  it("is not created when every operator is known, or when no operator started the image", () => {
    expect(draft([], missing("docker.io/acme/player:2"))).toEqual([]);
    const plain = { reference: "x", normalized: named("x:1"), usedBy: [], owners: ["Job acme/x"] };
    expect(draft(["registry.example/acme/conductor:1.0"], plain)).toEqual([]);
  });
});
