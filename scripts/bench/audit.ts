// The group `audit`: the audit of a spec, and the audit of a large bundle.
import { closeSync, ftruncateSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { finishInventory, planArchive } from "../../src/core/bundle/archive-plan.js";
import { FORMAT_VERSION, inventoryImage } from "../../src/core/bundle/inventory.js";
import { formatReference, parseReference } from "../../src/core/images/reference.js";
import type { ResolvedImage } from "../../src/core/images/resolved-image.js";
import { OCI_CONFIG, OCI_LAYER, OCI_MANIFEST, type Descriptor } from "../../src/core/oci/descriptor.js";
import { digestOf } from "../../src/core/oci/digest.js";
import { within, type Line } from "./lines.js";
import { auditArguments, buildEnvironment, PROGRAM } from "./ours.js";
import { withFolder, type Stack } from "./stack.js";
import { timed } from "./timed.js";

const IMAGES = 300;
const LAYERS_EACH = 10;

export async function* auditLines(stack: Stack, rounds: number): AsyncGenerator<Line> {
  const env = buildEnvironment(stack.plain);
  const spec = await repeat(rounds, () =>
    timed(process.execPath, auditArguments(stack, stack.plain), { env }),
  );
  yield within(
    "audit/spec",
    3,
    spec,
    `${stack.references.length} images, sizes from manifests and the ends of layers`,
  );

  const large = await withFolder((folder) => {
    const file = writeLargeBundle(folder);
    return repeat(rounds, () => timed(process.execPath, [PROGRAM, "audit", file, "--json"], { env }));
  });
  yield within("audit/large", 2, large, `${IMAGES} images, ${IMAGES * LAYERS_EACH} layers in a bundle`);
}

async function repeat(
  rounds: number,
  run: () => Promise<{ readonly seconds: number }>,
): Promise<readonly number[]> {
  const seconds: number[] = [];
  for (let round = 0; round < rounds; round++) seconds.push((await run()).seconds);
  return seconds;
}

/** Writes a complete bundle in which every layer is tiny and unique. Returns its path. */
function writeLargeBundle(folder: string): string {
  const contents = new Map<string, Buffer>();
  const put = (mediaType: string, text: string): Descriptor => {
    const bytes = Buffer.from(text);
    const digest = digestOf(text);
    contents.set(digest, bytes);
    return { mediaType, digest, size: bytes.length };
  };
  const images = Array.from({ length: IMAGES }, (_, number) => imageOf(number, put, contents));
  const plan = planArchive({
    inventory: {
      formatVersion: FORMAT_VERSION,
      name: "large",
      version: "1",
      createdFrom: { spec: digestOf(""), tool: "bench" },
      platforms: ["linux/amd64"],
      apiVersions: [],
      releases: [],
      images: images.map(inventoryImage),
      excluded: [],
      warnings: [],
    },
    files: [],
    images,
  });
  const file = join(folder, "large.bundle");
  const handle = openSync(file, "w");
  ftruncateSync(handle, plan.size);
  for (const { bytes, offset } of [...plan.pieces, finishInventory(plan, new Map())])
    writeSync(handle, bytes, 0, bytes.length, offset);
  for (const { digest, offset } of plan.blobs)
    writeSync(handle, contents.get(digest) ?? Buffer.alloc(0), 0, null, offset);
  closeSync(handle);
  return file;
}

function imageOf(
  number: number,
  put: (mediaType: string, text: string) => Descriptor,
  contents: ReadonlyMap<string, Buffer>,
): ResolvedImage {
  const name = formatReference(
    parseReference(`registry.example/team-${number % 20}/image-${number}:v1.${number}`),
  );
  const layers = Array.from({ length: LAYERS_EACH }, (_, layer) =>
    put(`${OCI_LAYER}+gzip`, `${name} layer ${layer}`),
  );
  const config = put(OCI_CONFIG, JSON.stringify({ os: "linux", architecture: "amd64", title: name }));
  const root = put(
    OCI_MANIFEST,
    JSON.stringify({ schemaVersion: 2, mediaType: OCI_MANIFEST, config, layers }),
  );
  return {
    use: {
      reference: name,
      normalized: name,
      required: true,
      confidence: "certain",
      evidence: Array.from({ length: 3 }, (_, place) => ({
        rule: "pod-spec",
        chart: `chart-${number % 20}-1.0.0`,
        template: `chart-${number % 20}/templates/deployment-${number}.yaml`,
        object: `Deployment team-${number % 20}/image-${number}`,
        path: `spec.template.spec.containers[${place}].image`,
        value: name,
      })),
    },
    names: [name],
    root,
    manifests: [{ ...root, bytes: contents.get(root.digest) ?? Buffer.alloc(0) }],
    platforms: [{ platform: { os: "linux", architecture: "amd64" }, manifest: root, config, layers }],
    sources: new Map(),
    rebuilt: false,
  };
}
