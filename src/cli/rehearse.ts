// `rehearse SPEC|BUNDLE`: proves on the connected side that a bundle lacks no image.
import { randomBytes } from "node:crypto";
import { writeFile, readFile, rename } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { ViolaError } from "../errors.js";
import type { NodeTarget } from "../core/load/node.js";
import { draftOperators } from "../core/rehearsal/draft-operator.js";
import { kindConfig } from "../core/rehearsal/kind-cluster.js";
import { RECORD_VERSION, type RehearsalRecord } from "../core/rehearsal/record.js";
import { buildBundle } from "../workflows/build/build.js";
import type { OpenBundle } from "../workflows/ports.js";
import { rehearseBundle, type RehearsePorts } from "../workflows/rehearse/rehearse.js";
import { files, type CommandRuntime, type CommonOptions } from "./runtime.js";
import { EXIT } from "./failure.js";
import { addClusterFlags, makeInstallPorts, parseSeconds, type ClusterFlags } from "./wiring/installing.js";
import { findContextOf } from "./wiring/install-target.js";
import { findTargetNodes, parseTarget, type NodesTarget } from "./target.js";
import { environmentOf, makePlanPorts, makeWriter, planOptions } from "./wiring/planning.js";
import { formatRehearsal } from "./reporters/rehearse.js";
import { isBundleFile, readSpec } from "./input-file.js";
import { collect, type RunCommand } from "./runtime.js";
import { originOf, type MissingInRehearsal } from "../core/rehearsal/verdict.js";
import { addImages } from "../core/spec/add-images.js";

interface RehearseFlags extends CommonOptions, ClusterFlags {
  readonly to?: string;
  readonly kindConfig?: string;
  readonly values: readonly string[];
  readonly set: readonly string[];
  readonly timeout: string;
  readonly tests?: boolean;
  readonly write?: boolean;
  readonly out?: string;
}

export function registerRehearse(program: Command, runCommand: RunCommand): void {
  addClusterFlags(
    program
      .command("rehearse")
      .description("install on a cluster that pulls only from the bundle, and report what was missing")
      .argument(
        "<spec|bundle>",
        "bundle file; or spec, where missing images are pulled from their registries, so that all of them are found",
      )
      .option(
        "--to <target>",
        "cluster to rehearse on and restore afterwards: kind[:CLUSTER] (default: a new Kind cluster that is deleted afterwards)",
      )
      .option("--kind-config <file>", "Kind configuration of the new cluster"),
  )
    .option(
      "-f, --values <file>",
      "values file that overrides those of the bundle; may be repeated",
      collect,
      [],
    )
    .option("--set <key=value>", "value that overrides values files; may be repeated", collect, [])
    .option("--timeout <time>", "time limit of each release: 90s, 10m, 1h", "10m")
    .option("--tests", "also run the tests of the charts")
    .option("--write", "add the missing images to the spec")
    .option("--out <file>", "write the record of the rehearsal to this file")
    .action(async (argument: string, flags: RehearseFlags) => {
      await runCommand(flags, async (runtime) => {
        const file = resolve(runtime.cwd, argument);
        const isBundle = await isBundleFile(file);
        if (isBundle && flags.write === true) {
          throw new ViolaError("USAGE", "--write requires a spec instead of a bundle", {
            subject: "--write",
            hint: "Rehearse the spec that the bundle is built from.",
          });
        }
        const options = {
          valuesFiles: flags.values.map((one) => resolve(runtime.cwd, one)),
          set: flags.set,
          timeoutSeconds: parseSeconds(flags.timeout),
          runsTests: flags.tests === true,
        };
        const named = await findNamedStage(flags, isBundle, runtime);
        const bundle = isBundle
          ? await runtime.reader.openBundle(file)
          : await buildForRehearsal(file, flags.tests === true, runtime);
        const { target, rehearsal } = named ?? (await makeOwnStage(flags, bundle, isBundle, runtime));
        const report = await rehearseBundle(runtime.run, bundle, { ...options, target }, rehearsal);
        await runtime.stopProgress();
        const date = new Date().toISOString();
        const record = { formatVersion: RECORD_VERSION, date, ...report } satisfies RehearsalRecord;
        const written = flags.write === true ? await writeMissing(file, report.missing) : 0;
        const drafts = draftOperators(bundle.inventory, report.missing, record);
        runtime.print(formatRehearsal(report, { argument, isBundle, written, drafts }), {
          ...record,
          written,
          drafts,
        });
        // The file is written last, so that the report is printed even if writing fails.
        if (flags.out !== undefined) {
          await files.writeFile(resolve(runtime.cwd, flags.out), `${JSON.stringify(record, null, 1)}\n`);
        }
        return report.outcome === "complete" ? EXIT.done : EXIT.negative;
      });
    });
}

/** Builds a temporary bundle for the rehearsal, which is removed when the command ends. */
async function buildForRehearsal(
  file: string,
  includeTests: boolean,
  runtime: CommandRuntime,
): Promise<OpenBundle> {
  const { spec, digest } = await readSpec(file);
  const options = {
    ...(await planOptions(runtime.home, spec, digest, [])),
    output: join(await runtime.temporaryFolder(), "rehearsal.bundle"),
    reuse: [],
  };
  const plan = await makePlanPorts(runtime, "auto");
  const build = { ...plan, reader: runtime.reader, writer: await makeWriter(runtime) };
  const wanted = { ...spec, includeTests: spec.includeTests || includeTests };
  await buildBundle(runtime.run, wanted, options, build);
  return runtime.reader.openBundle(options.output);
}

type KindTarget = Extract<NodesTarget, { readonly kind: "kind" }>;

/** The cluster of a rehearsal, and the adapters that work with it. */
interface PreparedCluster {
  readonly target: NodeTarget;
  readonly rehearsal: RehearsePorts;
}

/**
 * Returns the cluster of `--to`. Without `--to`, returns undefined after checking that kind can
 * create one. Errors are reported before anything is built.
 */
async function findNamedStage(
  flags: RehearseFlags,
  isBundle: boolean,
  runtime: CommandRuntime,
): Promise<PreparedCluster | undefined> {
  if (flags.to === undefined) {
    const { requireKind } = await import("../adapters/nodes/kind-create.js");
    await requireKind(environmentOf(runtime), runtime.signal);
    return undefined;
  }
  const target = parseTarget(flags.to);
  if (target.kind === "kind") return makeStage(target, flags, isBundle, runtime);
  throw new ViolaError("USAGE", `a rehearsal requires a Kind cluster, not ${target.kind}`, {
    subject: flags.to,
    hint: "Use --to kind[:CLUSTER].",
  });
}

/** Creates a cluster, which is deleted when the command ends. */
async function makeOwnStage(
  { kindConfig: configFile }: RehearseFlags,
  { inventory }: OpenBundle,
  isBundle: boolean,
  runtime: CommandRuntime,
): Promise<PreparedCluster> {
  const { progress } = runtime.run;
  const cluster = `viola-rehearsal-${randomBytes(3).toString("hex")}`;
  const folder = await runtime.temporaryFolder();
  const [config, kubeconfig] = [join(folder, "kind.yaml"), join(folder, "kubeconfig")];
  const own = configFile === undefined ? undefined : await files.readFile(resolve(runtime.cwd, configFile));
  await writeFile(
    config,
    kindConfig(cluster, inventory.kubeVersion, own && Buffer.from(own).toString("utf8")),
  );
  progress({ kind: "started", step: "cluster", title: `Creating Kind cluster ${cluster}` });
  const { createKindCluster } = await import("../adapters/nodes/kind-create.js");
  const input = { name: cluster, config, kubeconfig };
  runtime.onDispose(await createKindCluster(input, environmentOf(runtime), runtime.signal));
  progress({ kind: "ended", step: "cluster", summary: "deleted after the rehearsal" });
  return makeStage({ kind: "kind", cluster }, { kubeconfig }, isBundle, runtime);
}

/**
 * Creates the adapters for a rehearsal. Only that of a spec pulls missing images from registries.
 */
async function makeStage(
  target: KindTarget,
  flags: ClusterFlags,
  isBundle: boolean,
  runtime: CommandRuntime,
): Promise<PreparedCluster> {
  const [nodes, install, { serveBundle }, { upstreamRegistry }] = await Promise.all([
    findTargetNodes(target, runtime),
    makeInstallPorts(flags, await findContextOf(target, runtime), runtime),
    import("../adapters/bundle-registry/server.js"),
    import("../adapters/bundle-registry/upstream.js"),
  ]);
  const registry = isBundle ? undefined : await runtime.registry();
  const rehearsal: RehearsePorts = {
    ...install,
    serveBundle,
    ...(registry !== undefined && {
      upstream: (onRefused, signal) => upstreamRegistry(registry, onRefused, signal),
    }),
  };
  return { target: nodes, rehearsal };
}

/**
 * Adds every missing image that a registry has to the spec, each with a comment. Returns their
 * number. The file is replaced atomically.
 */
export async function writeMissing(file: string, missing: readonly MissingInRehearsal[]): Promise<number> {
  const found = missing.filter(({ refused }) => refused === undefined);
  if (found.length === 0) return 0;
  const date = new Date().toISOString().slice(0, 10);
  const text = addImages(
    await readFile(file, "utf8"),
    found.map((one) => ({
      image: one.normalized,
      rehearsed: originOf(one),
      comment: `requested in a rehearsal on ${date}`,
    })),
  );
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
  return found.length;
}
