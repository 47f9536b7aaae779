// `rehearse SPEC|BUNDLE`: prove on the connected side that nothing is missing.
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
import { rehearseBundle, type RehearseContext } from "../workflows/rehearse/rehearse.js";
import { files, type CommandRuntime, type CommonOptions } from "./runtime.js";
import { EXIT } from "./failure.js";
import { addClusterFlags, makeInstallContext, parseSeconds, type ClusterFlags } from "./wiring/installing.js";
import { findContextOf } from "./wiring/install-target.js";
import { findTargetNodes, parseTarget, type NodesTarget } from "./target.js";
import { environmentOf, makePlanContext, makeWriter, planOptions } from "./wiring/planning.js";
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

export function registerRehearse(program: Command, launch: RunCommand): void {
  addClusterFlags(
    program
      .command("rehearse")
      .description("install on a cluster that gets images from the bundle only, and say what was missing")
      .argument(
        "<spec|bundle>",
        "bundle file, or spec: then what is missing is let through, and all of it found",
      )
      .option(
        "--to <target>",
        "cluster to rehearse on, put back as it was: kind[:CLUSTER]; without it one is made by kind, and deleted",
      )
      .option("--kind-config <file>", "Kind configuration of the cluster that is made"),
  )
    .option("-f, --values <file>", "values file that wins over the bundle's; may be repeated", collect, [])
    .option("--set <key=value>", "value that wins over files; may be repeated", collect, [])
    .option("--timeout <time>", "how long each release may take: 90s, 10m, 1h", "10m")
    .option("--tests", "run the charts' tests, too")
    .option("--write", "write what was missing into the spec")
    .option("--out <file>", "write what was seen into this file")
    .action(async (argument: string, flags: RehearseFlags) => {
      await launch(flags, async (context) => {
        const file = resolve(context.cwd, argument);
        const isBundle = await isBundleFile(file);
        if (isBundle && flags.write === true) {
          throw new ViolaError("USAGE", "--write goes with a spec, not with a bundle", {
            subject: "--write",
            hint: "Rehearse the spec that the bundle is built from.",
          });
        }
        const options = {
          valuesFiles: flags.values.map((one) => resolve(context.cwd, one)),
          set: flags.set,
          timeoutSeconds: parseSeconds(flags.timeout),
          runsTests: flags.tests === true,
        };
        const named = await findNamedStage(flags, isBundle, context);
        const bundle = isBundle
          ? await context.reader.openBundle(file)
          : await buildForRehearsal(file, flags.tests === true, context);
        const { target, rehearsal } = named ?? (await makeOwnStage(flags, bundle, isBundle, context));
        const report = await rehearseBundle(
          bundle,
          { ...options, target },
          rehearsal,
          context.progress.onProgress,
        );
        await context.progress.stop();
        const date = new Date().toISOString();
        const record = { formatVersion: RECORD_VERSION, date, ...report } satisfies RehearsalRecord;
        const written = flags.write === true ? await writeMissing(file, report.missing) : 0;
        const drafts = draftOperators(bundle.inventory, report.missing, record);
        context.print(formatRehearsal(report, { argument, isBundle, written, drafts }), {
          ...record,
          written,
          drafts,
        });
        // Last, so that a file that cannot be written loses nothing of what was seen.
        if (flags.out !== undefined) {
          await files.writeFile(resolve(context.cwd, flags.out), `${JSON.stringify(record, null, 1)}\n`);
        }
        return report.outcome === "complete" ? EXIT.done : EXIT.no;
      });
    });
}

/** Builds what is rehearsed and needed no longer; it goes when the command ends. */
async function buildForRehearsal(
  file: string,
  includeTests: boolean,
  context: CommandRuntime,
): Promise<OpenBundle> {
  const { spec, digest } = await readSpec(file);
  const options = {
    ...(await planOptions(context.home, spec, digest, [])),
    output: join(await context.temporaryFolder(), "rehearsal.bundle"),
    reuse: [],
  };
  const plan = await makePlanContext(context, "auto");
  const build = { ...plan, reader: context.reader, writer: await makeWriter(context) };
  const wanted = { ...spec, includeTests: spec.includeTests || includeTests };
  await buildBundle(wanted, options, build, context.progress.onProgress);
  return context.reader.openBundle(options.output);
}

type KindTarget = Extract<NodesTarget, { readonly kind: "kind" }>;

/** Where the rehearsal is to be, and what it works with there. */
interface PreparedCluster {
  readonly target: NodeTarget;
  readonly rehearsal: RehearseContext;
}

/** The cluster that is named; undefined where one is to be made, and kind is there to make it. What is wrong is said before anything is built. */
async function findNamedStage(
  flags: RehearseFlags,
  isBundle: boolean,
  context: CommandRuntime,
): Promise<PreparedCluster | undefined> {
  if (flags.to === undefined) {
    const { requireKind } = await import("../adapters/nodes/kind-create.js");
    await requireKind(environmentOf(context), context.signal);
    return undefined;
  }
  const target = parseTarget(flags.to);
  if (target.kind === "kind") return makeStage(target, flags, isBundle, context);
  throw new ViolaError("USAGE", `a rehearsal wants a Kind cluster, not ${target.kind}`, {
    subject: flags.to,
    hint: "Write --to kind[:CLUSTER].",
  });
}

/** Makes a cluster, which goes when the command ends. */
async function makeOwnStage(
  { kindConfig: configFile }: RehearseFlags,
  { inventory }: OpenBundle,
  isBundle: boolean,
  context: CommandRuntime,
): Promise<PreparedCluster> {
  const { onProgress } = context.progress;
  const cluster = `viola-rehearsal-${randomBytes(3).toString("hex")}`;
  const folder = await context.temporaryFolder();
  const [config, kubeconfig] = [join(folder, "kind.yaml"), join(folder, "kubeconfig")];
  const own = configFile === undefined ? undefined : await files.readFile(resolve(context.cwd, configFile));
  await writeFile(
    config,
    kindConfig(cluster, inventory.kubeVersion, own && Buffer.from(own).toString("utf8")),
  );
  onProgress({ kind: "started", step: "cluster", title: `Making Kind cluster ${cluster}` });
  const { makeOwnCluster } = await import("../adapters/nodes/kind-create.js");
  const input = { name: cluster, config, kubeconfig };
  context.onDispose(await makeOwnCluster(input, environmentOf(context), context.signal));
  onProgress({ kind: "ended", step: "cluster", summary: "deleted when the rehearsal is over" });
  return makeStage({ kind: "kind", cluster }, { kubeconfig }, isBundle, context);
}

/** Puts together what a rehearsal on this cluster works with; only a spec's may ask registries for what is missing. */
async function makeStage(
  target: KindTarget,
  flags: ClusterFlags,
  isBundle: boolean,
  context: CommandRuntime,
): Promise<PreparedCluster> {
  const [nodes, install, { serveBundle }, { registriesBeyond }] = await Promise.all([
    findTargetNodes(target, context),
    makeInstallContext(flags, await findContextOf(target, context), context),
    import("../adapters/bundle-registry/server.js"),
    import("../adapters/bundle-registry/upstream.js"),
  ]);
  const registry = isBundle ? undefined : await context.registry();
  const rehearsal: RehearseContext = {
    ...install,
    serveBundle,
    ...(registry !== undefined && {
      beyond: (onRefused, signal) => registriesBeyond(registry, onRefused, signal),
    }),
  };
  return { target: nodes, rehearsal };
}

/** Adds every missing image that some registry has, each with a comment, and returns how many. The file is replaced as a whole, or not at all. */
export async function writeMissing(file: string, missing: readonly MissingInRehearsal[]): Promise<number> {
  const found = missing.filter(({ refused }) => refused === undefined);
  if (found.length === 0) return 0;
  const date = new Date().toISOString().slice(0, 10);
  const text = addImages(
    await readFile(file, "utf8"),
    found.map((one) => ({
      image: one.normalized,
      rehearsed: originOf(one),
      comment: `asked for in a rehearsal on ${date}`,
    })),
  );
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
  return found.length;
}
