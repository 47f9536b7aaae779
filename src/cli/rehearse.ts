// `rehearse SPEC|BUNDLE`: prove on the connected side that nothing is missing.
import { writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { ViolaError } from "../errors.js";
import { buildBundle } from "../workflows/build.js";
import type { OpenBundle } from "../workflows/context.js";
import { rehearseBundle, type RehearseContext } from "../workflows/rehearse.js";
import { collect, type Launch } from "./command.js";
import type { CommandContext, CommonOptions } from "./context.js";
import { EXIT } from "./failure.js";
import { addClusterFlags, makeInstallContext, parseSeconds, type ClusterFlags } from "./install-context.js";
import { findTargetNodes, parseTarget } from "./load-target.js";
import { makePlanContext, makeWriter, planOptions } from "./plan-context.js";
import { formatRehearsal } from "./reporters/rehearse.js";
import { isBundleFile, readSpec } from "./targets.js";
import { writeMissing } from "./write-missing.js";

interface RehearseFlags extends CommonOptions, ClusterFlags {
  readonly to?: string;
  readonly values: readonly string[];
  readonly set: readonly string[];
  readonly timeout: string;
  readonly tests?: boolean;
  readonly write?: boolean;
  readonly out?: string;
}

export function registerRehearse(program: Command, launch: Launch): void {
  addClusterFlags(
    program
      .command("rehearse")
      .description("install on a cluster that gets images from the bundle only, and say what was missing")
      .argument(
        "<spec|bundle>",
        "bundle file, or spec: then what is missing is let through, and all of it found",
      )
      .option("--to <target>", "cluster to rehearse on: kind[:CLUSTER]; it is put back as it was"),
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
        const { target, rehearsal } = await makeRehearseContext(flags, isBundle, context);
        const bundle = isBundle
          ? await context.reader.openBundle(file)
          : await buildForRehearsal(file, flags.tests === true, context);
        const report = await rehearseBundle(
          bundle,
          { ...options, target },
          rehearsal,
          context.progress.onProgress,
        );
        await context.progress.stop();
        const document = { formatVersion: 1, ...report };
        if (flags.out !== undefined) {
          const record = {
            ...document,
            date: new Date().toISOString(),
            spec: bundle.inventory.createdFrom.spec,
          };
          await writeFile(resolve(context.cwd, flags.out), `${JSON.stringify(record, null, 1)}\n`);
        }
        const written = flags.write === true ? await writeMissing(file, report.missing) : 0;
        context.print(formatRehearsal(report, { argument, isBundle, written }), { ...document, written });
        return report.outcome === "complete" ? EXIT.done : EXIT.no;
      });
    });
}

/** Builds what is rehearsed and needed no longer; it goes when the command ends. */
async function buildForRehearsal(
  file: string,
  includeTests: boolean,
  context: CommandContext,
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

async function makeRehearseContext(
  flags: RehearseFlags,
  isBundle: boolean,
  context: CommandContext,
): Promise<{
  readonly target: Awaited<ReturnType<typeof findTargetNodes>>;
  readonly rehearsal: RehearseContext;
}> {
  const target = parseTarget(flags.to ?? "kind");
  if (target.kind !== "kind") {
    throw new ViolaError("USAGE", `a rehearsal wants a Kind cluster, not ${target.kind}`, {
      subject: flags.to ?? "",
      hint: "Write --to kind[:CLUSTER].",
    });
  }
  const preferred = target.cluster === undefined ? undefined : `kind-${target.cluster}`;
  const [nodes, install, { serveBundle }, { registriesBeyond }] = await Promise.all([
    findTargetNodes(target, context),
    makeInstallContext(flags, preferred, context),
    import("../adapters/bundle-registry/server.js"),
    import("../adapters/bundle-registry/beyond.js"),
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
