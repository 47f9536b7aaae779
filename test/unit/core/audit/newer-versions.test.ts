// Which tags and chart versions are newer, and which are not compared.
import { describe, expect, it } from "vitest";
import { findNewerTags, findNewerVersions } from "../../../../src/core/audit/newer-versions.js";
import { processorMs } from "../../../support/processor-time.js";

describe("newer tags", () => {
  it.each([
    // By level.
    [
      "1.2.3",
      ["1.2.3", "1.2.4", "1.2.10", "1.3.0", "1.10.1", "2.0.0", "10.0.0"],
      { patch: "1.2.10", minor: "1.10.1", major: "10.0.0" },
    ],
    ["2.0.0", ["1.9.9", "2.0.0"], {}],
    ["0.1.0", ["0.1.1", "0.2.0"], { patch: "0.1.1", minor: "0.2.0" }],
    ["1.2.3.4", ["1.2.3.5", "1.2.4.0", "1.3.0.0"], { patch: "1.2.4.0", minor: "1.3.0.0" }],
    ["16", ["17", "9", "16.2"], { major: "17" }],
    // Variants are compared with their like only.
    [
      "1.24-alpine",
      ["1.25", "1.25-alpine", "1.26-perl", "1.27-alpine-slim", "1.28.0-alpine", "alpine"],
      { minor: "1.25-alpine" },
    ],
    ["1.24", ["1.25-alpine", "1.25.1", "1.26"], { minor: "1.26" }],
    ["release-1.2", ["1.3", "release-1.4"], { minor: "release-1.4" }],
    ["ubi9-5.8.9", ["5.9.0", "ubi8-5.9.0", "ubi9-5.8.10"], { patch: "ubi9-5.8.10" }],
    ["1.24-alpine3.18", ["1.24-alpine", "1.25-alpine3.18", "1.25-alpine3.19"], { minor: "1.25-alpine3.18" }],
    ["1.24-alpine3.18", ["1.25-alpine3.19", "1.25-alpine3.20"], { minor: "1.25-alpine3.20" }],
    ["2.0-ubi8", ["2.0-ubi9", "3.0-ubi9"], { major: "3.0-ubi9" }],
    [
      "11.4.1-debian-11-r5",
      ["11.4.1-debian-11-r10", "11.4.2-debian-12-r0"],
      { patch: "11.4.2-debian-12-r0" },
    ],
    [
      "11.4.1-debian-11-r5",
      ["11.4.1-debian-11-r4", "11.4.1-debian-11-r10"],
      { patch: "11.4.1-debian-11-r10" },
    ],
    [
      "17.0.9_9-jre",
      ["17.0.10_7-jre", "21.0.1_12-jre", "21.0.1_12-jdk"],
      { patch: "17.0.10_7-jre", major: "21.0.1_12-jre" },
    ],
    ["v1.28.3-k3s1", ["v1.28.4-k3s2", "v1.29.0-k3s1"], { patch: "v1.28.4-k3s2", minor: "v1.29.0-k3s1" }],
    // A v does not matter, but the spelling of the current tag wins.
    ["v1.2.0", ["1.2.1", "v1.2.1", "1.3.0"], { patch: "v1.2.1", minor: "1.3.0" }],
    ["1.2.0", ["v1.2.0"], {}],
    // Pre-releases count only for pre-releases.
    ["1.2.0", ["1.3.0-rc.1", "1.3.0-beta", "2.0.0-alpha.3", "1.3rc1", "1.2.1-SNAPSHOT", "1.2.1-nightly"], {}],
    ["1.3.0-rc.1", ["1.3.0-rc.2", "1.3.0-beta.9", "1.3.0-alpha.10"], { patch: "1.3.0-rc.2" }],
    ["1.3.0-rc.2", ["1.3.0-rc.10", "1.3.0", "1.4.0-alpha.1"], { patch: "1.3.0", minor: "1.4.0-alpha.1" }],
    ["1.22rc1-alpine", ["1.22rc2-alpine", "1.22-alpine", "1.22rc3"], { patch: "1.22-alpine" }],
    ["3.13.0a1-slim", ["3.13.0a7-slim", "3.13.0b1-slim"], { patch: "3.13.0b1-slim" }],
    ["1.2.0-M1", ["1.2.0-M2"], { patch: "1.2.0-M2" }],
    // What is not a version is not newer.
    [
      "1.2.3",
      [
        "latest",
        "20240115",
        "2024-01-15",
        "2024.01.15",
        "9.9.9-1a2b3c4",
        "v1.2.4-14-g1a2b3c4",
        "1a2b3c4",
        "sha256-0a1b2c3d.sig",
        "sha-1a2b3c4",
        "main-1234",
        "master-9.9.9",
        "RELEASE.2024-01-16T16-07-38Z",
        "2024.1.15",
        "",
      ],
      {},
    ],
    ["16", ["20240115", "2024", "1234567"], {}],
    // Years.
    ["2023.10.2", ["2024.1.0", "2023.11.1", "3.0.0"], { minor: "2023.11.1", major: "2024.1.0" }],
    ["22.04", ["24.04", "20.04", "24.10"], { major: "24.10" }],
    ["9.3-1610", ["9.3-1612", "9.4-949", "9.4"], { patch: "9.3-1612", minor: "9.4-949" }],
  ] as const)("than %s among %j are %j", (current, tags, expected) => {
    expect(findNewerTags(current, tags)).toEqual(expected);
  });

  it.each([
    ...["latest", "alpine", "stable", "20240115", "2024-01-15", "2024.01.15", "1a2b3c4d", "sha-1a2b3c4"],
    ...["main", "main-1234", "nightly-20240115", "v1.2.0-14-g1a2b3c4", "RELEASE.2024-01-16T16-07-38Z"],
  ])("are not known for %s, which is not a version", (current) => {
    expect(findNewerTags(current, ["1.0.0", "2.0.0", "20250101"])).toBeUndefined();
  });

  it("are found among many tags of any form in a moment", () => {
    const tags = Array.from({ length: 20_000 }, (_, index) => `1.${index}.${"1-".repeat(50)}`.slice(0, 128));
    const computed = processorMs(() => {
      expect(findNewerTags("1.2.3", [...tags, "1.9.0"])).toEqual({ minor: "1.9.0" });
    });
    expect(computed).toBeLessThan(1_500);
  });
});

describe("newer chart versions", () => {
  it.each([
    [
      "25.8.0",
      ["25.8.1", "25.10.0", "26.0.0", "25.11.0-rc.1"],
      { patch: "25.8.1", minor: "25.10.0", major: "26.0.0" },
    ],
    ["v1.2.0", ["1.2.1", "v1.3.0"], { patch: "1.2.1", minor: "v1.3.0" }],
    ["1.0.0-rc.1", ["1.0.0-rc.2", "1.0.0"], { patch: "1.0.0" }],
    ["1.0.0+one", ["1.0.0+two", "not-a-version", "0.9.0"], {}],
  ] as const)("than %s among %j are %j", (current, versions, expected) => {
    expect(findNewerVersions(current, versions)).toEqual(expected);
  });

  it("are not known for what is not a semantic version", () => {
    expect(findNewerVersions("latest", ["1.0.0"])).toBeUndefined();
  });
});
