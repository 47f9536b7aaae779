// Registries that become unreachable during a build are reported once.
import { describe, expect, it } from "vitest";
import { LostRegistries } from "../../../../src/adapters/bundle-file/lost-registries.js";
import { ConnectionFailure } from "../../../../src/adapters/http/client.js";
import type { BlobSource } from "../../../../src/core/images/resolved-image.js";
import { ViolaError } from "../../../../src/errors.js";

const of = (...registries: readonly string[]): { readonly sources: readonly BlobSource[] } => ({
  sources: registries.map((registry) => ({ kind: "registry", registry, repository: "a/b" })),
});
const connection = (message: string): ConnectionFailure =>
  new ConnectionFailure(new URL("http://quay.io/"), new Error(message));
const unavailable = (subject: string, cause: unknown = connection("refused")): ViolaError =>
  new ViolaError("REGISTRY_UNAVAILABLE", `${subject} could not be fetched`, { subject, cause });

describe("a registry that becomes unreachable", () => {
  it("gives the same error for every blob that only it has", () => {
    const lost = new LostRegistries();
    const first = lost.record(of("quay.io"), unavailable("one"));
    expect(first).toMatchObject({ code: "REGISTRY_UNAVAILABLE", subject: "one" });
    expect(lost.record(of("quay.io"), unavailable("two"))).toBe(first);
    expect(lost.findLoss(of("quay.io"))).toBe(first);
  });

  it("does not keep a blob from being fetched elsewhere", () => {
    const lost = new LostRegistries();
    lost.record(of("quay.io"), unavailable("one"));
    expect(lost.findLoss(of("quay.io", "ghcr.io"))).toBeUndefined();
    expect(lost.findLoss(of("ghcr.io"))).toBeUndefined();
    expect(lost.findLoss(of())).toBeUndefined();
  });
});

it.each([
  ["a response", unavailable("one", new Error("503"))],
  ["a wrong digest", new ViolaError("DIGEST_MISMATCH", "one does not match its digest")],
  ["a bug", new TypeError("bug")],
])("%s loses no registry", (_, error) => {
  const lost = new LostRegistries();
  expect(lost.record(of("quay.io"), error)).toBe(error);
  expect(lost.findLoss(of("quay.io"))).toBeUndefined();
});
