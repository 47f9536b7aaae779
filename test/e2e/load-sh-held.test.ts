// load.sh and garbage collection: content that counts as present on a node remains until the images
// exist.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { OpenBundle } from "../../src/workflows/ports.js";
import { bundleOf } from "../support/bundle-of.js";
import { startContainerd, type Containerd } from "../support/containerd.js";
import { containerds } from "../support/containerds.js";
import { COLLECT, findCtr, leaveBlob, pathWithCtr } from "../support/left-blob.js";
import { needs } from "../support/parts.js";
import { ROOT } from "../support/paths.js";
import { run, type RunResult } from "../support/run.js";

const SCRIPT = join(ROOT, "manifests/bundle/load.sh");
const NAME = "quay.io/org/app:1";
const ANCHOR = "io.viola-airgap.anchor";

const describeHost = await needs("ctr", "root");

describeHost.each(containerds())(
  "load.sh and content that was left on a node, containerd %s",
  (_, programs) => {
    const real = findCtr(programs);
    let folder: string;
    let containerd: Containerd;
    let bundle: OpenBundle;

    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), "viola-held-"));
      containerd = await startContainerd(undefined, programs);
      bundle = await bundleOf(folder, "bundle", [
        { seed: "held", mediaTypes: "oci", layers: [3_000_000, 5_000], reference: NAME },
      ]);
    });
    afterEach(async () => {
      await containerd.stop();
      await rm(folder, { recursive: true });
    });

    const platform = (): OpenBundle["inventory"]["images"][number]["platforms"][number] => {
      const found = bundle.inventory.images[0]?.platforms[0];
      if (found === undefined) throw new Error("the image has no platform");
      return found;
    };
    const leave = (digest: string): Promise<void> => leaveBlob(real, containerd.socket, bundle, digest);
    /** Runs load.sh, with a ctr as `pathWithCtr` makes it. */
    const load = (before: string): Promise<RunResult> => {
      const path = pathWithCtr(folder, programs, before);
      return run("dash", [SCRIPT, bundle.file, "--to", `containerd:${containerd.socket}`], {
        env: { ...process.env, VIOLA_SH_ONLY: "1", PATH: path, TMPDIR: folder },
      });
    };
    const isLoaded = async (): Promise<boolean> => {
      const { stdout } = await containerd.ctr("images", "check", `name==${NAME}`);
      return / complete \((\d+)\/\1\) /.test(stdout);
    };

    it("is not collected before the import needs it, and is not sent", async () => {
      const [large] = platform().layers;
      await leave(large?.digest ?? "");
      // The lease of an interrupted import ends like this.
      const lapse = `"$real" -n k8s.io content label ${large?.digest ?? ""} containerd.io/gc.root= >/dev/null; ${COLLECT}`;

      const { code, stderr } = await load(lapse);

      expect({ code, stderr }).toMatchObject({ code: 0 });
      expect(stderr.match(/sending \d+ MB/g)).toEqual(["sending 1 MB"]);
      expect(await isLoaded()).toBe(true);
      // Nothing is left of the run, and the images keep their content.
      expect((await containerd.ctr("content", "ls")).stdout).not.toContain(ANCHOR);
      await containerd.ctr("leases", "create", "--id", "collect");
      await containerd.ctr("leases", "rm", "--sync", "collect");
      expect(await isLoaded()).toBe(true);
    });

    it.each(["layer", "config", "manifest"])("is sent when it was removed nevertheless: %s", async (role) => {
      const { digest, config, layers } = platform();
      const content = { layer: layers[0]?.digest, config: config.digest, manifest: digest }[role] ?? "";
      await leave(content);

      const { code, stderr } = await load(`"$real" -n k8s.io content rm ${content} >/dev/null`);

      expect({ code, stderr }).toMatchObject({ code: 0 });
      expect(stderr.match(/sending/g)).toHaveLength(2);
      expect(await isLoaded()).toBe(true);
    });

    it("is released a day after a killed run, and not earlier", async () => {
      const now = Math.floor(Date.now() / 1000);
      for (const [index, age] of [90_000, 60].entries()) {
        const { digest = "" } = platform().layers[index] ?? {};
        await leave(digest);
        await containerd.ctr("content", "label", digest, `${ANCHOR}=${now - age}`);
      }

      const { code, stderr } = await load("sleep 0");

      expect({ code, stderr }).toMatchObject({ code: 0 });
      const { stdout } = await containerd.ctr("content", "ls", `labels."${ANCHOR}"`);
      expect(stdout).toContain(`${ANCHOR}=${now - 60}`);
      expect(stdout).not.toContain(`${ANCHOR}=${now - 90_000}`);
      expect(await isLoaded()).toBe(true);
    });

    it("is not changed by --check", async () => {
      const args = [SCRIPT, bundle.file, "--check", "--to", `containerd:${containerd.socket}`];
      const { code } = await run("dash", args, { env: { ...process.env, TMPDIR: folder } });

      expect(code).toBe(0);
      expect((await containerd.ctr("content", "ls", "-q")).stdout).toBe("");
    });
  },
);
