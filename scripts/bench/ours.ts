// This project's side of the build lines: the built command, from a list of images to the finished bundle file.
import { existsSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { stringify } from "yaml";
import { partsPath } from "../parts/home.js";
import type { Cost } from "./lines.js";
import { withFolder, type Door, type Stack } from "./stack.js";
import { timed } from "./timed.js";
import { withViolaSpec } from "./viola-spec.js";

/** The built command. */
export const PROGRAM = resolve(import.meta.dirname, "../../dist/main.js");

/**
 * `build` of a spec that names the 17 images and no chart: tags are resolved, content is fetched and checked, the file is written
 * and synced. Resolves to its cost and the size of the bundle. Throws before `npm run build`.
 */
export function oursBuild(
  stack: Stack,
  door: Door,
  place?: string,
): Promise<Cost & { readonly size: number }> {
  return withFolder(async (folder) => {
    const file = join(folder, "viola.bundle");
    const cost = await timed(process.execPath, buildArguments(stack, door, file), {
      env: buildEnvironment(door),
    });
    return { ...cost, size: statSync(file).size };
  }, place);
}

/** The whole command on the first user's spec: charts are fetched, packaged and rendered, images found, then as `oursBuild`. */
export function wholeBuild(stack: Stack): Promise<Cost> {
  const images = `${stack.plain.url}/${stack.prefix}/{registry}`;
  return withFolder((folder) =>
    withViolaSpec(folder, images, ({ spec, config }) => {
      const argv = [PROGRAM, "build", spec, "-o", join(folder, "viola.bundle"), "--source", "registry"];
      return timed(process.execPath, [...argv, "--config", config], { env: buildEnvironment(stack.plain) });
    }),
  );
}

/** Returns the arguments of Node that build the bundle, of the stack's images or of others, into a file. */
export function buildArguments(
  stack: Stack,
  door: Door,
  file: string,
  references = stack.references,
): readonly string[] {
  const { spec, config } = writeInput(stack, door, references);
  return [PROGRAM, "build", spec, "-o", file, "--source", "registry", "--config", config];
}

/** Returns the arguments of Node that audit a spec of the stack's images. */
export function auditArguments(stack: Stack, door: Door): readonly string[] {
  const { spec, config } = writeInput(stack, door, stack.references);
  return [PROGRAM, "audit", spec, "--json", "--config", config];
}

/** Writes the spec and the settings. */
function writeInput(
  stack: Stack,
  door: Door,
  references: readonly string[],
): { readonly spec: string; readonly config: string } {
  if (!existsSync(PROGRAM)) throw new Error(`no ${PROGRAM}: npm run build`);
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
      mirrors: { "*": { endpoints: [`${door.url}/${stack.prefix}/{registry}`], only: true } },
      ...(door.caFile !== undefined && { ca: door.caFile }),
    }),
  );
  return { spec, config };
}

export function buildEnvironment(door: Door): Record<string, string | undefined> {
  return { PATH: process.env["PATH"], HOME: partsPath("bench"), DOCKER_CONFIG: door.dockerConfig };
}
