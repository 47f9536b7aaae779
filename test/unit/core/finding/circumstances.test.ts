// The context of an image: scripts, keys, switches, examples and alternatives.
import { describe, expect, it } from "vitest";
import { findIn } from "./find.js";

/** `required reference` or `optional reference`, by image. */
function imagesIn(text: string): readonly string[] {
  return findIn(text).images.map(
    ({ required, normalized }) => `${required ? "required" : "optional"} ${normalized}`,
  );
}

const required = (...references: readonly string[]): readonly string[] =>
  references.map((reference) => `required ${reference}`);

const pod = (container: object): string =>
  JSON.stringify({
    kind: "Pod",
    metadata: { name: "x" },
    spec: { containers: [{ name: "a", ...container }] },
  });
const config = (data: Readonly<Record<string, string>>): string =>
  JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "x" }, data });
const thing = (spec: object): string =>
  JSON.stringify({ apiVersion: "example.org/v1", kind: "Thing", metadata: { name: "x" }, spec });

describe("a command line in a script", () => {
  it.each<readonly [string, object]>([
    ["in double quotes", { command: ["sh", "-c", 'run --side-image="reg.example/side:1"'] }],
    ["in single quotes", { args: ["exec run \\\n  -side-image='reg.example/side:1' \\\n  -x\n"] }],
    ["in quotes of ANSI C", { command: ["bash", "-c", "run --side-image $'reg.example/side:1'"] }],
    ["without quotes, as two words", { args: ["run --side-image reg.example/side:1 --other"] }],
    ["over a line end", { args: ["run --side-image \\\n  reg.example/side:1\n"] }],
    ["with the flag in the quotes", { args: ['run "--side-image=reg.example/side:1"\n'] }],
    ["in a shell of the shell", { args: ['su-exec bash -c "run --side-image=\\"reg.example/side:1\\""'] }],
    ["behind a flag without a value", { args: ["run --verbose --side-image=reg.example/side:1"] }],
    ["in a variable of the script", { args: ["export SIDE_IMAGE='reg.example/side:1'\nrun\n"] }],
    ["as the default of a variable", { args: ['run --side="${SIDE_IMAGE:-reg.example/side:1}"\n'] }],
    [
      "in a manifest of the script",
      { args: ["kubectl apply -f - <<EOF\n  image: reg.example/side:1\nEOF\n"] },
    ],
    [
      "in JSON of the script",
      {
        args: [
          'curl -d \'{"name": "a", "image": "reg.example/side:1"}\' $API\ncat <<EOF\n{"image":"reg.example/side:1"}\nEOF\n',
        ],
      },
    ],
    ["in escaped JSON of the script", { args: ['run "{\\"image\\": \\"reg.example/side:1\\"}" more'] }],
    [
      "of a hook",
      {
        lifecycle: { postStart: { exec: { command: ["sh", "-c", "run --side-image reg.example/side:1"] } } },
      },
    ],
    ["of a probe", { livenessProbe: { exec: { command: ["run", "--side-image=reg.example/side:1"] } } }],
    ["in a variable", { env: [{ name: "EXTRA_ARGS", value: "--x --side-image=reg.example/side:1" }] }],
    [
      "whose flag is the last word of command",
      { command: ["run", "--side-image"], args: ["reg.example/side:1"] },
    ],
  ])("is read %s", (_, container) => {
    expect(imagesIn(pod(container))).toEqual(required("reg.example/side:1"));
  });

  it("may contain an image of Docker Hub", () => {
    expect(imagesIn(pod({ args: ["run --side-image='acme/side:1' --other-image=redis:7"] }))).toEqual(
      required("docker.io/acme/side:1", "docker.io/library/redis:7"),
    );
  });

  it.each([
    [
      "a script in a ConfigMap",
      config({ "run.sh": '#!/bin/sh\nexec run --side-image="reg.example/side:1"\n' }),
    ],
    ["a list of flags in a custom resource", thing({ extraArgs: ["--side-image=reg.example/side:1"] })],
    ["two items of such a list", thing({ args: ["--side-image", "reg.example/side:1"] })],
    ["a text of flags in a custom resource", thing({ extra: "--side-image reg.example/side:1 -v" })],
    ["a list of flags in a configuration", config({ "a.yaml": "args: [--side-image=reg.example/side:1]\n" })],
  ])("is read in %s", (_, text) => {
    expect(imagesIn(text)).toEqual(required("reg.example/side:1"));
  });

  it("ignores comments", () => {
    expect(imagesIn(pod({ args: ["# run --side-image=reg.example/side:1\nrun --side\n"] }))).toEqual([]);
    expect(imagesIn(config({ "run.sh": "# --side-image=reg.example/side:1\nrun\n" }))).toEqual([]);
  });
});

describe("a name of one part", () => {
  it.each<readonly [string, string, string]>([
    ["a flag", pod({ args: ["--helper-image=docker:dind"] }), "docker.io/library/docker:dind"],
    ["a flag in camel case", pod({ args: ["--helperImage", "redis:7"] }), "docker.io/library/redis:7"],
    ["a list behind a flag", pod({ args: ["--images=redis:7"] }), "docker.io/library/redis:7"],
    ["a variable", pod({ env: [{ name: "CACHE_IMAGES", value: "x=redis:7" }] }), "docker.io/library/redis:7"],
    [
      "two variables",
      pod({
        env: [
          { name: "CACHE_IMAGE", value: "redis" },
          { name: "CACHE_IMAGE_TAG", value: "7" },
        ],
      }),
      "docker.io/library/redis:7",
    ],
    ["a list", thing({ sidecarImages: ["redis:7"] }), "docker.io/library/redis:7"],
    ["a map", thing({ images: { cache: "redis:7" } }), "docker.io/library/redis:7"],
    ["repository and tag", thing({ image: { repository: "redis", tag: 7 } }), "docker.io/library/redis:7"],
    ["image and tag", thing({ cache: { image: "redis", tag: "7" } }), "docker.io/library/redis:7"],
    ["a value of a ConfigMap", config({ prepullImages: "redis:7" }), "docker.io/library/redis:7"],
  ])("is an image where %s says so", (_, text, reference) => {
    expect(imagesIn(text)).toEqual(required(reference));
  });

  it.each([
    pod({ args: ["--image-name=plain", "--image-registry=mirror:5000", "--image-proxy=proxy.example:8080"] }),
    pod({ args: ["--listen=server:8080", "--image-pull-policy=Always"] }),
    pod({ env: [{ name: "IMAGE_REGISTRY", value: "localhost:5000" }] }),
    thing({ cache: { repository: "redis", tag: "7" }, images: ["text", "Some: text"] }),
    config({ "a.yaml": "image: driver\nimages: [a, b]\n" }),
  ])("is not an image elsewhere: %s", (text) => {
    expect(imagesIn(text)).toEqual([]);
  });
});

describe("a map that is an image by its key", () => {
  it.each([
    { image: { name: "reg.example/a", tag: "1" } },
    { sidecarImage: { name: "reg.example/a", tag: 1 } },
    { worker: { image: { registry: "reg.example", name: "a", tag: "1" } } },
    { images: [{ name: "reg.example/a", tag: "1" }] },
    { images: { worker: { name: "reg.example/a", tag: "1" } } },
    { images: [{ name: "old", newName: "reg.example/a", newTag: "1" }] },
    { image: { name: "reg.example/a:1", pullPolicy: "Always" } },
    { image: { ref: "reg.example/a:1" } },
  ])("may use the key name: %o", (spec) => {
    expect(imagesIn(thing(spec))).toEqual(required("reg.example/a:1"));
    expect(imagesIn(config({ "a.json": JSON.stringify(spec) }))).toEqual(required("reg.example/a:1"));
  });

  it.each([
    { name: "reg.example/a", tag: "1" },
    { chart: { name: "reg.example/charts/a", tag: "1" } },
    { image: { name: "reg.example/a" } },
  ])("counts only there: %o", (spec) => {
    expect(imagesIn(thing(spec))).toEqual([]);
  });
});

describe("a key that names an example or documentation", () => {
  it.each([
    "_example",
    "pod.yaml.example",
    "config.sample.yaml",
    "README",
    "readme.md",
    "example-pod.yaml",
    "NOTES.txt",
  ])("makes its images optional: %s", (key) => {
    expect(imagesIn(config({ [key]: "image: reg.example/a:1\nother: x\n" }))).toEqual([
      "optional reg.example/a:1",
    ]);
  });

  it("also applies to configurations and custom resources", () => {
    expect(imagesIn(config({ "a.yaml": "_example: { image: reg.example/a:1 }\n" }))).toEqual([
      "optional reg.example/a:1",
    ]);
    expect(imagesIn(thing({ examples: [{ image: "reg.example/a:1" }] }))).toEqual([
      "optional reg.example/a:1",
    ]);
  });

  it.each(["example.com.yaml", "resampler.yaml", "samplers", "agent"])("is not %s", (key) => {
    expect(imagesIn(config({ [key]: "image: reg.example/a:1\nother: x\n" }))).toEqual(
      required("reg.example/a:1"),
    );
  });

  it("is not the name of a container or of an object", () => {
    expect(imagesIn(pod({ name: "example", image: "reg.example/a:1" }))).toEqual(required("reg.example/a:1"));
  });
});

describe("a switch that is off", () => {
  it.each<readonly [string, string]>([
    ["beside the image", thing({ side: { enabled: false, image: "reg.example/a:1" } })],
    ["as text", thing({ side: { enabled: "false", image: "reg.example/a:1" } })],
    ["above the image", thing({ side: { enabled: false, image: { repository: "reg.example/a", tag: 1 } } })],
    ["the other way round", thing({ side: { disabled: true, image: "reg.example/a:1" } })],
    ["in a name of its own", thing({ sideEnabled: false, sideImage: "reg.example/a:1" })],
    ["with the verb first", thing({ enableSide: false, side: { image: "reg.example/a:1" } })],
    [
      "above a Pod template",
      thing({ side: { enabled: false, spec: { containers: [{ image: "reg.example/a:1" }] } } }),
    ],
    ["in a configuration", config({ "a.yaml": "side:\n  enabled: false\n  image: reg.example/a:1\n" })],
    ["in other words", thing({ side: { install: false, image: "reg.example/a:1" } })],
    ["by a state", thing({ side: { managementState: "Removed", image: "reg.example/a:1" } })],
    ["by a mode", thing({ side: { mode: "disabled", image: "reg.example/a:1" } })],
    ["by a word before the name", config({ USE_SIDE: "false", SIDE_IMAGE: "reg.example/a:1" })],
    ["under keys with dots", config({ "side.enabled": "false", "side.image": "reg.example/a:1" })],
    [
      "in the environment",
      pod({
        env: [
          { name: "SIDE_ENABLED", value: "false" },
          { name: "SIDE_IMAGE", value: "reg.example/a:1" },
        ],
      }),
    ],
    [
      "for a related image",
      pod({
        env: [
          { name: "ENABLE_SIDE", value: "0" },
          { name: "RELATED_IMAGE_SIDE", value: "reg.example/a:1" },
        ],
      }),
    ],
    ["among flags", pod({ args: ["--enable-side=false", "--side-image=reg.example/a:1"] })],
  ])("makes the image optional: %s", (_, text) => {
    const [image, ...more] = findIn(text).images;

    expect(more).toEqual([]);
    expect(image).toMatchObject({ normalized: "reg.example/a:1", required: false });
    expect(image?.evidence[0]?.because).toMatch(/side.*(?:false|true|0|disabled|removed)/i);
  });

  it.each([
    thing({ side: { enabled: true, image: "reg.example/a:1" } }),
    thing({ image: "reg.example/a:1", metrics: { enabled: false } }),
    thing({ side: { mode: "standalone", state: "Managed", image: "reg.example/a:1" } }),
    thing({ mode: "off-line", image: "reg.example/a:1" }),
    thing({ side: { image: "reg.example/a:1" }, otherEnabled: false }),
    pod({
      env: [
        { name: "OTHER_ENABLED", value: "false" },
        { name: "SIDE_IMAGE", value: "reg.example/a:1" },
      ],
    }),
    pod({ image: "reg.example/a:1", enabled: false }),
  ])("does not apply to another part: %s", (text) => {
    expect(imagesIn(text)).toEqual(required("reg.example/a:1"));
  });

  it("has no effect when the image is also used elsewhere", () => {
    const text = thing({ side: { enabled: false, image: "reg.example/a:1" }, image: "reg.example/a:1" });

    expect(imagesIn(text)).toEqual(required("reg.example/a:1"));
  });
});

describe("alternatives that differ by a version", () => {
  const list = (more = ""): string =>
    config({
      "a.yaml": `${more}versions:\n- { version: "2", image: acme/a:2 }\n- { version: "1", image: acme/a:1 }\n`,
    });
  const choice = (version: string): string =>
    JSON.stringify({ apiVersion: "acme.org/v1", kind: "A", metadata: { name: "a" }, spec: { version } });

  it.each<readonly [string, string]>([
    ["a list", list()],
    [
      "a list with names",
      config({
        "a.yaml": JSON.stringify({
          all: [
            { name: "a2", version: 2, image: "acme/a:2" },
            { name: "a1", version: 1, image: "acme/a:1" },
          ],
        }),
      }),
    ],
    [
      "split references",
      config({
        "a.yaml": JSON.stringify({
          all: [
            { appVersion: "2", image: { repository: "acme/a", tag: "2" } },
            { appVersion: "1", image: { repository: "acme/a", tag: "1" } },
          ],
        }),
      }),
    ],
    [
      "a map by versions",
      config({ "a.yaml": 'images: { "2": { image: acme/a:2 }, "1": { image: acme/a:1 } }\n' }),
    ],
    [
      "a catalog",
      thing({
        images: [
          { major: 2, image: "acme/a:2" },
          { major: 1, image: "acme/a:1" },
        ],
      }),
    ],
  ])("are optional, with one warning: %s", (_, text) => {
    const { images, warnings } = findIn(text);

    expect(images.map((image) => [image.normalized, image.required])).toEqual([
      ["docker.io/acme/a:1", false],
      ["docker.io/acme/a:2", false],
    ]);
    expect(warnings).toMatchObject([{ code: "image-alternatives", incomplete: true }]);
    expect(warnings[0]?.hint).toContain("images.include");
  });

  it("are selected by a custom resource, without a warning", () => {
    const { images, warnings } = findIn(`${list()}\n---\n${choice("1")}`);

    expect(images.filter((image) => image.required).map(({ normalized }) => normalized)).toEqual([
      "docker.io/acme/a:1",
    ]);
    expect(warnings).toEqual([]);
  });

  it("may have a default, which is required without a warning", () => {
    const { images, warnings } = findIn(list('defaultVersion: "2"\n'));

    expect(images.filter((image) => image.required).map(({ normalized }) => normalized)).toEqual([
      "docker.io/acme/a:2",
    ]);
    expect(warnings).toEqual([]);
  });

  it.each([
    thing({
      pools: [
        { version: 2, image: "acme/a:2" },
        { version: 1, image: "acme/a:1" },
      ],
    }),
    config({
      "a.yaml":
        "parts:\n- { name: a, version: 2, image: acme/a:2 }\n- { name: b, version: 1, image: acme/b:1 }\n",
    }),
    config({ "a.yaml": "parts:\n- { name: a, image: acme/a:2 }\n- { name: b, image: acme/a:1 }\n" }),
  ])("are not images that run together: %s", (text) => {
    expect(findIn(text).images.map((image) => image.required)).toEqual([true, true]);
    expect(findIn(text).warnings).toEqual([]);
  });
});

describe("a text with a name in a configuration", () => {
  const SIDE = "spec:\n  containers:\n    - {{ if .X }}\n      image: reg.example/side:1\n";
  const EXTRA = "spec:\n  initContainers:\n    - name: {{ .Name }}\n      image: reg.example/extra:1\n";
  const settings = (value: object): string => config({ config: JSON.stringify(value) });
  const annotated = (annotations: object): string =>
    JSON.stringify({
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "d" },
      spec: { template: { metadata: { annotations }, spec: { containers: [] } } },
    });
  const templates = { side: SIDE, extra: EXTRA };

  it.each<readonly [string, object]>([
    ["a list of defaults", { defaultTemplates: ["side"], templates }],
    ["one default", { default_template: "side", templates }],
    ["a list of enabled ones", { inner: { enabledSnippets: ["side"], snippets: templates } }],
  ])("is optional unless %s contains it", (_, value) => {
    expect(imagesIn(settings(value))).toEqual([
      "optional reg.example/extra:1",
      "required reg.example/side:1",
    ]);
  });

  it("is required where an annotation selects it by its name", () => {
    const text = settings({ defaultTemplates: ["side"], templates });

    expect(imagesIn(`${text}\n---\n${annotated({ "inject.example/templates": "side,extra" })}`)).toEqual(
      required("reg.example/extra:1", "reg.example/side:1"),
    );
    expect(imagesIn(`${text}\n---\n${annotated({ "example/notes": "extra" })}`)).toContain(
      "optional reg.example/extra:1",
    );
  });

  it.each<readonly [string, object]>([
    ["no field selects any", { templates }],
    ["the field selects none of them", { defaultTemplates: ["other"], templates }],
    ["another map has the field", { defaultTemplates: ["side"], snippets: templates }],
  ])("is required where %s", (_, value) => {
    expect(imagesIn(settings(value))).toEqual(required("reg.example/extra:1", "reg.example/side:1"));
  });

  it("gives no warning of a choice", () => {
    expect(findIn(settings({ defaultTemplates: ["side"], templates })).warnings).toEqual([]);
  });
});
