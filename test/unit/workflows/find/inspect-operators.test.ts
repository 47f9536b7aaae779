// Versions from operators' programs: what is resolved, what stays a warning and why, and what is asked
// and read only once.
import { describe, expect, it } from "vitest";
import type { ProgramFile } from "../../../../src/core/finding/program/program-file.js";
import type { ReadPrograms } from "../../../../src/core/finding/program/remembered.js";
import type { Findings, UnresolvedImage } from "../../../../src/core/images/image-use.js";
import { OCI_MANIFEST } from "../../../../src/core/oci/descriptor.js";
import { digestOf } from "../../../../src/core/oci/digest.js";
import { ViolaError } from "../../../../src/errors.js";
import { inspectOperators, type InspectPorts } from "../../../../src/workflows/find/inspect-operators.js";
import { makeElf, type ElfOptions } from "../../core/finding/program/elf-file.js";

const OPERATOR = "quay.io/acme/operator:v9.0.0";
const PLATFORM = { os: "linux", architecture: "amd64" };
const run = { signal: new AbortController().signal, progress: () => undefined };

function unresolved(repository: string, more: Partial<UnresolvedImage> = {}): UnresolvedImage {
  const evidence = {
    rule: "operator:acme",
    chart: "acme-1.0.0",
    template: "acme/templates/worker.yaml",
    object: "Worker w",
    path: "spec",
    value: repository,
    because: "Acme operator starts it for Worker w",
  };
  return { repository, operatorImage: OPERATOR, required: true, evidence, ...more };
}

function findingsOf(...open: readonly UnresolvedImage[]): Findings {
  const warning = {
    code: "operator-tag-unverified",
    message: "unknown",
    object: "Deployment operator",
    images: [OPERATOR],
    incomplete: true,
  };
  return { images: [], unresolved: open, warnings: [warning] };
}

interface World {
  readonly programs: readonly ProgramFile[];
  readonly existing?: readonly string[];
  readonly hasImage?: InspectPorts["programs"]["hasImage"];
}

function portsFor({ programs, existing = [], hasImage }: World) {
  const memory = new Map<string, ReadPrograms>();
  const log: string[] = [];
  const descriptor = { mediaType: OCI_MANIFEST, digest: digestOf("m"), size: 1 };
  const ports: InspectPorts = {
    images: {
      resolveImage: (use) =>
        Promise.resolve({
          use,
          names: [],
          root: descriptor,
          manifests: [],
          platforms: [{ platform: PLATFORM, manifest: descriptor, config: descriptor, layers: [] }],
          sources: new Map(),
          rebuilt: false,
        }),
      readBlob: () => Promise.reject(new Error("not used")),
      readBlobTail: () => Promise.resolve(undefined),
    },
    programs: {
      readPrograms: async function* () {
        log.push("read");
        await Promise.resolve();
        yield* programs;
      },
      hasImage: (reference, signal) => {
        log.push(reference);
        return hasImage?.(reference, signal) ?? Promise.resolve(existing.includes(reference));
      },
    },
    memory: {
      recall: (key) => Promise.resolve(memory.get(key)),
      remember: (key, found) => Promise.resolve(void memory.set(key, found)),
    },
    imageConcurrency: 2,
  };
  return { ports, log };
}

const program = (wish: ElfOptions): ProgramFile => ({
  path: "manager",
  bytes: makeElf(wish),
  isEntrypoint: true,
});
const variables = (...strings: readonly string[]): ProgramFile =>
  program({ strings: [...strings, "reflect"], headers: strings });
const inspect = (findings: Findings, ports: InspectPorts) =>
  inspectOperators(run, findings, { platforms: [PLATFORM] }, ports);

describe("a version of the program", () => {
  it("that the registry confirms is certain, with its place as evidence, and settles the warning", async () => {
    const { ports } = portsFor({
      programs: [variables("quay.io/acme/worker:v1.2.3")],
      existing: ["quay.io/acme/worker:v1.2.3"],
    });

    const { findings } = await inspect(findingsOf(unresolved("quay.io/acme/worker")), ports);

    expect(findings).toMatchObject({
      images: [
        {
          normalized: "quay.io/acme/worker:v1.2.3",
          required: true,
          confidence: "certain",
          evidence: [
            { rule: "operator:acme", object: "Worker w", value: "quay.io/acme/worker:v1.2.3" },
            { rule: "program", object: "Deployment operator", path: `${OPERATOR} /manager` },
          ],
        },
      ],
      warnings: [],
    });
    expect(findings.unresolved).toBeUndefined();
  });

  it("is that of the first variable that the operator's image sets, before what programs contain", async () => {
    const open = unresolved("quay.io/acme/worker", { variables: ["WORKER_VERSION", "DEFAULT_VERSION"] });
    const { ports } = portsFor({
      programs: [
        {
          path: "environment",
          bytes: Buffer.from("PATH=/bin\nDEFAULT_VERSION=2.0.0\nWORKER_VERSION=24.6.1\n"),
          isEntrypoint: false,
          isEnvironment: true,
        },
        variables("quay.io/acme/worker:v1.2.3"),
      ],
      existing: ["24.6.1", "2.0.0", "v1.2.3"].map((tag) => `quay.io/acme/worker:${tag}`),
    });

    expect((await inspect(findingsOf(open), ports)).findings).toMatchObject({
      images: [{ normalized: "quay.io/acme/worker:24.6.1", confidence: "certain" }],
      warnings: [],
    });
  });

  it("in the variables of an image without a readable program leaves the warning about the program", async () => {
    const open = unresolved("quay.io/acme/worker", { variables: ["WORKER_VERSION"] });
    const { ports } = portsFor({
      programs: [
        {
          path: "environment",
          bytes: Buffer.from("WORKER_VERSION=1.0\nRELATED_IMAGE_SIDE=quay.io/acme/side:2.0"),
          isEntrypoint: false,
          isEnvironment: true,
        },
      ],
      existing: ["quay.io/acme/worker:1.0"],
    });

    expect(await inspect(findingsOf(open), ports)).toMatchObject({
      findings: {
        images: [{ normalized: "quay.io/acme/worker:1.0" }],
        warnings: [{ code: "operator-not-inspected" }],
      },
      suspects: [{ reference: "quay.io/acme/side:2.0", certainty: "exact" }],
    });
  });

  it("of an image that no rendered object asks for leaves it optional", async () => {
    const { ports } = portsFor({
      programs: [variables("v1.0.0", "quay.io/acme/worker")],
      existing: ["quay.io/acme/worker:v1.0.0"],
    });

    const { findings } = await inspect(
      findingsOf(unresolved("quay.io/acme/worker", { required: false })),
      ports,
    );

    expect(findings.images).toMatchObject([{ required: false, confidence: "certain" }]);
  });

  it("is that of the operator where other releases have it so and the program has the name", async () => {
    const open = unresolved("docker.io/acme/worker", { expectedTag: "v9.0.0" });
    const { ports } = portsFor({
      programs: [variables("acme/worker")],
      existing: ["docker.io/acme/worker:v9.0.0"],
    });

    expect((await inspect(findingsOf(open), ports)).findings.images).toMatchObject([
      { normalized: "docker.io/acme/worker:v9.0.0" },
    ]);
  });

  it("is the one beside the name rather than that of a module, and never a tag that moves", async () => {
    const strings = [
      "v0.67.1",
      "quay.io/acme/worker",
      "quay.io/acme/worker:v",
      "quay.io/acme/worker:latest",
      "end",
    ];
    const { ports } = portsFor({
      programs: [
        program({
          strings,
          headers: [strings[0], strings[1], undefined, strings[3]],
          constants: [strings[2]!],
          goModules:
            "path\texample.org/op\nmod\texample.org/op\tv1.0.0\ndep\tgithub.com/acme/api\tv0.66.0\th1:x\n",
        }),
      ],
      existing: ["v0.67.1", "v0.66.0", "latest"].map((tag) => `quay.io/acme/worker:${tag}`),
    });

    expect(
      (await inspect(findingsOf(unresolved("quay.io/acme/worker")), ports)).findings.images,
    ).toMatchObject([{ normalized: "quay.io/acme/worker:v0.67.1" }]);
  });

  it("of an image that the program composes is the operator's, where the program has its last component", async () => {
    const open = unresolved("quay.io/acme/virt-api", { expectedTag: "v9.0.0" });
    const { ports } = portsFor({
      programs: [variables("virt-api")],
      existing: ["quay.io/acme/virt-api:v9.0.0"],
    });

    expect(await inspect(findingsOf(open), ports)).toMatchObject({
      findings: { images: [{ normalized: "quay.io/acme/virt-api:v9.0.0" }] },
      suspects: [],
    });
  });

  it("is found under another registry, and under the last component alone", async () => {
    const open = [unresolved("mirror.example/calico/node"), unresolved("mirror.example/acme/worker")];
    const { ports } = portsFor({
      programs: [
        program({
          strings: ["node", "v3.31.0", "quay.io/acme/worker", "v2.0.0", "reflect"],
          headers: ["node", "v3.31.0", undefined, "quay.io/acme/worker", "v2.0.0"],
        }),
      ],
      existing: ["mirror.example/calico/node:v3.31.0", "mirror.example/acme/worker:v2.0.0"],
    });

    expect(
      (await inspect(findingsOf(...open), ports)).findings.images.map(({ normalized }) => normalized),
    ).toEqual(["mirror.example/acme/worker:v2.0.0", "mirror.example/calico/node:v3.31.0"]);
  });

  it("is the appVersion of a chart in the image whose values give none", async () => {
    const document = (path: string, text: string): ProgramFile => ({
      path: `opt/charts/worker/${path}`,
      bytes: Buffer.from(text),
      isEntrypoint: false,
    });
    const values =
      "image: { registry: docker.io, repository: acme/worker, tag: null }\nother: { image: { repository: acme/set, tag: v1 } }\n";
    const { ports } = portsFor({
      programs: [
        document("values.yaml", values),
        document("Chart.yaml", "name: worker\nappVersion: v1.10.1\n"),
      ],
      existing: ["docker.io/acme/worker:v1.10.1", "docker.io/acme/set:v1.10.1"],
    });

    const { findings } = await inspect(findingsOf(unresolved("docker.io/acme/worker")), ports);

    expect(findings.images).toMatchObject([
      {
        normalized: "docker.io/acme/worker:v1.10.1",
        evidence: [{}, { path: `${OPERATOR} /opt/charts/worker/values.yaml` }],
      },
    ]);
  });

  it("may be any of its versions: the first that the registry has", async () => {
    const { ports } = portsFor({
      programs: [
        program({
          strings: ["quay.io/acme/worker", "v9.9.9", "v3.0.0", "v2.0.0", "reflect"],
          headers: ["quay.io/acme/worker", undefined, "v9.9.9", undefined, "v3.0.0", undefined, "v2.0.0"],
        }),
      ],
      existing: ["quay.io/acme/worker:v3.0.0", "quay.io/acme/worker:v2.0.0"],
    });

    expect(
      (await inspect(findingsOf(unresolved("quay.io/acme/worker")), ports)).findings.images,
    ).toMatchObject([{ normalized: "quay.io/acme/worker:v3.0.0" }]);
  });
});

describe("an image stays unresolved, with a warning that says why", () => {
  const worker = unresolved("quay.io/acme/worker");
  it.each<[string, World, RegExp]>([
    [
      "that the program does not name",
      { programs: [variables("v1.0.0", "quay.io/other/a")] },
      /does not contain/,
    ],
    [
      "of which it names several versions",
      {
        programs: [variables("quay.io/acme/worker:v1.0.0", "quay.io/acme/worker:v2.0.0")],
        existing: ["quay.io/acme/worker:v1.0.0", "quay.io/acme/worker:v2.0.0"],
      },
      /several versions.*v1\.0\.0.*v2\.0\.0/,
    ],
    ["that the registry does not have", { programs: [variables("quay.io/acme/worker:v1.0.0")] }, /has none/],
    [
      "whose registry denies access",
      { programs: [variables("quay.io/acme/worker:v1.0.0")], hasImage: () => Promise.resolve(undefined) },
      /does not say/,
    ],
  ])("%s", async (_, world, reason) => {
    const { ports } = portsFor(world);

    const { findings } = await inspect(findingsOf(worker), ports);

    expect(findings.images).toEqual([]);
    expect(findings.unresolved).toEqual([worker]);
    expect(findings.warnings).toMatchObject([
      { code: "operator-tag-unverified" },
      {
        code: "operator-version-unknown",
        message: expect.stringMatching(reason) as string,
        incomplete: true,
      },
    ]);
  });

  it("when the registry cannot be reached, which is asked only once", async () => {
    const { ports, log } = portsFor({
      programs: [variables("quay.io/acme/worker:v1.0.0", "quay.io/acme/other:v1.0.0")],
      hasImage: () => Promise.reject(new ViolaError("REGISTRY_UNAVAILABLE", "gone", { subject: "quay.io" })),
    });

    const { findings } = await inspect(findingsOf(worker, unresolved("quay.io/acme/other")), ports);

    expect(findings.unresolved).toHaveLength(2);
    expect(log.filter((entry) => entry !== "read")).toHaveLength(1);
  });
});

describe("an operator that waits for custom resources", () => {
  const waiting = (...open: readonly UnresolvedImage[]): Findings => {
    const { warnings, ...findings } = findingsOf(...open);
    return { ...findings, warnings: warnings.map((one) => ({ ...one, code: "operator-images-later" })) };
  };

  it("is inspected for a version that is not known, and the warning stays", async () => {
    const { ports } = portsFor({
      programs: [variables("quay.io/acme/worker:v1.0.0")],
      existing: ["quay.io/acme/worker:v1.0.0"],
    });

    const { findings } = await inspect(
      waiting(unresolved("quay.io/acme/worker", { required: false })),
      ports,
    );

    expect(findings.images).toMatchObject([{ normalized: "quay.io/acme/worker:v1.0.0", required: false }]);
    expect(findings.warnings).toMatchObject([{ code: "operator-images-later" }]);
  });

  it("is not inspected when its images are known", async () => {
    const { ports, log } = portsFor({ programs: [variables("quay.io/acme/worker:v1.0.0")] });

    await inspect(waiting(), ports);

    expect(log).toEqual([]);
  });
});

describe("an image without a program that can be read", () => {
  it.each<[string, readonly ProgramFile[], RegExp]>([
    ["because it has none", [], /no program/],
    [
      "because it is packed",
      [
        {
          path: "manager",
          bytes: Buffer.concat([makeElf({ strings: ["a"] }).subarray(0, 64), Buffer.from("UPX!")]),
          isEntrypoint: true,
        },
      ],
      /manager is packed/,
    ],
  ])("is a warning %s", async (_, programs, reason) => {
    const { ports } = portsFor({ programs });

    const { findings } = await inspect(findingsOf(unresolved("quay.io/acme/worker")), ports);

    expect(findings.warnings).toContainEqual(
      expect.objectContaining({
        code: "operator-not-inspected",
        message: expect.stringMatching(reason) as string,
        images: [OPERATOR],
      }),
    );
  });
});

describe("an image with the same content", () => {
  it("is read once", async () => {
    const { ports, log } = portsFor({ programs: [variables("quay.io/acme/worker:v1.0.0")] });
    const findings = findingsOf(unresolved("quay.io/acme/worker"));

    const first = await inspect(findings, ports);
    const second = await inspect(findings, ports);

    expect(second).toEqual(first);
    expect(log.filter((entry) => entry === "read")).toHaveLength(1);
  });

  it("is not read where nothing is unknown of it", async () => {
    const { ports, log } = portsFor({ programs: [] });
    const findings: Findings = { images: [], warnings: [] };

    expect(await inspect(findings, ports)).toEqual({ findings, suspects: [] });
    expect(log).toEqual([]);
  });
});
