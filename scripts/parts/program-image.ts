// Generates images of one program (a layer, a config, a manifest), and provides operators'
// programs.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { partsPath } from "./home.js";
import type { MadeImage } from "./images.js";
import { blobPath } from "./layers.js";
import { OCI_CONFIG, OCI_LAYER, OCI_MANIFEST, type Descriptor } from "../../src/core/oci/descriptor.js";
import { digestOf } from "../../src/core/oci/digest.js";
import { makeGzipLayer } from "./tar-layer.js";

/** Generates a linux/amd64 image in a blob folder that starts the program at the path. */
export async function makeProgramImage(folder: string, path: string, program: Buffer): Promise<MadeImage> {
  mkdirSync(join(folder, "sha256"), { recursive: true });
  const store = (bytes: Buffer, mediaType: string): Descriptor => {
    const descriptor = { mediaType, digest: digestOf(bytes), size: bytes.length };
    writeFileSync(blobPath(folder, descriptor.digest), bytes);
    return descriptor;
  };
  const platform = { os: "linux", architecture: "amd64" };
  const zipped = await makeGzipLayer([{ path, bytes: program }]);
  const layer = store(zipped, `${OCI_LAYER}+gzip`);
  const rootfs = { type: "layers", diff_ids: [digestOf(gunzipSync(zipped))] };
  const config = store(
    Buffer.from(JSON.stringify({ ...platform, config: { Entrypoint: [`/${path}`] }, rootfs })),
    OCI_CONFIG,
  );
  const manifest = { schemaVersion: 2, mediaType: OCI_MANIFEST, config, layers: [layer] };
  const root = store(Buffer.from(JSON.stringify(manifest)), OCI_MANIFEST);
  return { root, children: [], blobs: [config, layer], platforms: [] };
}

/**
 * Returns a program of the shared folder, which is unpacked once: `agent-operator` of Grafana
 * 0.39.1, or `operator` of Prometheus 0.80.0.
 */
export function realProgram(sharedFolder: string, name: "agent-operator" | "operator"): Buffer {
  const file = partsPath("programs", name);
  if (!existsSync(file)) {
    const fresh = `${file}.${process.pid}`;
    mkdirSync(partsPath("programs"), { recursive: true });
    mkdirSync(fresh);
    execFileSync("tar", ["-xJf", join(sharedFolder, "kube/programs.tar.xz"), "-C", fresh, name]);
    renameSync(join(fresh, name), file);
  }
  return readFileSync(file);
}
