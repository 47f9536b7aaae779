// Our side of the build lines: runs the built command, from a list of images to the finished bundle
// file.
import { existsSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { stringify } from "yaml";
import { partsPath } from "../parts/home.js";
import type { Cost } from "./lines.js";
import { withFolder, type Endpoint, type Stack } from "./stack.js";
import { timed } from "./timed.js";
import { withViolaSpec } from "./viola-spec.js";

/** Path of the built command. */
export const PROGRAM = resolve(import.meta.dirname, "../../dist/main.js");

/**
 * Runs `build` for a spec with the 17 images and no chart: resolves tags, fetches and verifies the
 * content, and writes and syncs the file. Resolves to the cost and the size of the bundle. Throws
 * when `npm run build` has not been run.
 */
export function oursBuild(
  stack: Stack,
  endpoint: Endpoint,
  place?: string,
): Promise<Cost & { readonly size: number }> {
  return withFolder(async (folder) => {
    const file = join(folder, "viola.bundle");
    const cost = await timed(process.execPath, buildArguments(stack, endpoint, file), {
      env: buildEnvironment(endpoint),
    });
    return { ...cost, size: statSync(file).size };
  }, place);
}

/**
 * Runs the complete command for the spec of the viola stack: fetches, packages and renders charts,
 * finds images, then as `oursBuild`. `url` is that of the registry with the images.
 */
export function wholeBuild(stack: Stack, url: string): Promise<Cost> {
  const images = `${url}/${stack.prefix}/{registry}`;
  return withFolder((folder) =>
    withViolaSpec(folder, images, ({ spec, config }) => {
      const argv = [PROGRAM, "build", spec, "-o", join(folder, "viola.bundle"), "--source", "registry"];
      return timed(process.execPath, [...argv, "--config", config], { env: buildEnvironment(stack.plain) });
    }),
  );
}

/**
 * Returns the arguments for Node.js that build a bundle of the given images (default: those of the
 * stack).
 */
export function buildArguments(
  stack: Stack,
  endpoint: Endpoint,
  file: string,
  references = stack.references,
): readonly string[] {
  const { spec, config } = writeInput(stack, endpoint, references);
  return [PROGRAM, "build", spec, "-o", file, "--source", "registry", "--config", config];
}

/** Returns the arguments for Node.js that audit a spec with the images of the stack. */
export function auditArguments(stack: Stack, endpoint: Endpoint): readonly string[] {
  const { spec, config } = writeInput(stack, endpoint, stack.references);
  return [PROGRAM, "audit", spec, "--json", "--config", config];
}

/** Writes the spec and the settings. */
function writeInput(
  stack: Stack,
  endpoint: Endpoint,
  references: readonly string[],
): { readonly spec: string; readonly config: string } {
  if (!existsSync(PROGRAM)) throw new Error(`${PROGRAM} does not exist; run: npm run build`);
  const folder = partsPath("bench");
  mkdirSync(folder, { recursive: true });
  const spec = join(folder, "spec.yaml");
  const config = join(folder, "config.yaml");
  writeFileSync(
    spec,
    stringify({
      name: "viola",
      version: "1",
      platforms: ["linux/amd64"],
      charts: [],
      images: { include: references },
    }),
  );
  writeFileSync(
    config,
    stringify({
      mirrors: { "*": { endpoints: [`${endpoint.url}/${stack.prefix}/{registry}`], only: true } },
      ...(endpoint.caFile !== undefined && { ca: endpoint.caFile }),
    }),
  );
  return { spec, config };
}

export function buildEnvironment(endpoint: Endpoint): Record<string, string | undefined> {
  return { PATH: process.env["PATH"], HOME: partsPath("bench"), DOCKER_CONFIG: endpoint.dockerConfig };
}
