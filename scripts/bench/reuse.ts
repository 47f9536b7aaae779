// The group `reuse`: the bytes that are fetched when one image of the stack has changed since an
// earlier bundle.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { partsPath } from "../parts/home.js";
import { makeImage } from "../parts/images.js";
import { pushImage } from "../parts/push.js";
import type { Line } from "./lines.js";
import { buildArguments, buildEnvironment } from "./ours.js";
import { withFolder, type Stack } from "./stack.js";

const MB = 1e6;
/** The changed image: Promtail, about a tenth of the stack. */
const CHANGED = "docker.io/grafana/promtail";

/** Measures the bytes fetched for the second bundle. The peer is the size of the new blobs. */
export async function* reuseLines(stack: Stack): AsyncGenerator<Line> {
  const known = new Set(stack.blobs.map(({ descriptor }) => descriptor.digest));
  const image = makeImage(partsPath("blobs"), {
    seed: `${CHANGED}:changed`,
    mediaTypes: "oci",
    layers: [Math.round(stack.layerBytes / 20), Math.round(stack.layerBytes / 40)],
  });
  await pushImage(
    { url: stack.plain.url },
    partsPath("blobs"),
    image,
    `${stack.prefix}/${CHANGED}`,
    "changed",
  );
  const own = image.platforms[0];
  const newBytes = (own === undefined ? [] : [own.config, ...own.layers])
    .filter(({ digest }) => !known.has(digest))
    .reduce((sum, { size }) => sum + size, 0);

  const fetched = await withFolder(async (folder) => {
    const [before, after] = [join(folder, "before.bundle"), join(folder, "after.bundle")];
    await build(stack, before, stack.references);
    const changed = stack.references.map((reference) =>
      reference.startsWith(`${CHANGED}:`) ? `${CHANGED}:changed` : reference,
    );
    return build(stack, after, changed, "--reuse", before);
  });
  yield {
    id: "reuse/changed",
    unit: "MB",
    ours: fetched / MB,
    peer: newBytes / MB,
    ratio: fetched / newBytes,
    goal: "new blobs only",
    holds: fetched <= newBytes,
    note: `one of ${stack.references.length} images changed; peer: its new blobs`,
  };
}

/** Builds a bundle and resolves to the number of bytes fetched from the registry. */
async function build(
  stack: Stack,
  file: string,
  references: readonly string[],
  ...more: readonly string[]
): Promise<number> {
  const args = [...buildArguments(stack, stack.plain, file, references), "--json", "--quiet", ...more];
  const { stdout } = await promisify(execFile)(process.execPath, args, {
    env: buildEnvironment(stack.plain),
  });
  return (JSON.parse(stdout) as { readonly fetchedBytes: number }).fetchedBytes;
}
