// Versions in image tags, and the ranges that contain them.
import { describe, expect, it } from "vitest";
import { isInRange, readTagVersion } from "../../../../src/core/finding/tag-range.js";

describe("readTagVersion", () => {
  it.each([
    ["v1.42.3", "", "1.42.3"],
    ["7.1.1", "", "7.1.1"],
    ["1.30", "", "1.30.0"],
    ["edge-25.1.1", "edge-", "25.1.1"],
    ["stable-2.14.10", "stable-", "2.14.10"],
    ["v2024.05.01", "", "2024.5.1"],
    ["v1beta2-1.3.8-3.1.1", "v1beta2-", "1.3.8"],
    // Variants and rebuilds of a release.
    ["v1.9.1-ubi8", "", "1.9.1"],
    ["v1.42.3-rke2r1", "", "1.42.3"],
    ["1.26.2-distroless", "", "1.26.2"],
    ["2.8.4-debian-12-r0", "", "2.8.4"],
    ["ubi9-5.8.9-0", "", "5.8.9"],
    ["1.5.1-mainline", "", "1.5.1"],
    // Tags that are older than the release.
    ["v1.9.0-rc.0", "", "1.9.0-rc.0"],
    ["v1.26.0-rc1", "", "1.26.0-rc1"],
    ["1.0.0-SNAPSHOT", "", "1.0.0-SNAPSHOT"],
    ["v0.80.0-beta.02", "", "0.80.0-beta.2"],
    ["3.0.0.alpha1", "", "3.0.0-alpha1"],
  ])("reads %s", (tag, prefix, version) => {
    expect(readTagVersion(tag)).toEqual({ prefix, version });
  });

  it.each([
    "latest",
    "master",
    "v1",
    "RELEASE.2025-04-08T15-41-24Z",
    "v1.5.0-12-g1a2b3c4d",
    "1e50889b",
    undefined,
  ])("finds no version in %s", (tag) => {
    expect(readTagVersion(tag)).toBeUndefined();
  });
});

describe("isInRange", () => {
  it.each([
    ["1.42.0", ">=1.42.0 <1.43.0", true],
    ["1.43.0-rc.1", ">=1.42.0 <1.43.0", false],
    ["1.42.0-rc.1", ">=1.42.0 <1.43.0", false],
    ["1.42.5-rc.1", ">=1.42.0 <1.43.0", true],
    ["1.43.0-rc.1", ">=1.42.0 <=1.42.9", false],
    ["1.43.0-rc.1", ">=1.43.0-rc.0 <=1.43.0", true],
    ["1.8.3", "1.8.3", true],
    ["1.8.4", "1.8.3", false],
    ["1.9.0-rc.1", "<1.9.0-rc.2", true],
  ])("%s in %s: %s", (version, range, expected) => {
    expect(isInRange(version, range)).toBe(expected);
  });
});
