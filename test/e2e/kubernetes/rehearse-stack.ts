// A rehearsal of the first user's stack: the images that only its operators name.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import { expect, it } from "vitest";
import type { ImageUse } from "../../../src/core/images/image-use.js";
import { VIOLA_REQUIRED } from "../viola-run.js";
import { HIDDEN, rehearsing } from "./rehearsing.js";
import type { Cluster } from "./stage.js";

/** Leaves the cluster as it was. */
export function testStackRehearsal(cluster: () => Cluster): void {
  const { rehearse } = rehearsing(cluster);

  it("of a spec finds both images that an operator starts, and adds them to the spec", async () => {
    const { viola } = cluster();
    const spec = join(viola.folder, "without.yaml");
    const entries = HIDDEN.map((image) => ({ image, reason: "a test" }));
    await writeFile(
      spec,
      `${await readFile(viola.spec, "utf8")}\n${stringify({ images: { exclude: entries } })}`,
    );

    const { code, report } = await rehearse(spec, "--write");

    expect(report.missing.map(({ normalized }) => normalized)).toEqual(HIDDEN);
    for (const { owners, operator } of report.missing) {
      expect(owners).toEqual([expect.stringMatching(/^DaemonSet /), expect.stringMatching(/^GrafanaAgent /)]);
      expect(operator).toBe("grafana-agent-operator");
    }
    expect(report).toMatchObject({ outcome: "missing", pending: [], stayed: [] });
    expect(report.releases).toMatchObject([{ ready: 30, pods: 30 }]);
    expect(code).toBe(1);

    const bundle = join(viola.folder, "written.bundle");
    expect(await viola.cli("build", spec, "-o", bundle)).toMatchObject({ code: 0 });
    const again = await rehearse(bundle);

    expect(again.report).toMatchObject({ outcome: "complete", missing: [], unused: [], stayed: [] });
    expect(again.report.asked.map(({ normalized }) => normalized)).toEqual(VIOLA_REQUIRED);
    expect(again.code).toBe(0);

    const [hidden] = HIDDEN;
    const why = await viola.cli("images", spec, "--why", hidden ?? "", "--json");
    const { images } = JSON.parse(why.stdout) as { readonly images: readonly ImageUse[] };
    expect(images[0]?.evidence).toContainEqual(
      expect.objectContaining({
        rule: "rehearsed",
        object: expect.stringContaining("GrafanaAgent") as string,
      }),
    );
  });
}
