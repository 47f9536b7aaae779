// Lists the files of this program for a bundle: `bin/viola-airgap` and the modules that it starts.
// They run on a host with Node.js.
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { isSystemError, ViolaError } from "../../errors.js";
import { describeFile } from "./describe-file.js";
import type { BundledFile } from "../../core/bundle/archive-plan.js";

const LAUNCHER = "manifests/bundle/viola-airgap";
/** The folders that the program reads at run time. */
const FOLDERS = ["dist", "manifests/bundle", "manifests/operators"];
/** Source maps, and compiled code, which only the Node that built it can use. */
const LEFT_OUT = /\.(?:map|code)$/;

/**
 * Lists the program installed in the folder `home`. Throws `FILE_UNUSABLE` when it is not built.
 */
export async function bundledCli(home: string, signal: AbortSignal): Promise<readonly BundledFile[]> {
  const listed = await Promise.all(
    FOLDERS.map(async (folder) => (await list(join(home, folder))).map((name) => `${folder}/${name}`)),
  );
  const names = listed.flat().filter((name) => !LEFT_OUT.test(name));
  if (!names.includes("dist/main.js")) {
    throw new ViolaError(
      "FILE_UNUSABLE",
      `${home} does not contain a built viola-airgap to include in the bundle`,
      {
        subject: "cli",
        hint: "Run `npm run build` there first.",
      },
    );
  }
  return await Promise.all([
    describeFile({ path: "bin/viola-airgap", file: join(home, LAUNCHER) }, signal),
    ...["LICENSE", "package.json", "manifests/bundle.schema.json", ...names]
      .sort()
      .map((name) => describeFile({ path: `bin/lib/viola-airgap/${name}`, file: join(home, name) }, signal)),
  ]);
}

/** Returns the names of the regular files in a folder, or none when it does not exist. */
async function list(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: unknown) => {
    if (isSystemError(cause, "ENOENT")) return [];
    throw cause;
  });
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
}
