// The `images.tar` in a bundle, loaded by other tools: docker, podman, containerd and skopeo.
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Inventory } from "../../src/core/bundle/inventory.js";
import { OCI_INDEX } from "../../src/core/oci/descriptor.js";
import { startNodes, type Nodes } from "../support/nodes.js";
import { needs } from "../support/parts.js";
import { mustRun } from "../support/run.js";
import { prepareViola, VIOLA_REQUIRED, type ViolaRun } from "./viola-run.js";

const SCALE = 0.01;

const describeAll = await needs("registries", "nodes", "helm", "shared", "skopeo", "podman", "root");

describeAll("images.tar", () => {
  let viola: ViolaRun;
  let nodes: Nodes;
  let inventory: Inventory;
  let bundle: string;
  let archive: string;

  beforeAll(async () => {
    [viola, nodes] = await Promise.all([prepareViola(SCALE), startNodes(0)]);
    bundle = join(viola.folder, "viola.bundle");
    archive = join(viola.folder, "images.tar");
    expect(await viola.cli("build", viola.spec, "-o", bundle, "--platform", "linux/amd64")).toMatchObject({
      code: 0,
    });
    await mustRun("tar", ["-xf", bundle, "-C", viola.folder, "images.tar", "bundle.json"]);
    inventory = JSON.parse(await mustRun("tar", ["-xOf", bundle, "bundle.json"])) as Inventory;
  });

  afterAll(async () => {
    await nodes.remove();
    await viola.close();
  });

  it("is imported from the bundle into a node with only tar and ctr, with the same digests", async () => {
    const [node = ""] = nodes.names;
    const command = `tar -xOf '${bundle}' images.tar | docker exec -i ${node} ctr -n k8s.io images import --no-unpack --platform linux/amd64 -`;
    await mustRun("sh", ["-c", command]);

    const listing = await nodes.exec(node, "ctr", "-n", "k8s.io", "images", "ls");
    for (const { normalized, digest } of inventory.images)
      expect(listing).toMatch(new RegExp(`^${escape(normalized)} .*${digest}`, "m"));
    expect(await nodes.exec(node, "ctr", "-n", "k8s.io", "images", "check")).not.toContain("incomplete");
  });

  it("is imported and unpacked by ctr", async () => {
    const [node = ""] = nodes.names;
    const command = `docker exec -i ${node} ctr -n unpacked images import --platform linux/amd64 - < '${archive}'`;
    await mustRun("sh", ["-c", command]);

    const checked = await nodes.exec(node, "ctr", "-n", "unpacked", "images", "check");
    expect(checked.split("\n").filter((row) => /complete .* true/.test(row))).toHaveLength(
      VIOLA_REQUIRED.length,
    );
  });

  it("is loaded by docker load", async () => {
    const said = await mustRun("docker", ["load", "-i", archive]);

    const loaded = [...said.matchAll(/^Loaded image: (\S+)$/gm)].map(([, name = ""]) => name);
    expect(loaded).toHaveLength(VIOLA_REQUIRED.length);
    await mustRun("docker", ["image", "rm", ...loaded]);
  });

  it("is loaded by podman load", async () => {
    // Podman rejects a --runroot of more than 50 characters.
    const folders = ["--root", join(viola.folder, "podman"), "--runroot", join(viola.folder, "run")];
    const podman = [...folders, "--storage-driver", "vfs"];
    await mustRun("podman", [...podman, "load", "-i", archive]);

    const names = await mustRun("podman", [...podman, "images", "--format", "{{.Repository}}:{{.Tag}}"]);
    expect(names.trim().split("\n").sort()).toEqual([...VIOLA_REQUIRED].sort());
  });

  it("is read by skopeo: as OCI archive for OCI media types, and as docker archive for those of Docker", async () => {
    const kinds = new Set<string>();
    for (const { normalized, mediaType } of inventory.images) {
      const kind = mediaType === OCI_INDEX ? "oci-archive" : "docker-archive";
      kinds.add(kind);
      const to = `dir:${join(viola.folder, "skopeo", encodeURIComponent(normalized))}`;
      await mustRun("mkdir", ["-p", join(viola.folder, "skopeo")]);
      await mustRun("skopeo", [
        "copy",
        "--insecure-policy",
        "--override-arch",
        "amd64",
        `${kind}:${archive}:${normalized}`,
        to,
      ]);
    }

    expect([...kinds].sort()).toEqual(["docker-archive", "oci-archive"]);
  });
});

function escape(text: string): string {
  return text.replace(/[.+*?^$()[\]{}|\\]/g, "\\$&");
}
