// Kind-like nodes: the labels of Kind, and a containerd that imports and runs images.
import { afterAll, beforeAll, expect, test } from "vitest";
import { startNodes, type Nodes } from "../../support/nodes.js";
import { needs } from "../../support/parts.js";
import { mustRun } from "../../support/run.js";

const describeNodes = await needs("nodes");

describeNodes("nodes", () => {
  let nodes: Nodes;
  beforeAll(async () => {
    nodes = await startNodes(2);
  });
  afterAll(async () => {
    await nodes.remove();
    expect(
      await mustRun("docker", ["ps", "-aq", "--filter", `label=io.x-k8s.kind.cluster=${nodes.cluster}`]),
    ).toBe("");
  });

  test("are found by Kind's labels, with their roles", async () => {
    const format = '{{.Names}} {{.Label "io.x-k8s.kind.role"}}';
    const listed = await mustRun("docker", [
      "ps",
      ...["--filter", `label=io.x-k8s.kind.cluster=${nodes.cluster}`, "--format", format],
    ]);
    expect(listed.trim().split("\n").sort()).toEqual([
      `${nodes.cluster}-control-plane control-plane`,
      `${nodes.cluster}-worker worker`,
      `${nodes.cluster}-worker2 worker`,
    ]);
  });

  test("each responds to ctr", async () => {
    for (const name of nodes.names) expect(await nodes.exec(name, "ctr", "version")).toContain("Server:");
  });

  test("run a container from an imported image", async () => {
    const [node = ""] = nodes.names;
    // The image is the root file system of the node, which is available and has a shell.
    await nodes.exec(
      node,
      "sh",
      "-c",
      `set -e; cd /var; mkdir root; tar -C / -cf root/layer.tar bin/busybox bin/sh bin/echo; cd root
      diff=$(sha256sum layer.tar | cut -d " " -f 1)
      printf '{"architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' $diff > config.json
      printf '[{"Config":"config.json","RepoTags":["example.com/self:1"],"Layers":["layer.tar"]}]' > manifest.json
      tar -cf - manifest.json config.json layer.tar | ctr -n k8s.io images import -`,
    );
    const said = await nodes.exec(
      node,
      ...["ctr", "-n", "k8s.io", "run", "--rm", "example.com/self:1", "try", "/bin/echo", "it runs"],
    );
    expect(said.trim()).toBe("it runs");
  });
});
