// `images SPEC|CHART`: lists every image that the releases can start, with evidence, without
// pulling images.
import { resolve } from "node:path";
import type { Command } from "commander";
import type { BundleSpec } from "../core/spec/bundle-spec.js";
import { findReleaseImages, prepareReleases } from "../workflows/find/release-images.js";
import { inspectOperators } from "../workflows/find/inspect-operators.js";
import type { Suspect } from "../core/finding/program/suspect.js";
import type { Findings } from "../core/images/image-use.js";
import { chooseImages } from "../core/spec/choose-images.js";
import { explainImage } from "../core/finding/explain-image.js";
import { ViolaError } from "../errors.js";
import { collect, type CommandRuntime, type CommonOptions, type RunCommand } from "./runtime.js";
import { EXIT } from "./failure.js";
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
import { findChartSource, readSpec } from "./input-file.js";

interface ImagesOptions extends CommonOptions {
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
    .argument("<spec|chart>", "bundle spec, or a chart: folder, .tgz, oci://… or REPOSITORY/NAME")
    .option("--release <name>", "release name for a chart")
    .option("--namespace <namespace>", "namespace for a chart")
    .option("--chart-version <version>", "version of an oci:// or REPOSITORY/NAME chart")
    .option("-f, --values <file>", "values file; may be repeated", collect, [])
    .option("--set <key=value>", "value; may be repeated", collect, [])
    .option("--kube-version <version>", "Kubernetes version to render for")
    .option("--api-versions <version>", "API version that the cluster has; may be repeated", collect, [])
    .option("--why <reference>", "explain why this image is in the list")
    .option("--strict", "exit with 1 when the list may be incomplete")
    .option("--inspect-operators", "inspect the images of unknown operators for images that they may start")
    .option(...REHEARSAL_FLAG)
    .action(async (target: string, options: ImagesOptions) => {
      await runCommand(options, async (runtime) => {
        const spec = await specOf(target, options, runtime.cwd);
        return listImages(spec, options, runtime);
      });
    });
}

async function listImages(spec: BundleSpec, options: ImagesOptions, runtime: CommandRuntime): Promise<0 | 1> {
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
          await makeInspectPorts(runtime),
        )
      : undefined;
  await runtime.stopProgress();

  const { chosen, warnings } = chooseImages(found.images, spec);
  const rehearsal = await readRehearsal(options.rehearsal, runtime.cwd);
  const optional = found.images.filter(
    (use) => !use.required && !chosen.some(({ normalized }) => normalized === use.normalized),
  );
  const listed = withRehearsal([...chosen, ...optional], rehearsal?.record);
  const images = [...listed].sort((one, other) => (one.normalized < other.normalized ? -1 : 1));
  const missed = rehearsal === undefined ? [] : missingWarnings(rehearsal.record, chosen);
  const findings = {
    images,
    warnings: [...found.warnings, ...warnings, ...(inspected?.warnings ?? []), ...missed],
  };
  const isIncomplete = options.strict === true && findings.warnings.some((warning) => warning.incomplete);
  const exit = isIncomplete ? EXIT.negative : EXIT.done;
  const suspects = inspected?.suspects;

  if (options.why !== undefined) {
    const answer = explainImage(options.why, findings, suspects);
    runtime.print(answer, formatExplanation, { formatVersion: 1, ...answer });
    return answer.images.length > 0 ? exit : EXIT.negative;
  }
  const report = { ...findings, ...(suspects && { suspects }) };
  runtime.print(report, formatReport, { formatVersion: 1, ...report });
  return exit;
}

function formatReport(report: Findings & { readonly suspects?: readonly Suspect[] }): string {
  const { suspects } = report;
  return [formatFindings(report), ...(suspects === undefined ? [] : [formatSuspects(suspects)])].join("\n\n");
}

/** Returns the spec with the flags applied, or a spec that is made from a chart and the flags. */
async function specOf(target: string, options: ImagesOptions, cwd: string): Promise<BundleSpec> {
  const source = await findChartSource(target, cwd, options.chartVersion);
  const valuesFiles = options.values.map((file) => resolve(cwd, file));
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
    includeTests: false,
    ...(options.kubeVersion !== undefined && { kubeVersion: options.kubeVersion }),
  };
}
