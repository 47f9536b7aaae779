// `rehearse SPEC|BUNDLE`: proves on the connected side that a bundle lacks no image.
import { resolve } from "node:path";
import type { Command } from "commander";
import { localFiles } from "../adapters/files/local-files.js";
import { addMissingImages } from "../adapters/files/update-spec.js";
import { draftOperators } from "../core/rehearsal/draft-operator.js";
import { isRecordText, RECORD_VERSION, type RehearsalRecord } from "../core/rehearsal/record.js";
import type { InputPath } from "../core/output-path.js";
import { specInputs } from "../core/spec/spec-inputs.js";
import { ViolaError } from "../errors.js";
import { requireSignedIntact } from "../workflows/verify/require-intact.js";
import { rehearseBundle } from "../workflows/rehearse/rehearse.js";
import { EXIT } from "./failure.js";
import { requireBases } from "../workflows/open-with-bases.js";
import { baseInputs, baseOption, openGiven, refuseBases, type BaseFlags } from "./opening.js";
import { findValuesFiles, isBundleFile, readSpec, refuseKeys, type SpecFile } from "./input-file.js";
import { checkReport, checkRewritten } from "./output.js";
import { formatRehearsal } from "./reporters/rehearse.js";
import { examples, keyOption, listOption } from "./command-line.js";
import { collect, type CommandRuntime, type CommonOptions, type RunCommand } from "./runtime.js";
import { addClusterFlags, parseSeconds } from "./wiring/installing.js";
import {
  buildForRehearsal,
  createCluster,
  findNamedCluster,
  type RehearsalClusterFlags,
} from "./wiring/rehearsing.js";

interface RehearseFlags extends CommonOptions, RehearsalClusterFlags, BaseFlags {
  readonly values: readonly string[];
  readonly set: readonly string[];
  readonly timeout: string;
  readonly tests?: boolean;
  readonly write?: boolean;
  readonly out?: string;
  readonly force?: boolean;
}

export function registerRehearse(program: Command, runCommand: RunCommand): void {
  addClusterFlags(
    program
      .command("rehearse")
      .description("install on a cluster that pulls only from the bundle, and report what was missing")
      .addHelpText(
        "after",
        examples(
          "rehearse bundle.yaml --write",
          "rehearse app.bundle --to kind:lab --tests --out rehearsal.json",
        ),
      )
      .argument(
        "<spec|bundle>",
        "bundle file; or spec, where missing images are pulled from their registries, so that all of them are found",
      )
      .addOption(keyOption())
      .option(
        "--to <target>",
        "cluster to rehearse on and restore afterwards: kind[:CLUSTER] (default: a new Kind cluster that is deleted afterwards)",
      )
      .option("--kind-config <file>", "Kind configuration of the new cluster"),
  )
    .addOption(listOption("-f, --values <file>", "values file that overrides those of the bundle"))
    .option("--set <key=value>", "value that overrides values files; may be repeated", collect, [])
    .option("--timeout <time>", "time limit of each release: 90s, 10m, 1h", "10m")
    .addOption(baseOption())
    .option("--tests", "also run the tests of the charts")
    .option("--write", "add the missing images to the spec")
    .option("--out <file>", "write the record of the rehearsal to this file")
    .option("--force", "replace the file of --out even if it is not a record")
    .action(async (argument: string, flags: RehearseFlags) => {
      await runCommand(flags, async (runtime) => {
        const file = resolve(runtime.cwd, argument);
        const isBundle = await isBundleFile(file);
        if (!isBundle) refuseBases(flags);
        const given = isBundle ? await openGiven(argument, flags, runtime) : undefined;
        if (given !== undefined) requireBases(given, "a rehearsal");
        if (isBundle && flags.write === true) {
          throw new ViolaError("USAGE", "--write requires a spec instead of a bundle", {
            subject: "--write",
            hint: "Rehearse the spec that the bundle is built from.",
          });
        }
        if (!isBundle) refuseKeys(flags.key);
        const options = {
          valuesFiles: await findValuesFiles(flags.values, runtime.cwd),
          set: flags.set,
          timeoutSeconds: parseSeconds(flags.timeout),
          runsTests: flags.tests === true,
        };
        const read = isBundle ? undefined : await readSpec(file);
        const out = await checkOut(file, read, flags, runtime);
        if (flags.write === true) await checkRewritten("--write", file);
        // A bundle is complete or it is not; for a spec one rehearsal is to find everything.
        const onMissing = isBundle ? "refuse" : "fetch";
        const named = await findNamedCluster(flags, onMissing, runtime);
        const bundle = given ?? (await buildForRehearsal(read ?? (await readSpec(file)), options, runtime));
        await requireSignedIntact(runtime.run, bundle, { reader: runtime.reader });
        const { target, ports } = named ?? (await createCluster(flags, bundle, onMissing, runtime));
        const report = await rehearseBundle(runtime.run, bundle, { ...options, target }, ports);
        await runtime.stopProgress();
        const date = new Date().toISOString();
        const record = { formatVersion: RECORD_VERSION, date, ...report } satisfies RehearsalRecord;
        const written = flags.write === true ? await addMissingImages(file, report.missing) : 0;
        const drafts = draftOperators(bundle.inventory, report.missing, record);
        const rehearsed = { argument, isBundle, written, drafts };
        runtime.print(report, (one) => formatRehearsal(one, rehearsed), { ...record, written, drafts });
        // The file is written last, so that the report is printed even if writing fails.
        if (out !== undefined) await localFiles.writeFile(out, `${JSON.stringify(record, null, 1)}\n`);
        return report.outcome === "complete" ? EXIT.done : EXIT.negative;
      });
    });
}

async function checkOut(
  file: string,
  read: SpecFile | undefined,
  { out, force = false, values, kindConfig, kubeconfig, base }: RehearseFlags,
  runtime: CommandRuntime,
): Promise<string | undefined> {
  if (out === undefined) return undefined;
  const given = (what: string, path: string | undefined): readonly InputPath[] =>
    path === undefined ? [] : [{ what, path: resolve(runtime.cwd, path) }];
  const inputs: readonly InputPath[] = [
    ...(read === undefined ? [{ what: "the bundle", path: file }] : specInputs(file, read.spec)),
    ...baseInputs({ base }, runtime.cwd),
    ...values.flatMap((path) => given("a values file", path)),
    ...given("the configuration of the cluster", kindConfig),
    ...given("the kubeconfig", kubeconfig),
  ];
  return checkReport({ option: "--out", text: out, force }, inputs, isRecordText, runtime);
}
