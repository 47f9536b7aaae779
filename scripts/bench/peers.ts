// The peers of the build lines: each takes the same 17 images from the same registry to one file (the floor: to files) on the same disk.
import { execFileSync } from "node:child_process";
import { existsSync, statSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { hexOf } from "../../src/core/oci/digest.js";
import { partsPath } from "../parts/home.js";
import type { Cost } from "./lines.js";
import { withFolder, type Door, type Stack } from "./stack.js";
import { timed, timedSequence } from "./timed.js";

/** The version that the figures of the reference notes were measured with. */
const CRANE = "github.com/google/go-containerregistry/cmd/crane@v0.20.6";

/** Names of the images in a registry. */
function namesIn(stack: Stack, door: Door): readonly string[] {
  return stack.references.map((reference) => `${door.host}/${stack.prefix}/${reference}`);
}

/** `docker pull` of each image, then `docker save` of all into `place`; the size is that of the saved file. */
export async function dockerPullAndSave(
  stack: Stack,
  place?: string,
): Promise<Cost & { readonly size: number }> {
  const names = namesIn(stack, stack.plain);
  const remove = (): void => {
    // Says no for images that are not there, which is what is wanted.
    for (const name of names) ignoreFailure("docker", ["image", "rm", "-f", name]);
  };
  remove();
  try {
    return await withFolder(async (folder) => {
      const file = join(folder, "images.tar");
      const pulls = names.map((name) => ["docker", "pull", "-q", name] as const);
      const cost = await timedSequence([...pulls, ["docker", "save", "-o", file, ...names]]);
      return { ...cost, size: statSync(file).size };
    }, place);
  } finally {
    remove();
  }
}

/** `skopeo copy` of one image after another into one OCI layout, then `tar`. */
export function skopeoAndTar(stack: Stack): Promise<Cost> {
  return withFolder((folder) =>
    timedSequence([
      ...namesIn(stack, stack.plain).map(
        (name, number) =>
          [
            "skopeo",
            "copy",
            "-q",
            "--src-tls-verify=false",
            `docker://${name}`,
            `oci:${folder}/layout:${number}`,
          ] as const,
      ),
      ["tar", "-C", `${folder}/layout`, "-cf", `${folder}/images.tar`, "."],
    ]),
  );
}

/** `crane pull` of all images into one file. */
export function cranePull(crane: string, stack: Stack, door: Door): Promise<Cost> {
  const env = {
    ...process.env,
    DOCKER_CONFIG: door.dockerConfig,
    ...(door.caFile !== undefined && { SSL_CERT_FILE: door.caFile }),
  };
  return withFolder((folder) =>
    timed(crane, ["pull", "--platform", "linux/amd64", ...namesIn(stack, door), join(folder, "images.tar")], {
      env,
    }),
  );
}

/** Returns the path of crane, which is built once when there is Go; undefined when it is not to be had. */
export function findCrane(): string | undefined {
  const own = partsPath("bin", "crane");
  const places = [...(process.env["PATH"] ?? "").split(":"), join(homedir(), "go/bin")].map((folder) =>
    join(folder, "crane"),
  );
  const found = [...places, own].find((file) => existsSync(file));
  if (found !== undefined) return found;
  ignoreFailure("go", ["install", CRANE], { ...process.env, GOBIN: partsPath("bin") });
  return existsSync(own) ? own : undefined;
}

/** Four connections of curl fetch every blob into a file of its own, and nothing is checked. */
export function curlFloor(stack: Stack, door: Door): Promise<Cost> {
  return withFolder((folder) => {
    const list = join(folder, "list");
    const lines = stack.blobs.flatMap(({ repository, descriptor: { digest } }) => [
      `url = "${door.url}/v2/${repository}/blobs/${digest}"`,
      `output = "${join(folder, hexOf(digest))}"`,
    ]);
    writeFileSync(list, lines.join("\n"));
    const access = [
      ...(door.login === undefined ? [] : ["-u", door.login]),
      ...(door.caFile === undefined ? [] : ["--cacert", door.caFile]),
    ];
    return timed("curl", ["-sS", "--fail", "--parallel", "--parallel-max", "4", ...access, "-K", list]);
  });
}

function ignoreFailure(program: string, args: readonly string[], env = process.env): void {
  try {
    execFileSync(program, args, { stdio: "ignore", env });
  } catch {
    // What matters is what is there afterwards.
  }
}
