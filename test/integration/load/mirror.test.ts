// The sole mirror on real nodes: it gets the requests for every registry, and the node's settings
// are restored in all cases.
import { once } from "node:events";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import type { ClusterNode } from "../../../src/core/load/node.js";
import { startNodes, type Nodes } from "../../support/nodes.js";
import { needs } from "../../support/parts.js";
import { mustRun, start } from "../../support/run.js";
import { kindTarget } from "./kind.js";

const describeNodes = await needs("nodes");
const { signal } = new AbortController();
const CERTS = "/etc/containerd/certs.d";
const ENDPOINT = "http://127.0.0.1:1/path";

describeNodes("a node's only mirror", () => {
  let nodes: Nodes;
  let node: ClusterNode;
  let before: string;
  const sh = (script: string): Promise<string> => nodes.exec(nodes.names[0] ?? "", "sh", "-c", script);
  const settings = (): Promise<string> =>
    sh(`cd /etc/containerd && find . -type f | sort | xargs tail -n +1`);

  beforeAll(async () => {
    nodes = await startNodes(0);
    const [found] = await kindTarget(nodes.cluster).findNodes(signal);
    if (found === undefined) throw new Error("no node");
    node = found;
    await sh(
      `mkdir -p ${CERTS}/quay.io ${CERTS}/_default && echo '# mine' | tee ${CERTS}/quay.io/hosts.toml > ${CERTS}/_default/hosts.toml`,
    );
    before = await settings();
  });
  afterAll(() => nodes.remove());
  afterEach(async () => {
    await expect.poll(settings, { timeout: 20_000 }).toBe(before);
  });

  it("replaces the settings of the node until it is removed", async () => {
    const mirror = await node.mirrorAll(ENDPOINT, signal);
    const meanwhile = await sh(`ls ${CERTS}; cat ${CERTS}/_default/hosts.toml`);
    await mirror.lift();

    expect(meanwhile).toContain(ENDPOINT);
    expect(meanwhile).not.toContain("quay.io");
    expect(meanwhile).not.toContain("# mine");
  });

  it("belongs to one rehearsal at a time", async () => {
    const mirror = await node.mirrorAll(ENDPOINT, signal);
    await expect(node.mirrorAll(ENDPOINT, signal)).rejects.toMatchObject({
      code: "NODE_LOAD_FAILED",
      subject: node.name,
    });
    await mirror.lift();
  });

  it("is removed by the node itself when the rehearsal is gone", async () => {
    const program = join(import.meta.dirname, "mirror-and-wait.ts");
    const { process: child, result } = start(process.execPath, [
      "--import",
      "tsx",
      program,
      nodes.cluster,
      ENDPOINT,
    ]);
    await once(child.stdout, "data");
    expect(await settings()).not.toBe(before);
    child.kill("SIGKILL");

    expect(await result).toMatchObject({ code: 137, stdout: "mirrored\n" });
  });

  /** Kills the script that would remove the mirror. */
  const abandon = async (): Promise<void> => {
    const mirror = await node.mirrorAll(ENDPOINT, signal);
    await sh('kill -9 "$(cat /run/viola-airgap.mirror/owner)"');
    await mirror.lift();
    expect(await settings()).not.toBe(before);
  };

  it("is removed by the next command of any kind when the node killed the script", async () => {
    await abandon();

    await kindTarget(nodes.cluster).findNodes(signal);

    expect(await settings()).toBe(before);
  });

  it("is replaced by the next rehearsal when the node killed the script, and its number is used again", async () => {
    await abandon();
    await sh("echo 1 > /run/viola-airgap.mirror/owner");

    const mirror = await node.mirrorAll(`${ENDPOINT}/next`, signal);
    const meanwhile = await sh(`cat ${CERTS}/_default/hosts.toml`);
    await mirror.lift();

    expect(meanwhile).toContain(`${ENDPOINT}/next`);
  });

  it("does not survive a restart of the node", async () => {
    const [name = ""] = nodes.names;
    const mirror = await node.mirrorAll(ENDPOINT, signal);
    await mustRun("docker", ["kill", name]);
    await mirror.lift();
    await mustRun("docker", ["start", name]);

    expect(await settings()).toBe(before);
    await expect.poll(() => sh("ctr version || true"), { timeout: 20_000 }).toContain("Server");
    await (await node.mirrorAll(ENDPOINT, signal)).lift();
  });

  it("leaves no folder where there was none", async () => {
    await sh(`mv ${CERTS} /root/certs.d`);
    try {
      const mirror = await node.mirrorAll(ENDPOINT, signal);
      expect(await sh(`cat ${CERTS}/_default/hosts.toml`)).toContain(ENDPOINT);
      await mirror.lift();
      expect(await sh(`ls -d ${CERTS} 2>/dev/null || echo none`)).toBe("none\n");
    } finally {
      await sh(`mv /root/certs.d ${CERTS}`);
    }
  });

  it("is refused, with the missing setting, when containerd does not read such settings", async () => {
    await sh("sed -i 's/config_path/# config_path/' /etc/containerd/config.toml");
    try {
      await expect(node.mirrorAll(ENDPOINT, signal)).rejects.toMatchObject({
        code: "NODE_LOAD_FAILED",
        hint: expect.stringContaining(CERTS) as string,
      });
    } finally {
      await sh("sed -i 's/# config_path/config_path/' /etc/containerd/config.toml");
    }
  });
});
