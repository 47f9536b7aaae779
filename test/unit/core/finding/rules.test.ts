// Each rule: the images that it finds, and texts that only look like images.
import { describe, expect, it } from "vitest";
import { findIn, linesOf } from "./find.js";

describe("pod-spec", () => {
  it("finds all three lists of containers and image volumes", () => {
    const findings = findIn(`
apiVersion: v1
kind: Pod
metadata: { name: x }
spec:
  initContainers: [{ name: a, image: busybox }]
  containers: [{ name: b, image: "localhost:5000/app:1" }]
  ephemeralContainers: [{ name: c, image: quay.io/debug@sha256:${"a".repeat(64)} }]
  volumes:
    - { name: data, image: { reference: quay.io/org/data:2 } }
    - { name: other, emptyDir: {} }
`);

    expect(linesOf(findings)).toEqual([
      "required | certain | docker.io/library/busybox:latest | pod-spec spec.initContainers[0].image",
      "required | certain | localhost:5000/app:1 | pod-spec spec.containers[0].image",
      "required | certain | quay.io/debug@sha256:" +
        "a".repeat(64) +
        " | pod-spec spec.ephemeralContainers[0].image",
      "required | certain | quay.io/org/data:2 | pod-spec spec.volumes[0].image.reference",
    ]);
  });

  it("finds nested Pod specs: CronJobs, and templates in custom resources", () => {
    const findings = findIn(`
apiVersion: batch/v1
kind: CronJob
metadata: { name: x }
spec: { jobTemplate: { spec: { template: { spec: { containers: [{ image: "quay.io/org/job:1" }] } } } } }
---
apiVersion: example.org/v1
kind: Thing
metadata: { name: y }
spec: { pools: [{ podTemplate: { spec: { containers: [{ name: only-a-patch }, { image: "quay.io/org/pool:1" }] } } }] }
`);

    expect(linesOf(findings)).toEqual([
      "required | certain | quay.io/org/job:1 | pod-spec spec.jobTemplate.spec.template.spec.containers[0].image",
      "required | certain | quay.io/org/pool:1 | pod-spec spec.pools[0].podTemplate.spec.containers[1].image",
    ]);
  });

  it("ignores placeholders", () => {
    expect(
      findIn(
        "kind: Pod\nmetadata: { name: x }\nspec: { containers: [{ image: auto }, { image: '{{ .Image }}' }] }",
      ).images,
    ).toEqual([]);
  });
});

describe("hooks", () => {
  const pod = (hook: string): string =>
    `kind: Pod\nmetadata: { name: x, annotations: { helm.sh/hook: "${hook}" } }\nspec: { containers: [{ image: "quay.io/org/x:1" }] }`;

  it.each([
    ["pre-install,post-upgrade", true],
    ["pre-delete", true],
    ["test", false],
    ["test-success", false],
    ["test-failure", false],
    ["test,post-install", true],
  ])("%s: required is %s", (hook, required) => {
    expect(findIn(pod(hook)).images).toMatchObject([{ required }]);
  });
});

describe("custom-resource", () => {
  const thing = (spec: string): string =>
    `apiVersion: example.org/v1\nkind: Thing\nmetadata: { name: x, annotations: { image: quay.io/org/annotation:1 } }\nspec:\n${spec.replace(/^/gm, "  ")}\n`;

  it.each([
    ["a field named image", "image: quay.io/org/app:1", ["quay.io/org/app:1 | custom-resource spec.image"]],
    [
      "a field that ends so",
      "sidecarImage: org/side:1",
      ["docker.io/org/side:1 | custom-resource spec.sidecarImage"],
    ],
    [
      "snake case",
      "docker_image: ghcr.io/org/db:1",
      ["ghcr.io/org/db:1 | custom-resource spec.docker_image"],
    ],
    [
      "a word after image",
      "imageOverride: quay.io/org/app:1.0",
      ["quay.io/org/app:1.0 | custom-resource spec.imageOverride"],
    ],
    [
      "the value of a JSON patch",
      "patches: [{ op: replace, path: /spec/image, value: quay.io/org/app:1.0 }]",
      ["quay.io/org/app:1.0 | custom-resource spec.patches[0].value"],
    ],
    ["imageName", "imageName: ghcr.io/org/pg:16", ["ghcr.io/org/pg:16 | custom-resource spec.imageName"]],
    [
      "an official image with a tag",
      "image: redis:7",
      ["docker.io/library/redis:7 | custom-resource spec.image"],
    ],
    ["a list of images", "images: [quay.io/a/b:1, text]", ["quay.io/a/b:1 | custom-resource spec.images[0]"]],
    ["a map of images", "images: { a: quay.io/a/b:1 }", ["quay.io/a/b:1 | custom-resource spec.images.a"]],
    [
      "repository and tag",
      "image: { repository: quay.io/org/app, tag: v1 }",
      ["quay.io/org/app:v1 | custom-resource spec.image.repository"],
    ],
    [
      "registry, repository and a tag of digits",
      "image: { registry: quay.io, repository: org/app, tag: 20250101 }",
      ["quay.io/org/app:20250101 | custom-resource spec.image.repository"],
    ],
    [
      "repository, image and version in one map, the lone name being folded in",
      "driver: { repository: nvcr.io/nvidia, image: driver, version: 550.1 }",
      ["nvcr.io/nvidia/driver:550.1 | custom-resource spec.driver.repository"],
    ],
    [
      "a digest beside a tag",
      `image: { repository: quay.io/org/app, tag: v1, digest: "sha256:${"b".repeat(64)}" }`,
      [`quay.io/org/app:v1@sha256:${"b".repeat(64)} | custom-resource spec.image.repository`],
    ],
    [
      "an image and its version",
      "baseImage: quay.io/org/app\nversion: v2",
      ["quay.io/org/app:v2 | custom-resource spec.baseImage"],
    ],
    [
      "hub and tag above the last part of the name",
      "global: { hub: docker.io/istio, tag: 1.30.3, proxy: { image: proxyv2 } }",
      ["docker.io/istio/proxyv2:1.30.3 | custom-resource spec.global.proxy.image"],
    ],
    [
      "a container under a name of its own",
      "script: { image: python, command: [python] }",
      ["docker.io/library/python:latest | custom-resource spec.script.image"],
    ],
    ["no metadata", "a: 1", []],
    ["no lone word", "image: driver", []],
    ["no URL", "image: https://example.org/logo.png", []],
    ["no template", "image: quay.io/org/{{ .Name }}:1", []],
    [
      "no chart of a repository",
      "chart: { repository: https://charts.example, name: app, version: 1.0.0 }",
      [],
    ],
    ["no repository of code", "source: { repository: org/app, version: v1 }", []],
    ["no policy", "imagePullPolicy: Always", []],
    ["no registry of images", "imageRegistry: quay.io:8443/org\nimagePrefix: org/app:1", []],
    ["no value of another patch", "patches: [{ path: /spec/color, value: quay.io/org/app:1.0 }]", []],
    ["no text in other fields", "command: quay.io/org/app:1", []],
  ])("finds %s", (_, spec, expected) => {
    expect(linesOf(findIn(thing(spec)))).toEqual(expected.map((line) => `required | high | ${line}`));
  });

  it.each([
    ["YAML", "valuesContent: |\n  image:\n    repository: quay.io/org/app\n    tag: v1", ".image.repository"],
    ["JSON", `value: '{"image":"quay.io/org/app:v1"}'`, ".image"],
  ])("finds images in fields that are %s", (_, spec, path) => {
    expect(findIn(thing(spec)).images).toMatchObject([
      { normalized: "quay.io/org/app:v1", confidence: "medium", required: true },
    ]);
    expect(findIn(thing(spec)).images[0]?.evidence[0]?.path).toContain(path);
  });

  it("does not parse scripts as structures", () => {
    expect(
      findIn(thing("script: |\n  # image: quay.io/org/app:1\n  echo image: quay.io/org/app:1")).images,
    ).toEqual([]);
  });

  it("ignores kinds that contain text, and those of Kubernetes", () => {
    const findings = findIn(`
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata: { name: x }
spec: { groups: [{ labels: { image: quay.io/org/app:1 } }] }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: { name: "system:x" }
rules: [{ image: quay.io/org/app:1 }]
`);

    expect(findings.images).toEqual([]);
  });
});

describe("flag", () => {
  const withArgs = (args: string): string =>
    `kind: Pod\nmetadata: { name: x }\nspec: { containers: [{ name: a, args: ${args} }] }`;

  it.each([
    ["one item", '["--solver-image=quay.io/org/solver:1"]', ["high | quay.io/org/solver:1 | flag args[0]"]],
    ["two items", '["--engine-image", "org/engine:1"]', ["high | docker.io/org/engine:1 | flag args[1]"]],
    ["one dash", '["-nop-image", "quay.io/org/nop:1"]', ["high | quay.io/org/nop:1 | flag args[1]"]],
    [
      "a list",
      '["--images=a/b:1,c/d:2"]',
      ["high | docker.io/a/b:1 | flag args[0]", "high | docker.io/c/d:2 | flag args[0]"],
    ],
    [
      "a name before the reference",
      '["--default-image=x=quay.io/a/b:1"]',
      ["high | quay.io/a/b:1 | flag args[0]"],
    ],
    ["another flag, with a host", '["--run=quay.io/org/x:v1"]', ["medium | quay.io/org/x:v1 | flag args[0]"]],
    ["no path in another flag", '["--volume=data/x:ro"]', []],
    ["no repository alone", '["--base-image=quay.io/org/x"]', []],
    ["no host with a port", '["--health=http.local:2801/healthz", "--addr=a.b/c:8080"]', []],
    ["no URL", '["--image-source=https://quay.io/a/b:1"]', []],
    ["no switch before a flag", '["--image", "--x=1"]', []],
    ["no taint", '["--taint=node-role.kubernetes.io/control-plane:NoSchedule", "--t=a.b/c:NoExecute"]', []],
    ["no label", '["--selector=kubernetes.io/os:linux1", "--l=example.org/role:web"]', []],
    ["no database", '["--database=org/data:main"]', []],
    [
      "an image of Kubernetes itself",
      '["--pause=registry.k8s.io/pause:3.9"]',
      ["medium | registry.k8s.io/pause:3.9 | flag args[0]"],
    ],
  ])("finds %s", (_, args, expected) => {
    const lines = linesOf(findIn(withArgs(args))).map((line) => line.replace("spec.containers[0].", ""));

    expect(lines).toEqual(expected.map((line) => `required | ${line}`));
  });
});

describe("environment", () => {
  const withVariable = (name: string, value: string): string =>
    `kind: Pod\nmetadata: { name: x }\nspec: { containers: [{ name: a, env: [{ name: ${name}, value: ${JSON.stringify(value)} }] }] }`;

  it.each([
    ["RELATED_IMAGE_DB", "quay.io/org/db:1", ["high | quay.io/org/db:1"]],
    ["CSI_IMAGE", "org/csi:1", ["high | docker.io/org/csi:1"]],
    ["HELPER_IMAGE", "busybox:1.36", ["high | docker.io/library/busybox:1.36"]],
    [
      "KAFKA_IMAGES",
      "4.1.0=quay.io/s/kafka:1-4.1.0\n4.1.1=quay.io/s/kafka:1-4.1.1\n",
      ["high | quay.io/s/kafka:1-4.1.0", "high | quay.io/s/kafka:1-4.1.1"],
    ],
    ["RUNNER", "ghcr.io/org/runner:v2", ["medium | ghcr.io/org/runner:v2"]],
    ["ADDRESSES", '["db.apps.svc/path:v1"]', []],
    ["TARGET", "service/name:http", []],
    ["ADDRESS", "db.apps.svc/path:5432", []],
    ["IMAGE_PULL_POLICY", "Always", []],
  ])("%s=%s", (name, value, expected) => {
    const lines = linesOf(findIn(withVariable(name, value)));

    expect(lines).toEqual(
      expected.map((line) => `required | ${line} | environment spec.containers[0].env[0].value`),
    );
  });
});

it("finds the parts of a reference in a variable that is JSON", () => {
  const value = '{"repository":"org/support-kit","tag":"v0.0.41","pullPolicy":"IfNotPresent"}';
  const text = JSON.stringify({
    kind: "Pod",
    metadata: { name: "x" },
    spec: { containers: [{ name: "a", env: [{ name: "SUPPORT_IMAGE_DEFAULT", value }] }] },
  });

  expect(linesOf(findIn(text))).toEqual([
    "required | medium | docker.io/org/support-kit:v0.0.41 | environment spec.containers[0].env[0].value.repository",
  ]);
});

describe("environment, split over variables", () => {
  const withVariables = (values: Readonly<Record<string, string>>): string =>
    JSON.stringify({
      kind: "Pod",
      metadata: { name: "x" },
      spec: {
        containers: [{ name: "a", env: Object.entries(values).map(([name, value]) => ({ name, value })) }],
      },
    });

  it.each([
    [{ JOB_IMAGE: "quay.io/org/job", JOB_TAG: "v1" }, "quay.io/org/job:v1"],
    [{ JOB_IMAGE: "quay.io/org/job", JOB_IMAGE_TAG: "v1" }, "quay.io/org/job:v1"],
    [{ JOB_IMAGE: "job", JOB_TAG: "v1" }, "docker.io/library/job:v1"],
    [{ JOB_VERSION: "1.2.3", JOB_IMAGE: "org/job" }, "docker.io/org/job:1.2.3"],
    [
      { JOB_IMAGE_REGISTRY: "quay.io", JOB_IMAGE_REPOSITORY: "org/job", JOB_IMAGE_TAG: "v1" },
      "quay.io/org/job:v1",
    ],
    [{ IMAGE_NAME: "quay.io/org/job", IMAGE_TAG: "v1" }, "quay.io/org/job:v1"],
    [
      { JOB_IMAGE: "quay.io/org/job", JOB_IMAGE_DIGEST: `sha256:${"d".repeat(64)}` },
      `quay.io/org/job@sha256:${"d".repeat(64)}`,
    ],
    [{ jobImage: "quay.io/org/job", jobImage_tag: "v1" }, "quay.io/org/job:v1"],
  ])("%o is %s", (values, expected) => {
    expect(findIn(withVariables(values)).images).toMatchObject([
      { normalized: expected, required: true, confidence: "high" },
    ]);
  });

  it.each([
    { JOB_IMAGE: "quay.io/org/job" },
    { GIT_REPOSITORY: "org/code", GIT_TAG: "v1" },
    { GIT_REPOSITORY: "github.com/org/code", GIT_TAG: "v1" },
    { JOB_IMAGE: "job", JOB_TAG: "blue" },
    { JOB_IMAGE: "job", JOB_TAG: "v1", JOB_PREFIX: "quay.io/org/" },
    { OTHER_IMAGE: "quay.io/org/job", JOB_TAG: "v1" },
  ])("%o is not an image", (values) => {
    expect(findIn(withVariables(values)).images).toEqual([]);
  });
});

describe("config-text", () => {
  const config = (data: Readonly<Record<string, string>>, kind = "ConfigMap"): string =>
    JSON.stringify({ apiVersion: "v1", kind, metadata: { name: "x" }, data });

  it.each([
    [
      "a value that is a reference",
      { ROOK_CSI_IMAGE: "quay.io/org/csi:1" },
      ["required | high | quay.io/org/csi:1 | config-text data.ROOK_CSI_IMAGE"],
    ],
    [
      "YAML with a Pod spec in it",
      { "pod.yaml": "spec:\n  containers:\n    - image: busybox\n" },
      [
        'required | medium | docker.io/library/busybox:latest | config-text data["pod.yaml"].spec.containers[0].image',
      ],
    ],
    [
      "JSON with split fields",
      { values: '{"global":{"hub":"docker.io/istio","tag":"1.30.3","proxy":{"image":"proxyv2"}}}' },
      ["required | medium | docker.io/istio/proxyv2:1.30.3 | config-text data.values.global.proxy.image"],
    ],
    [
      "a document inside a document",
      { config: "templates:\n  pod: |\n    image: quay.io/org/inner:1\n    other: 2\n" },
      ["required | medium | quay.io/org/inner:1 | config-text data.config.templates.pod.image"],
    ],
    [
      "a template that no parser reads",
      { tpl: 'spec:\n  {{- if .X }}\n  - image: "quay.io/org/t:1"\n  {{ end }}\n' },
      ["required | medium | quay.io/org/t:1 | config-text data.tpl"],
    ],
    [
      "flat keys with dots",
      { "trivy.repository": "ghcr.io/aqua/trivy", "trivy.tag": "0.60.0" },
      ['required | medium | ghcr.io/aqua/trivy:0.60.0 | config-text data["trivy.repository"]'],
    ],
    [
      "an image and its tag under two keys",
      { BACKUP_IMAGE: "ghcr.io/org/backup", BACKUP_TAG: "v1" },
      ["required | medium | ghcr.io/org/backup:v1 | config-text data.BACKUP_IMAGE"],
    ],
    [
      "an image and its tag in lines of plain text",
      {
        "app.ini":
          "[pods]\npod_image_repository = ghcr.io/org/pod\npod_image_tag = v2\nrepository = org/code\n",
      },
      ['required | medium | ghcr.io/org/pod:v2 | config-text data["app.ini"]'],
    ],
    [
      "a reference in plain text, as a suspicion",
      { "app.ini": "runner = ghcr.io/org/runner:1.2\n# see quay.io/org/comment:1\n" },
      ['optional | low | ghcr.io/org/runner:1.2 | config-text data["app.ini"]'],
    ],
    [
      "no addresses",
      { "app.ini": "host = db.apps.svc:5432\nurl = http://a.b/c:80\nlisten = a.b/c:8080\n" },
      [],
    ],
    [
      "a map in which every value is an image",
      { plugin: "quay.io/org/plugin:v3", addons: "quay.io/org/addons:v0.14.0" },
      [
        "required | high | quay.io/org/addons:v0.14.0 | config-text data.addons",
        "required | high | quay.io/org/plugin:v3 | config-text data.plugin",
      ],
    ],
    [
      "one image among other values, as a suspicion",
      { plugin: "quay.io/org/plugin:v3", level: "info" },
      ["optional | low | quay.io/org/plugin:v3 | config-text data.plugin"],
    ],
    [
      "names whose beginning is set above them",
      {
        one: "base: quay.io/org\ncomponents:\n  agent: { image: agent, tag: v1.2 }\n",
        two: "registry: reg.example\nparts: [{ image: part, tag: '3.0', digest: '' }]\n",
        three: "imagePrefix: org/\nmain: { image: main, tag: v4.0 }\n",
        near: "base: reg.example\nouter: { base: quay.io/near, inner: { image: near, tag: v5.0 } }\n",
      },
      [
        "required | medium | docker.io/org/main:v4.0 | config-text data.three.main.image",
        "required | medium | quay.io/near/near:v5.0 | config-text data.near.outer.inner.image",
        "required | medium | quay.io/org/agent:v1.2 | config-text data.one.components.agent.image",
        "required | medium | reg.example/part:3.0 | config-text data.two.parts[0].image",
      ],
    ],
    [
      "names below something that is no beginning",
      {
        code: "repository: https://git.example/org\nparts: { a: { image: redis, tag: '7.2' } }\n",
        word: "base: ubuntu\nparts: { a: { image: nginx, tag: '1.27' } }\n",
        whole: "repository: quay.io/org/app\ntag: v1\nparts: { a: { image: httpd, tag: '2.4' } }\n",
        full: "base: quay.io/org\nparts: { a: { image: other/full, tag: '1.0' } }\n",
      },
      [
        "required | medium | docker.io/library/httpd:2.4 | config-text data.whole.parts.a.image",
        "required | medium | docker.io/library/nginx:1.27 | config-text data.word.parts.a.image",
        "required | medium | docker.io/library/redis:7.2 | config-text data.code.parts.a.image",
        "required | medium | docker.io/other/full:1.0 | config-text data.full.parts.a.image",
        "required | medium | quay.io/org/app:v1 | config-text data.whole.repository",
      ],
    ],
    ["no placeholder", { image: "registry/image:tag" }, []],
  ] as const)("finds %s", (_, data, expected) => {
    expect(linesOf(findIn(config(data)))).toEqual(expected);
  });

  it("takes the values of an object that is named after images as images", () => {
    const body = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "csi-image-set" } };
    const data = { plugin: "quay.io/org/plugin:v3", version: "3" };

    expect(linesOf(findIn(JSON.stringify({ ...body, data })))).toEqual([
      "required | high | quay.io/org/plugin:v3 | config-text data.plugin",
    ]);
  });

  it("reads encoded and plain Secrets, and ignores binary ones", () => {
    const encoded = Buffer.from("image: quay.io/org/secret:1\nother: x\n").toString("base64");
    const findings = findIn(
      JSON.stringify({
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name: "x" },
        data: { encoded, binary: Buffer.from([0, 255, 254, 1]).toString("base64") },
        stringData: { MY_IMAGE: "quay.io/org/plain:1" },
      }),
    );

    expect(findings.images.map(({ normalized }) => normalized)).toEqual([
      "quay.io/org/plain:1",
      "quay.io/org/secret:1",
    ]);
  });

  it.each([
    [
      "aliases without end",
      `a: &a [x,x,x,x,x,x,x,x]\n${["b", "c", "d", "e"]
        .map(
          (key, index) =>
            `${key}: &${key} [${Array(8)
              .fill(`*${"abcd"[index] ?? ""}`)
              .join()}]`,
        )
        .join("\n")}\nimage: quay.io/org/x:1\n`,
    ],
    ["nesting without end", `image: quay.io/org/x:1\na: ${"[".repeat(30_000)}\n`],
    ["a tab where none may be", "spec:\n\timage: quay.io/org/x:1\n"],
  ])("reads text with %s by its lines", (_, text) => {
    expect(findIn(config({ text })).images).toMatchObject([{ normalized: "quay.io/org/x:1" }]);
  });

  it("ignores dashboards", () => {
    const body = {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "x", labels: { grafana_dashboard: "1" } },
    };

    expect(findIn(JSON.stringify({ ...body, data: { image: "quay.io/org/x:1" } })).images).toEqual([]);
  });
});

it("reads OLM's list of related images as a declaration", () => {
  const findings = findIn(`
apiVersion: operators.coreos.com/v1alpha1
kind: ClusterServiceVersion
metadata: { name: x }
spec:
  relatedImages: [{ name: a, image: "quay.io/org/a:1" }, { name: b, image: "quay.io/org/b:1" }]
  install: { spec: { deployments: [{ spec: { template: { spec: { containers: [{ image: "quay.io/org/a:1" }] } } } }] } }
`);

  expect(findings.images.map(({ normalized, required }) => [normalized, required])).toEqual([
    ["quay.io/org/a:1", true],
    ["quay.io/org/b:1", false],
  ]);
});

it("warns about an object that is nested too deeply, and searches the others", () => {
  const deep = `{"image":${"[".repeat(30_000)}${"]".repeat(30_000)}}`;
  const findings = findIn(
    `${JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "x" }, data: { deep } })}
---
kind: Pod
metadata: { name: y }
spec: { containers: [{ image: "quay.io/org/y:1" }] }
`,
  );

  expect(findings.warnings).toMatchObject([
    { code: "object-unreadable", object: "ConfigMap x", template: "app/templates/x.yaml", incomplete: true },
  ]);
  expect(findings.images).toHaveLength(1);
});

describe("evidence", () => {
  it("is merged by normalized reference, with the first spelling", () => {
    const { images } = findIn(`
kind: Pod
metadata: { name: a, namespace: apps, annotations: { helm.sh/hook: test } }
spec: { containers: [{ image: "grafana/agent:v1" }] }
---
apiVersion: example.org/v1
kind: Thing
metadata: { name: b }
spec: { image: "docker.io/grafana/agent:v1" }
`);

    expect(images).toEqual([
      {
        reference: "grafana/agent:v1",
        normalized: "docker.io/grafana/agent:v1",
        required: true,
        confidence: "certain",
        evidence: [
          {
            rule: "pod-spec",
            chart: "app-1.0.0",
            template: "app/templates/x.yaml",
            object: "Pod apps/a",
            path: "spec.containers[0].image",
            value: "grafana/agent:v1",
            hooks: ["test"],
            release: "app",
          },
          {
            rule: "custom-resource",
            chart: "app-1.0.0",
            template: "app/templates/x.yaml",
            object: "Thing b",
            path: "spec.image",
            value: "docker.io/grafana/agent:v1",
            release: "app",
          },
        ],
      },
    ]);
  });
});
