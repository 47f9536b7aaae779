// README.txt and README.ko.txt: they describe this bundle, and have the same commands.
import { expect, it } from "vitest";
import type { InventoryImage } from "../../../../src/core/bundle/inventory.js";
import { bundleReadmes, type ReadmeContents } from "../../../../src/core/bundle/readme.js";
import { formatReference, parseReference } from "../../../../src/core/images/reference.js";
import { OCI_CONFIG, OCI_MANIFEST } from "../../../../src/core/oci/descriptor.js";
import { digestOf, hexOf } from "../../../../src/core/oci/digest.js";

const LAYER = "application/vnd.oci.image.layer.v1.tar+gzip";
const descriptor = (content: string, size: number) => ({ digest: digestOf(content), size });

/** An image with a config of 1 kB and a layer of 100 MB on each platform, and a shared layer of 200 MB. */
const image = (name: string, platforms: readonly string[]): InventoryImage => {
  const normalized = formatReference(parseReference(name));
  return {
    reference: name,
    normalized,
    required: true,
    confidence: "certain",
    evidence: [],
    names: [normalized],
    digest: digestOf(normalized),
    mediaType: OCI_MANIFEST,
    manifests: [],
    rebuilt: false,
    platforms: platforms.map((platform) => ({
      platform,
      digest: digestOf(`${normalized} ${platform}`),
      config: { mediaType: OCI_CONFIG, ...descriptor(`config ${normalized} ${platform}`, 1000) },
      layers: [
        { mediaType: LAYER, uncompressedSize: null, ...descriptor(`base ${platform}`, 200e6) },
        { mediaType: LAYER, uncompressedSize: null, ...descriptor(`${normalized} ${platform}`, 100e6) },
      ],
    })),
  };
};

const release = (name: string, namespace: string) => ({
  name,
  namespace,
  chart: { name: `${name}-chart`, version: "1.2.3" },
  file: `charts/${name}-chart-1.2.3.tgz`,
  sha256: hexOf(digestOf(name)),
  values: [`values/${name}.1.yaml`, `values/${name}.2.yaml`],
});

const inventory: ReadmeContents["inventory"] = {
  formatVersion: 1,
  name: "viola",
  version: "1.0.0",
  createdFrom: { spec: digestOf("spec"), tool: "viola-airgap 0.1.0" },
  platforms: ["linux/amd64", "linux/arm64"],
  kubeVersion: "v1.30.2",
  apiVersions: [],
  releases: [release("crds", "base"), release("app", "monitoring")],
  images: [
    image("quay.io/a/one:1", ["linux/amd64", "linux/arm64"]),
    image("quay.io/a/two:2", ["linux/amd64"]),
  ],
  excluded: [],
  warnings: [],
};
const contents: ReadmeContents = {
  inventory,
  programs: ["helm", "kubectl"],
  rehearsal: { date: "2026-11-20T01:02:03Z", kubeVersion: "v1.30.4" },
};

const readmes = (of: ReadmeContents = contents): readonly string[] =>
  bundleReadmes(of).map(({ bytes }) => Buffer.from(bytes).toString());
const commandsOf = (text: string): readonly string[] =>
  text
    .split("\n")
    .flatMap((line) => /^ {2}((?:viola-airgap|sh|tar|helm|docker|kind) .+)$/.exec(line)?.[1] ?? []);

it("is there in English and Korean, whatever the locale is", () => {
  expect(bundleReadmes(contents).map(({ path }) => path)).toEqual(["README.txt", "README.ko.txt"]);
  const [english = "", korean = ""] = readmes();
  expect(english).not.toMatch(/\p{Script=Hangul}/u);
  expect(korean).toMatch(/\p{Script=Hangul}/u);
});

it.each([
  ["README.txt", 0],
  ["README.ko.txt", 1],
])("%s describes the content", (_, index) => {
  const text = readmes()[index] ?? "";

  for (const fact of [
    "viola 1.0.0",
    "v1.30.2",
    "viola-airgap 0.1.0",
    digestOf("spec"),
    "2026-11-20",
    "v1.30.4",
  ])
    expect(text).toContain(fact);
  for (const { name, namespace, file, sha256, values } of inventory.releases)
    for (const fact of [name, namespace, file, sha256, ...values]) expect(text).toContain(fact);
  // Each blob once: 2 bases and 3 layers. A node stores only its own platform.
  expect(text).toMatch(/ 2\D.* 700 MB\n/);
  expect(text).toMatch(/ {2}linux\/amd64 \S+ +400 MB\n/);
  expect(text).toMatch(/ {2}linux\/arm64 \S+ +300 MB\n/);
  expect(text).toContain(`  quay.io/a/one:1  600 MB\n    ${digestOf("quay.io/a/one:1")}\n`);
  expect(text).toContain("helm, kubectl");
});

it("has the same commands in every language", () => {
  const [english = "", korean = ""] = readmes();

  expect(commandsOf(korean)).toEqual(commandsOf(english));
});

it("has the commands for this bundle", () => {
  const commands = commandsOf(readmes()[0] ?? "");

  expect(commands).toEqual(
    expect.arrayContaining([
      "viola-airgap load BUNDLE --to kind:CLUSTER --install",
      "viola-airgap install BUNDLE --to kind:CLUSTER",
      "sh load.sh BUNDLE --to kind:CLUSTER --install",
      "helm upgrade --install app charts/app-chart-1.2.3.tgz --namespace monitoring --create-namespace -f values/app.1.yaml -f values/app.2.yaml",
      "helm rollback app --namespace monitoring --wait",
    ]),
  );
  const uninstalled = commands.filter((command) => command.startsWith("helm uninstall"));
  expect(uninstalled.map((command) => command.split(" ")[2])).toEqual(["app", "crds"]);
});

it("asks for the values that are not in the bundle", () => {
  const releases = [{ ...release("app", "shop"), values: [], withheldValues: { keys: [] } }];
  const commands = commandsOf(readmes({ ...contents, inventory: { ...inventory, releases } })[0] ?? "");

  const installing = commands.filter((command) => /install/.test(command) && !/uninstall/.test(command));
  expect(installing.filter((command) => !command.endsWith("-f FILE"))).toEqual([]);
});

it("has no commands for releases and images that the bundle does not have", () => {
  const [text = ""] = readmes({ inventory: { ...inventory, releases: [], images: [] }, programs: [] });

  expect(commandsOf(text).filter((command) => /helm|install|import/.test(command))).toEqual([]);
});

it("creates a Kind cluster from the image that the bundle has for it", () => {
  const hostImages = [image("docker.io/kindest/node:v1.30.2", ["linux/amd64"])];
  const [text = ""] = readmes({ ...contents, inventory: { ...inventory, hostImages } });

  expect(commandsOf(text)).toContain(
    "kind create cluster --name CLUSTER --image docker.io/kindest/node:v1.30.2",
  );
});
