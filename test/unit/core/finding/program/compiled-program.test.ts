// Names of images in compiled programs: in string headers and in constants of code, with their
// versions.
import { describe, expect, it } from "vitest";
import { findInProgramFile } from "../../../../../src/core/finding/program/program-file.js";
import { makeElf, type ElfOptions } from "./elf-file.js";

const read = (bytes: Buffer, operatorTag?: string, wanted: readonly string[] = []) =>
  findInProgramFile(
    { path: "operator", bytes, isEntrypoint: true },
    { operatorTag, wanted: new Set(wanted) },
  );
const found = (wish: ElfOptions, operatorTag?: string, wanted?: readonly string[]) => {
  const result = read(makeElf(wish), operatorTag, wanted);
  if ("unreadable" in result) return result.unreadable;
  return result.suspects.map(({ reference, certainty, rule }) => [reference, certainty, rule]);
};
/** The first column of what was found. */
const namesIn = (wish: ElfOptions): readonly string[] => [found(wish)].flat().map(([name = ""]) => name);

const RUN = ["v0.39.1", "grafana/agent", "v0.67.1", "quay.io/prometheus-operator/prometheus-config-reloader"];

describe("string headers", () => {
  const options: ElfOptions = { strings: [...RUN, "reflect", "app.kubernetes.io/name"], headers: RUN };
  const pairs = [
    ["grafana/agent:v0.39.1", "guessed", "string-header"],
    ["quay.io/prometheus-operator/prometheus-config-reloader:v0.67.1", "guessed", "string-header"],
  ];

  it("determine the ends of names and their versions", () => {
    expect(found(options)).toEqual(pairs);
  });

  it("are read when the loader writes the addresses", () => {
    expect(found({ ...options, relocated: true })).toEqual(pairs);
    expect(found({ ...options, relocated: true, machine: "arm64" })).toEqual(pairs);
  });

  it("are read without section headers", () => {
    expect(found({ ...options, stripped: true })).toEqual(pairs);
  });

  it("are also paired when the version comes second", () => {
    const reversed = [RUN[1], RUN[0], RUN[3], RUN[2]] as string[];

    expect(found({ strings: reversed, headers: reversed })).toEqual(pairs);
  });

  it("provide no version across a gap, so a name without a registry does not count", () => {
    const apart = ["v1.2.3", undefined, "grafana/agent", undefined, "quay.io/thanos/thanos"];

    expect(found({ strings: ["v1.2.3", "grafana/agent", "quay.io/thanos/thanos"], headers: apart })).toEqual([
      ["quay.io/thanos/thanos", "unknown", "string-header"],
    ]);
  });

  it("provide complete references with tag or digest", () => {
    const digest = `registry.acme.io/a/b@sha256:${"0".repeat(64)}`;
    const references = ["busybox:1.28.4", "registry.k8s.io/pause:3.9", "localhost/a/b:x", digest];

    expect(found({ strings: references, headers: references })).toEqual([
      ["busybox:1.28.4", "exact", "string-header"],
      ["registry.k8s.io/pause:3.9", "exact", "string-header"],
      [digest, "exact", "string-header"],
    ]);
  });

  it("that point to documents provide the image fields in them", () => {
    const manifest = `kind: Pod\nspec:\n  containers:\n  - name: a\n    image: quay.io/acme/embedded:v3\n${"# text\n".repeat(90)}`;

    expect(found({ strings: [manifest], headers: [manifest] })).toEqual([
      ["quay.io/acme/embedded:v3", "exact", "text"],
    ]);
  });
});

describe.each(["amd64", "arm64"] as const)("constants in %s code", (machine) => {
  const THANOS = "quay.io/thanos/thanos";
  const after = "secret-field-selector";

  it("have the length of a number next to the load, limited by the next string", () => {
    expect(found({ machine, strings: [THANOS, after], constants: [THANOS, after] })).toEqual([
      [THANOS, "unknown", "constant"],
    ]);
  });

  it("are found for all encodings of the number", () => {
    const lengths = [15, 16, 24, 31, 32, 33].map((length) => `quay.io/a/${"x".repeat(length - 10)}`);

    expect(namesIn({ machine, strings: [...lengths, after], constants: [...lengths, after] })).toEqual(
      lengths,
    );
  });

  it("are ignored when no number matches, because the end is unknown", () => {
    expect(found({ machine, strings: [THANOS + after], constants: [], headers: [] })).toEqual([]);
    expect(found({ machine, strings: [`${THANOS}x`, THANOS], constants: [THANOS] })).toEqual([]);
  });

  it("that end in a colon get the version of the module of the same organisation", () => {
    const name = "quay.io/acme/sidecar:v";
    const options: ElfOptions = { machine, strings: [name, after], constants: [name, after] };
    const goModules =
      "path\texample.org/other/op/cmd\nmod\texample.org/other/op\tv1.0.0\ndep\tgithub.com/acme/api\tv2.3.4\th1:x\n";

    expect(found({ ...options, goModules }, "9.9.9")).toEqual([
      ["quay.io/acme/sidecar:v2.3.4", "guessed", "constant"],
    ]);
    expect(found(options, "9.9.9")).toEqual([["quay.io/acme/sidecar:v9.9.9", "guessed", "constant"]]);
    expect(found(options, "latest")).toEqual([["quay.io/acme/sidecar", "unknown", "constant"]]);
  });
});

describe("the format of a reference", () => {
  it("is a name whose version the program appends", () => {
    const formats = ["quay.io/acme/solver:%s", "quay.io/acme/prober:v%v", "v1.15.0"];

    expect(found({ strings: [...formats, "reflect"], constants: formats }, "v9.0.0")).toEqual([
      ["quay.io/acme/solver:v9.0.0", "guessed", "constant"],
      ["quay.io/acme/prober:v9.0.0", "guessed", "constant"],
    ]);
  });

  it("may begin with a registry that the program puts before the name", () => {
    const formats = ["%s/acme/worker:%s", "%s/%s:%s", "%s/acme/other:v1.0.0"];
    const options = { strings: [...formats, "reflect"], constants: [...formats, "reflect"] };

    expect(found(options, "v9.0.0", ["acme/worker"])).toEqual([
      ["acme/worker:v9.0.0", "guessed", "constant"],
      ["acme/other:v1.0.0", "exact", "constant"],
    ]);
    expect(namesIn(options)).toEqual(["acme/other:v1.0.0"]);
  });

  it("is no name with a verb elsewhere", () => {
    const formats = ["quay.io/%s/solver:%s", "quay.io/acme/solver:%d", "quay.io/acme/solver-%s:v1.0.0"];

    expect(namesIn({ strings: [...formats, "reflect"], constants: [...formats, "reflect"] })).toEqual([]);
  });
});

describe("a string that is not an image", () => {
  const goModules =
    "path\tgit.acme.io/op\nmod\tgit.acme.io/op\t(devel)\t\ndep\tgo.uber.org/zap\tv1.27.0\th1:x\n";

  it.each([
    "github.com/prometheus/client_golang",
    "git.acme.io/op/pkg/apis",
    "go.uber.org/zap/zapcore",
    "k8s.io/api/core/v1",
    "app.kubernetes.io/managed-by",
    "monitoring.coreos.com/v1",
    "application/json",
    "net/http",
    "etc/ssl/certs",
    "autorest/adal/devicetoken",
    "ua/2.1",
    "k8s.io/api/apps/v1/generated.proto",
    "quay.io/acme/values.yaml",
    "www.acme.org/a/b:1.2.3",
    "registry.example.com/acme/app:1.2.3",
    "127.0.0.1:8080",
    "host.acme.io:8080/metrics",
    "sha256:0123456789abcdef",
    "2.5.4.11",
  ])("%s, even next to a version", (text) => {
    expect(found({ strings: ["v1.2.3", text, "end"], headers: ["v1.2.3", text], goModules })).toEqual([]);
  });
});

describe("a name that the operator is known to start", () => {
  it("counts without a registry, and as one component beside its version", () => {
    const strings = ["acme/worker", "node", "v3.31.0", "reflect"];
    const wish: ElfOptions = { strings, headers: ["acme/worker", undefined, "node", "v3.31.0"] };

    expect(found(wish)).toEqual([]);
    expect(found(wish, undefined, ["acme/worker", "node"])).toEqual([
      ["acme/worker", "unknown", "string-header"],
      ["node:v3.31.0", "guessed", "string-header"],
    ]);
  });

  it("of one component has no version without one beside it", () => {
    expect(found({ strings: ["node", "x"], headers: ["node"] }, undefined, ["node"])).toEqual([
      ["node", "unknown", "string-header"],
    ]);
  });
});

describe("code", () => {
  it("is read in parts, and an instruction on the border is found once", () => {
    const strings = ["quay.io/acme/a", "quay.io/acme/b", "end"];
    const bytes = makeElf({ strings, constants: strings });
    const parts: number[] = [];
    const file = {
      size: bytes.length,
      read: (start: number, end: number) => {
        parts.push(Math.min(end, bytes.length) - start);
        return bytes.subarray(start, Math.min(end, bytes.length));
      },
    };
    const facts = { operatorTag: undefined, wanted: new Set<string>() };
    const result = findInProgramFile({ path: "operator", bytes: file, isEntrypoint: true }, facts);

    expect(result).toMatchObject({
      suspects: [{ reference: "quay.io/acme/a" }, { reference: "quay.io/acme/b" }],
    });
    expect(Math.max(...parts)).toBeLessThan(bytes.length);
  });
});

describe("a program that cannot be read says why", () => {
  it.each<[string, (bytes: Buffer) => void, RegExp]>([
    ["32-bit", (bytes) => bytes.writeUInt8(1, 4), /32-bit/],
    ["big-endian", (bytes) => bytes.writeUInt8(2, 5), /big-endian/],
    ["packed", (bytes) => bytes.write("UPX!", 512, "latin1"), /UPX/],
    ["without tables", (bytes) => bytes.fill(0, 32, 64), /headers/],
  ])("%s", (_, change, reason) => {
    const bytes = makeElf({ strings: RUN, headers: RUN });
    change(bytes);

    expect(read(bytes)).toMatchObject({ unreadable: expect.stringMatching(reason) as string });
  });
});

describe("a program that is damaged", () => {
  it("whose tables lie beyond its end says what it can, or nothing", () => {
    const bytes = makeElf({ strings: RUN, headers: RUN, constants: RUN });

    for (let length = 0; length < bytes.length; length += 331) {
      expect(() => read(bytes.subarray(0, length), "1.0")).not.toThrow();
    }
    for (let at = 0; at < bytes.length; at += 31) {
      const broken = Buffer.from(bytes);
      broken.writeUInt8(0xff, at);
      expect(() => read(broken, "1.0")).not.toThrow();
    }
  });
});
