// The peers of the build lines: each copies the same 17 images from the same registry to one file
// (curl: to several files) on the same disk.
import { execFileSync } from "node:child_process";
import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hexOf } from "../../src/core/oci/digest.js";
import { findGoProgram } from "../parts/go-program.js";
import type { Cost } from "./lines.js";
import { withFolder, type Endpoint, type Stack } from "./stack.js";
import { timed, timedSequence } from "./timed.js";

/** The version that the reference figures were measured with. */
const CRANE = "github.com/google/go-containerregistry/cmd/crane@v0.20.6";

/** Returns the names of the images in a registry. */
function namesIn(stack: Stack, endpoint: Endpoint): readonly string[] {
  return stack.references.map((reference) => `${endpoint.host}/${stack.prefix}/${reference}`);
}

/**
 * Runs `docker pull` for each image, then `docker save` for all into `place`. The size is that of
 * the saved file.
 */
export async function dockerPullAndSave(
  stack: Stack,
  place?: string,
): Promise<Cost & { readonly size: number }> {
  const names = namesIn(stack, stack.plain);
  const remove = (): void => {
    // Fails for images that do not exist, which is expected.
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

/** Runs `skopeo copy` for each image into one OCI layout, then `tar`. */
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

/** Runs `crane pull` for all images into one file. */
export function cranePull(crane: string, stack: Stack, endpoint: Endpoint): Promise<Cost> {
  const env = {
    ...process.env,
    DOCKER_CONFIG: endpoint.dockerConfig,
    ...(endpoint.caFile !== undefined && { SSL_CERT_FILE: endpoint.caFile }),
  };
  return withFolder((folder) =>
    timed(
      crane,
      ["pull", "--platform", "linux/amd64", ...namesIn(stack, endpoint), join(folder, "images.tar")],
      {
        env,
      },
    ),
  );
}

/** Returns the path of crane; undefined when it is not available. */
export function findCrane(): string | undefined {
  return findGoProgram(CRANE);
}

/**
 * Fetches every blob to a separate file with four connections of curl, then hashes all of them once
 * with openssl.
 */
export function curlFloor(stack: Stack, endpoint: Endpoint): Promise<Cost> {
  return withFolder((folder) => {
    const list = join(folder, "list");
    const lines = stack.blobs.flatMap(({ repository, descriptor: { digest } }) => [
      `url = "${endpoint.url}/v2/${repository}/blobs/${digest}"`,
      `output = "${join(folder, hexOf(digest))}"`,
    ]);
    writeFileSync(list, lines.join("\n"));
    const access = [
      ...(endpoint.login === undefined ? [] : ["-u", endpoint.login]),
      ...(endpoint.caFile === undefined ? [] : ["--cacert", endpoint.caFile]),
    ];
    return timedSequence([
      ["curl", "-sS", "--fail", "--parallel", "--parallel-max", "4", ...access, "-K", list],
      ["sh", "-c", `cat "$1"/* | openssl dgst -sha256`, "sh", folder],
    ]);
  });
}

function ignoreFailure(program: string, args: readonly string[], env = process.env): void {
  try {
    execFileSync(program, args, { stdio: "ignore", env });
  } catch {
    // Callers check the result instead.
  }
}
