// `images SPEC|CHART|BUNDLE`: lists every image that the releases can start, with evidence, without
// pulling images. Of a bundle, lists the images in it.
import { resolve } from "node:path";
import type { Command } from "commander";
import type { BundleSpec } from "../core/spec/bundle-spec.js";
import { findReleaseImages, prepareReleases } from "../workflows/find/release-images.js";
import { inspectOperators } from "../workflows/find/inspect-operators.js";
import { chooseImages } from "../core/spec/choose-images.js";
import type { InventoryImage } from "../core/bundle/inventory.js";
import { silenceWarnings } from "../core/spec/silence-warnings.js";
import { explainImage } from "../core/finding/explain-image.js";
import type { Suspect } from "../core/finding/program/suspect.js";
import type { Findings, ImageUse } from "../core/images/image-use.js";
import { ViolaError } from "../errors.js";
import { examples, keyOption, listOption } from "./command-line.js";
import { collect, type CommandRuntime, type CommonOptions, type RunCommand } from "./runtime.js";
import { EXIT } from "./failure.js";
import { baseOption, openGiven, refuseBases, type BaseFlags } from "./opening.js";
import {
  makeChartPorts,
  makeInspectPorts,
  platformsToInspect,
  readRehearsal,
  REHEARSAL_FLAG,
} from "./wiring/planning.js";
import { formatExplanation, formatFindings } from "./reporters/images.js";
import { formatSuspects } from "./reporters/suspects.js";
import { missingWarnings, withRehearsal } from "../core/rehearsal/record.js";
import { findChartSource, findValuesFiles, isBundleFile, readSpec, refuseKeys } from "./input-file.js";

interface ImagesOptions extends CommonOptions, BaseFlags {
  readonly release?: string;
  readonly namespace?: string;
  readonly chartVersion?: string;
  readonly values: readonly string[];
  readonly set: readonly string[];
  readonly kubeVersion?: string;
  readonly apiVersions: readonly string[];
  readonly why?: string;
  readonly strict?: boolean;
  readonly inspectOperators?: boolean;
  readonly rehearsal?: string;
}

export function registerImages(program: Command, runCommand: RunCommand): void {
  program
    .command("images")
    .description("list every image that the charts can start, with evidence")
    .addHelpText(
      "after",
      examples(
        "images bundle.yaml",
        "images ./chart -f values.yaml --set replicas=2 --kube-version v1.30.2",
        "images bundle.yaml --why quay.io/org/app:1.0",
        "images app.bundle --json",
      ),
    )
    .argument(
      "<spec|chart|bundle>",
      "bundle spec, bundle file, or a chart: folder, .tgz, oci://… or REPOSITORY/NAME",
    )
    .addOption(keyOption())
    .option("--release <name>", "release name for a chart")
    .option("--namespace <namespace>", "namespace for a chart")
    .option("--chart-version <version>", "version of an oci:// or REPOSITORY/NAME chart")
    .addOption(listOption("-f, --values <file>", "values file"))
    .option("--set <key=value>", "value; may be repeated", collect, [])
    .option("--kube-version <version>", "Kubernetes version to render for")
    .addOption(listOption("--api-versions <version>", "API version that the cluster has"))
    .option("--why <reference>", "explain why this image is in the list")
    .option("--strict", "exit with 1 when the list may be incomplete")
    .option(
      "--inspect-operators",
      "inspect the images of operators for versions and images that the charts do not name",
    )
    .option(...REHEARSAL_FLAG)
    .addOption(baseOption())
    .action(async (target: string, options: ImagesOptions) => {
      await runCommand(options, async (runtime) => {
        const file = resolve(runtime.cwd, target);
        const isBundle = await isBundleFile(file);
        if (!isBundle) refuseKeys(options.key);
        const listed = isBundle
          ? await listBundle(target, options, runtime)
          : await listSpec(await specOf(target, options, runtime.cwd), options, runtime);
        await runtime.stopProgress();
        return printImages(listed, options, runtime);
      });
    });
}

/** Images and warnings, and the suspects if operators were inspected. */
interface Listed extends Findings {
  readonly suspects?: readonly Suspect[];
}

/** Lists the images of an inventory. Throws `USAGE` for a flag that only applies to rendering. */
async function listBundle(file: string, options: ImagesOptions, runtime: CommandRuntime): Promise<Listed> {
  const { release, namespace, chartVersion, values, set, kubeVersion, apiVersions } = options;
  const idle = Object.entries({
    "--release": release,
    "--namespace": namespace,
    "--chart-version": chartVersion,
    "--values": values[0],
    "--set": set[0],
    "--kube-version": kubeVersion,
    "--api-versions": apiVersions[0],
    "--inspect-operators": options.inspectOperators,
    "--rehearsal": options.rehearsal,
  }).find(([, value]) => value !== undefined);
  if (idle !== undefined) {
    const [flag] = idle;
    throw new ViolaError("USAGE", `${flag} does not apply to a bundle, whose images are known`, {
      subject: flag,
      hint: `Omit ${flag}, or list the images of the spec.`,
    });
  }
  const { images, warnings } = (await openGiven(file, options, runtime)).inventory;
  return { images: images.map(useOf), warnings };
}

function useOf({ reference, normalized, required, confidence, evidence }: InventoryImage): ImageUse {
  return { reference, normalized, required, confidence, evidence };
}

async function listSpec(spec: BundleSpec, options: ImagesOptions, runtime: CommandRuntime): Promise<Listed> {
  refuseBases(options);
  const chartPorts = await makeChartPorts(runtime);
  const { run } = runtime;
  const releases = await prepareReleases(run, spec, chartPorts);
  const found = await findReleaseImages(run, spec, releases, chartPorts);
  const inspected =
    options.inspectOperators === true
      ? await inspectOperators(
          run,
          found,
          { platforms: platformsToInspect(spec) },
          await makeInspectPorts("auto", runtime),
        )
      : undefined;
  const { images: all, unresolved, warnings: foundWarnings } = inspected?.findings ?? found;
  const { chosen, warnings } = chooseImages(all, spec);
  const rehearsal = await readRehearsal(options.rehearsal, runtime.cwd);
  const optional = all.filter(
    (use) => !use.required && !chosen.some(({ normalized }) => normalized === use.normalized),
  );
  const listed = withRehearsal([...chosen, ...optional], rehearsal?.record);
  const missed = rehearsal === undefined ? [] : missingWarnings(rehearsal.record, chosen);
  return {
    images: [...listed].sort((one, other) => (one.normalized < other.normalized ? -1 : 1)),
    ...(unresolved !== undefined && { unresolved }),
    warnings: silenceWarnings([...foundWarnings, ...warnings, ...missed], spec.silencedWarnings),
    ...(inspected !== undefined && { suspects: inspected.suspects }),
  };
}

function printImages(
  { suspects, ...findings }: Listed,
  { why, strict }: ImagesOptions,
  runtime: CommandRuntime,
): 0 | 1 {
  const isIncomplete = strict === true && findings.warnings.some((warning) => warning.incomplete);
  const exit = isIncomplete ? EXIT.negative : EXIT.done;
  if (why !== undefined) {
    const answer = explainImage(why, findings, suspects);
    runtime.print(answer, formatExplanation, { formatVersion: 1, ...answer });
    return answer.images.length > 0 ? exit : EXIT.negative;
  }
  const report = { ...findings, ...(suspects && { suspects }) };
  runtime.print(report, formatReport, { formatVersion: 1, ...report });
  return exit;
}

function formatReport(
  report: Findings & { readonly suspects?: readonly Suspect[] },
  width: number | undefined,
): string {
  const { suspects } = report;
  return [
    formatFindings(report, width),
    ...(suspects === undefined ? [] : [formatSuspects(suspects, width)]),
  ].join("\n\n");
}

/** Returns the spec with the flags applied, or a spec that is made from a chart and the flags. */
async function specOf(target: string, options: ImagesOptions, cwd: string): Promise<BundleSpec> {
  const source = await findChartSource(target, cwd, options.chartVersion);
  const valuesFiles = await findValuesFiles(options.values, cwd);
  if (source === undefined) {
    const { spec } = await readSpec(resolve(cwd, target));
    const charts = spec.charts.filter(
      ({ release }) => options.release === undefined || release === options.release,
    );
    if (charts.length === 0 && options.release !== undefined) {
      throw new ViolaError("USAGE", `${target} has no release ${options.release}`, { subject: target });
    }
    return {
      ...spec,
      charts: charts.map((chart) => ({
        ...chart,
        namespace: options.namespace ?? chart.namespace,
        valuesFiles: [...chart.valuesFiles, ...valuesFiles],
        set: [...chart.set, ...options.set],
      })),
      apiVersions: [...spec.apiVersions, ...options.apiVersions],
      ...(options.kubeVersion !== undefined && { kubeVersion: options.kubeVersion }),
    };
  }
  return {
    name: target,
    version: "0.0.0",
    platforms: [],
    apiVersions: options.apiVersions,
    charts: [
      {
        source,
        dependencies: [],
        release: options.release ?? "release",
        namespace: options.namespace ?? "default",
        valuesFiles,
        set: options.set,
      },
    ],
    extraImages: [],
    excludedImages: [],
    silencedWarnings: [],
    includeTests: false,
    ...(options.kubeVersion !== undefined && { kubeVersion: options.kubeVersion }),
  };
}
