// load.sh accepts every spelling of the images in its bundle, and no other images. Uses the
// references of the parser's unit test.
import { readFileSync, writeFileSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { digestOf, hexOf } from "../../src/core/oci/digest.js";
import type { OpenBundle } from "../../src/workflows/ports.js";
import { bundleOf } from "../support/bundle-of.js";
import { startContainerd, type Containerd } from "../support/containerd.js";
import { needs } from "../support/parts.js";
import { ROOT } from "../support/paths.js";
import { run, type RunResult } from "../support/run.js";

const SCRIPT = join(ROOT, "manifests/bundle/load.sh");
const { valid, invalid } = JSON.parse(readFileSync(join(ROOT, "test/fixtures/references.json"), "utf8")) as {
  readonly valid: readonly { readonly reference: string; readonly kubelet: string }[];
  readonly invalid: readonly string[];
};
/** The script reads rendered manifests line by line, where an image ends at a space. */
const written = invalid.filter((text) => /^[^\s{},#]+$/.test(text));
const LEFT_OUT = "docker.io/library/left-out:latest";
/** A blocker that every manifest has. The test checks the others. */
const REFUSED = "imagePullPolicy is Always";

const describeHost = await needs("ctr", "root");

describeHost.each([["dash"], ["busybox", "sh"], ["bash", "--posix"]])(
  "references in load.sh: %s",
  (...shell) => {
    let folder: string;
    let containerd: Containerd;
    let bundle: OpenBundle;

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), "viola-references-"));
      containerd = await startContainerd();
      const names = [...new Set(valid.map(({ kubelet }) => kubelet))];
      const chart = Buffer.from("a chart");
      const sha256 = hexOf(digestOf(chart));
      const file = "charts/app-1.0.0.tgz";
      bundle = await bundleOf(
        folder,
        "bundle",
        names.map((reference) => ({ seed: "one", mediaTypes: "oci", layers: [2000], reference })),
        {
          releases: [
            {
              name: "app",
              namespace: "app",
              chart: { name: "app", version: "1.0.0" },
              file,
              sha256,
              values: [],
            },
          ],
          excluded: [{ reference: "left-out", reason: "a test" }],
          files: [{ path: file, bytes: chart, sha256 }],
        },
      );
      const programs = {
        helm: `cat ${folder}/rendered`,
        kubectl: `case "$*" in *"get --raw /version"*) echo '"gitVersion": "v1.30.2"' ;; *trial*) echo IfNotPresent ;; esac`,
      };
      await mkdir(join(folder, "bin"));
      for (const [name, script] of Object.entries(programs))
        writeFileSync(join(folder, "bin", name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    });
    afterAll(async () => {
      await containerd.stop();
      await rm(folder, { recursive: true });
    });

    /** Installs a release with one Pod for each image, and returns the refused images. */
    const refusals = async (images: readonly string[], ...args: readonly string[]): Promise<string> => {
      const pods = images.map(
        (image, index) =>
          `---\nkind: Pod\nmetadata:\n  name: pod-${index}\nspec:\n  containers:\n    - image: "${image}"\n      imagePullPolicy: Always\n`,
      );
      writeFileSync(join(folder, "rendered"), pods.join(""));
      const [program = "", ...options] = shell;
      const to = ["--to", `containerd:${containerd.socket}`, "--install"];
      const env = { ...process.env, VIOLA_SH_ONLY: "1", PATH: `${folder}/bin:${process.env["PATH"] ?? ""}` };
      const result: RunResult = await run(program, [...options, SCRIPT, bundle.file, ...to, ...args], {
        env,
      });
      expect(result).toMatchObject({ code: 1, stderr: expect.stringContaining(REFUSED) as unknown });
      return result.stderr;
    };

    it("accepts every spelling of an image in the bundle", async () => {
      expect(await refusals(valid.map(({ reference }) => reference))).not.toContain("is not in the bundle");
    });

    it("refuses an invalid reference, and a reference to another image", async () => {
      const others = [
        "busybox:1.35",
        "quay.io/busybox",
        "quay.io/a/b",
        "docker.io/latest",
        "upper/foo:1",
        "a",
      ];
      const refused = await refusals([...written, ...others]);

      expect(written.length).toBeGreaterThan(20);
      for (const image of [...written, ...others])
        expect(refused).toContain(`image ${image} is not in the bundle`);
    });

    it("accepts every spelling of an image that is allowed to be missing", async () => {
      expect(await refusals(["left-out"])).toContain(`image ${LEFT_OUT} is not on`);
      for (const image of ["left-out", "docker.io/left-out:latest", "index.docker.io/library/left-out"]) {
        expect(await refusals(["library/left-out"], "--allow-missing", image)).not.toContain(LEFT_OUT);
      }
      expect(await refusals(["left-out"], "--allow-missing", "left-out:1")).toContain(LEFT_OUT);
      const unknown = "[::2]:5000/unknown:1";
      expect(await refusals([unknown])).toContain(unknown);
      expect(await refusals([unknown], "--allow-missing", unknown)).not.toContain(unknown);
    });
  },
);
