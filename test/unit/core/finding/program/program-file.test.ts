// The files of an image that are read, and the images in scripts, documents and classes.
import { describe, expect, it } from "vitest";
import { findInProgramFile, mayBeProgram } from "../../../../../src/core/finding/program/program-file.js";
import { classFile } from "./class-file.js";

const references = (path: string, content: string | Buffer): readonly string[] => {
  const file = { path, bytes: Buffer.from(content), isEntrypoint: false };
  const found = findInProgramFile(file, { operatorTag: "1.0", wanted: new Set() });
  return "unreadable" in found ? [found.unreadable] : found.suspects.map(({ reference }) => reference);
};

describe("a script", () => {
  it("provides images between quotes and spaces", () => {
    const python = [
      'IMAGE = "registry.acme.io/a/worker:1.2.3"',
      "run(['quay.io/acme/tool:v2', 'ghcr.io/acme/other@sha256:" + "a".repeat(64) + "'])",
      "sidecar_image = os.environ.get('SIDECAR', 'acme/sidecar:0.9.1')",
    ].join("\n");

    expect(references("app/operator.py", python)).toEqual([
      "registry.acme.io/a/worker:1.2.3",
      "quay.io/acme/tool:v2",
      `ghcr.io/acme/other@sha256:${"a".repeat(64)}`,
      "acme/sidecar:0.9.1",
    ]);
  });

  it("provides none in comments, addresses, times and URLs", () => {
    const shell = [
      "#!/bin/sh",
      "# docker run quay.io/acme/comment:v1",
      "curl https://quay.io/acme/api:v1 http://host:8080/path",
      "at=12:30:00 key=a/b:c export PATH=/usr/bin:/bin",
      "echo registry.example.com/acme/docs:v1 localhost:5000",
    ].join("\n");

    expect(references("entrypoint.sh", shell)).toEqual([]);
  });
});

describe("a document", () => {
  it("is read like a configuration, with complete and split references", () => {
    const values =
      "sidecar: { image: { repository: grafana/alloy, tag: v1.10.1 } }\nreloaderImage: quay.io/a/b:v0.81.0\n";

    expect(references("opt/chart/values.yaml", values).toSorted()).toEqual([
      "grafana/alloy:v1.10.1",
      "quay.io/a/b:v0.81.0",
    ]);
  });
});

describe("a class", () => {
  it("provides the complete images in its constants", () => {
    const bytes = classFile([
      "quay.io/acme/kafka:0.51.0-kafka-4.1.0",
      "java/lang/Object",
      "(I)V",
      "acme/x:9",
    ]);

    expect(references("a.jar!A.class", bytes)).toEqual(["quay.io/acme/kafka:0.51.0-kafka-4.1.0"]);
  });

  it("that is truncated provides the images before its end", () => {
    const bytes = classFile(["quay.io/acme/a:v1", "quay.io/acme/b:v1"]);

    expect(references("A.class", bytes.subarray(0, bytes.length - 10))).toEqual(["quay.io/acme/a:v1"]);
  });
});

describe("a file to read", () => {
  const facts = { size: 20_000_000, isExecutable: true, isEntrypoint: false };

  it.each(["manager", "usr/bin/operator", "app/lib/a.jar", "usr/lib/python3.12/site-packages/acme/op.py"])(
    "%s is",
    (path) => {
      const size = path.endsWith(".py") ? 1000 : facts.size;
      expect(mayBeProgram({ ...facts, path, size })).toBe(true);
    },
  );

  it.each([
    "usr/lib/x/libpython3.so.1",
    "usr/lib/python3.12/json/tool.py",
    "usr/share/doc/a.yaml",
    "etc/ssl/a.conf",
  ])("%s is not", (path) => {
    expect(mayBeProgram({ ...facts, path, size: 1000 })).toBe(false);
  });

  it("is not a small tool of a distribution, unless the image starts it", () => {
    const tool = { ...facts, path: "usr/bin/true", size: 40_000 };

    expect(mayBeProgram(tool)).toBe(false);
    expect(mayBeProgram({ ...tool, isEntrypoint: true })).toBe(true);
  });
});
