// The small charts of ../shared/cases/finding. Each has images in one form, and the expected result
// in expected.txt.
import { existsSync, readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { runCli } from "../../support/cli.js";
import { sharedPath } from "../../support/paths.js";

interface Answer {
  readonly required: readonly string[];
  readonly optional?: readonly string[];
  readonly warnings?: readonly string[];
}

/** The text in expected.txt. */
const ANSWERS: Readonly<Record<string, Answer>> = {
  alternatives: {
    required: [],
    optional: ["docker.io/acme/queue:2.10", "docker.io/acme/queue:2.8.0", "docker.io/acme/queue:2.8.1"],
    warnings: ["image-alternatives"],
  },
  "disabled-part": {
    required: ["docker.io/acme/db:1.0", "docker.io/acme/logs:1.0"],
    optional: ["docker.io/acme/monitor:1.0"],
  },
  "example-text": {
    required: ["docker.io/acme/agent:v1.2.0"],
    optional: ["docker.io/acme/agent:latest", "docker.io/acme/db:9.9", "docker.io/acme/readme:1.0"],
  },
  "flag-in-shell": {
    required: ["reg.example/init:3.0", "reg.example/injector:1.0", "reg.example/sidecar:2.0"],
  },
  "flag-in-shell-args": {
    required: [
      "docker.io/acme/init:3.0",
      "reg.example/injector:1.0",
      "reg.example/quoted:1.0",
      "reg.example/sidecar:2.0",
    ],
  },
  "flag-one-part": {
    required: [
      "docker.io/acme/worker:2",
      "docker.io/library/docker:dind",
      "docker.io/library/redis:7",
      "reg.example/boss:1.0",
    ],
  },
  "init-blamed": {
    required: ["reg.example/git-clone:3", "reg.example/scheduler:1.0"],
    warnings: ["unknown-operator reg.example/scheduler:1.0"],
  },
  "name-tag-cr": { required: ["reg.example/cr-name:1"] },
  "name-tag-map": {
    required: ["reg.example/net-block:1.1", "reg.example/worker64:4.2", "reg.example/worker:4.2"],
  },
  "one-part-elsewhere": {
    required: [
      "docker.io/acme/tool:1",
      "docker.io/library/busybox:1.36",
      "docker.io/library/memcached:1.6",
      "docker.io/library/nginx:1.27",
      "docker.io/library/redis:7.2",
    ],
  },
  "range-any": { required: ["reg.example/sub:1"] },
  "webhook-injector": { required: ["reg.example/inj:1.0"], warnings: ["pod-webhook reg.example/inj:1.0"] },
};

interface Output {
  readonly images: readonly { readonly normalized: string; readonly required: boolean }[];
  readonly warnings: readonly { readonly code: string; readonly images?: readonly string[] }[];
}

const folder = sharedPath("cases/finding");

describe.skipIf(!existsSync(folder))("the cases of finding images", () => {
  it("are all listed here", () => {
    expect(readdirSync(folder).toSorted()).toEqual([...Object.keys(ANSWERS), "unreachable"].toSorted());
  });

  it.each(Object.entries(ANSWERS))("%s", async (name, { required, optional = [], warnings = [] }) => {
    const { code, stdout } = await runCli(["images", sharedPath("cases/finding", name), "--json", "--quiet"]);

    expect(code).toBe(0);
    const output = JSON.parse(stdout) as Output;
    const those = (isRequired: boolean) =>
      output.images.filter((image) => image.required === isRequired).map(({ normalized }) => normalized);
    expect({
      required: those(true),
      optional: those(false),
      warnings: output.warnings.map((warning) => [warning.code, ...(warning.images ?? [])].join(" ")),
    }).toEqual({ required, optional, warnings });
  });

  it("unreachable", async () => {
    const { code, stderr } = await runCli(["images", sharedPath("cases/finding/unreachable"), "--quiet"]);

    expect(code).toBe(2);
    expect(stderr).toContain("https://charts.nowhere.example/ could not be reached (host name");
  });
});
