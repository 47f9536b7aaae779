// `init CHART`: writes a first spec; decisions for the user are listed as comments.
import { dirname, join, relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Command } from "commander";
import { localFiles } from "../adapters/files/local-files.js";
import type { ChartSource, PackagedChart } from "../core/charts/chart.js";
import type { BundleSpec } from "../core/spec/bundle-spec.js";
import type { InputPath } from "../core/output-path.js";
import { formatDraftSpec, type Draft } from "../core/spec/draft-spec.js";
import { parseBundleSpec } from "../core/spec/parse-bundle-spec.js";
import { ViolaError } from "../errors.js";
import { surveyChart } from "../workflows/init.js";
import { inspectOperators } from "../workflows/find/inspect-operators.js";
import { examples, listOption } from "./command-line.js";
import type { CommandRuntime, CommonOptions, RunCommand } from "./runtime.js";
import { EXIT } from "./failure.js";
import { makeChartPorts, makeInspectPorts, platformsToInspect } from "./wiring/planning.js";
import { findChartSource, findValuesFiles } from "./input-file.js";
import { checkReport } from "./output.js";
import { printable } from "./terminal.js";

interface InitOptions extends CommonOptions {
  readonly output?: string;
  readonly force?: boolean;
  readonly repository?: string;
  readonly chartVersion?: string;
  readonly release?: string;
  readonly namespace: string;
  readonly values: readonly string[];
  readonly kubeVersion?: string;
  readonly inspectOperators?: boolean;
}

export function registerInit(program: Command, runCommand: RunCommand): void {
  program
    .command("init")
    .description("write a first spec for a chart; optional images are listed as comments")
    .addHelpText(
      "after",
      examples("init ./chart -o bundle.yaml", "init web --repository https://charts.example -o bundle.yaml"),
    )
    .argument("<chart>", "chart folder, .tgz, oci://…, REPOSITORY/NAME, or a name with --repository")
    .option("-o, --output <file>", "spec file to write (default: stdout)")
    .option("--force", "overwrite the file")
    .option("--repository <url>", "chart repository")
    .option("--chart-version <version>", "version of a chart from oci:// or a repository")
    .option("--release <name>", "release name (default: the chart's name)")
    .option("--namespace <namespace>", "namespace of the release", "default")
    .addOption(listOption("-f, --values <file>", "values file"))
    .option("--kube-version <version>", "Kubernetes version of the cluster")
    .option(
      "--inspect-operators",
      "inspect the images of operators for versions and images that the charts do not name",
    )
    .action(async (chart: string, options: InitOptions) => {
      await runCommand(options, async (runtime) => {
        const file = await checkOutput(chart, options, runtime);
        const text = await draft(chart, options, runtime);
        if (file === undefined) {
          runtime.print(undefined, () => text.trimEnd(), { formatVersion: 1, spec: text });
          return EXIT.done;
        }
        await localFiles.writeFile(file, text);
        runtime.print(file, (name) => `wrote ${name}; review the images and warnings in its comments`, {
          formatVersion: 1,
          file,
          spec: text,
        });
        return EXIT.done;
      });
    });
}

/** Returns the file to write. A spec is edited by hand, so an existing one is never recognized as ours. */
async function checkOutput(
  chart: string,
  { output, force = false, repository, values }: InitOptions,
  runtime: CommandRuntime,
): Promise<string | undefined> {
  if (output === undefined || output === "-") return undefined;
  const inputs: readonly InputPath[] = [
    ...(repository === undefined && !chart.includes("://")
      ? [{ what: "part of the chart", path: resolve(runtime.cwd, chart) }]
      : []),
    ...values.map((file) => ({ what: "a values file", path: resolve(runtime.cwd, file) })),
  ];
  return checkReport({ option: "--output", text: output, force }, inputs, () => false, runtime);
}

async function draft(argument: string, options: InitOptions, runtime: CommandRuntime): Promise<string> {
  const source = await sourceOf(argument, options, runtime.cwd);
  const output = options.output === "-" ? undefined : options.output;
  const folder = output === undefined ? runtime.cwd : dirname(resolve(runtime.cwd, output));
  const spec = specOf(source, options, await findValuesFiles(options.values, runtime.cwd));
  const chartPorts = await makeChartPorts(runtime);
  const { run } = runtime;
  const survey = await surveyChart(run, spec, { release: options.release }, chartPorts);
  const { chart, release } = survey;
  const inspected =
    options.inspectOperators === true
      ? await inspectOperators(
          run,
          survey,
          { platforms: platformsToInspect(spec) },
          await makeInspectPorts("auto", runtime),
        )
      : undefined;
  const spelledOut = await chartPorts.charts.spellOutSource(source, runtime.signal);
  await runtime.stopProgress();
  const drafted = formatDraftSpec({
    schema: schemaFor(folder, runtime),
    name: chart.name,
    chartVersion: chart.version,
    chart: chartFields(spelledOut, chart, folder),
    release,
    namespace: options.namespace,
    valuesFiles: options.values.map((file) => pathFrom(folder, resolve(runtime.cwd, file))),
    ...(options.kubeVersion !== undefined && { kubeVersion: options.kubeVersion }),
    images: (inspected?.findings ?? survey).images,
    suspects: inspected?.suspects ?? [],
    warnings: (inspected?.findings ?? survey).warnings,
  });
  // Comments quote charts, and people print specs on terminals.
  const text = printable(drafted);
  // Reports flags that are not valid in a spec, such as a namespace in upper case, like errors of a
  // spec.
  parseBundleSpec(text, output ?? "the new spec", folder);
  return text;
}

async function sourceOf(argument: string, options: InitOptions, cwd: string): Promise<ChartSource> {
  const { repository, chartVersion } = options;
  if (repository !== undefined) {
    return {
      kind: "repository",
      repository,
      name: argument,
      ...(chartVersion !== undefined && { version: chartVersion }),
    };
  }
  const source = await findChartSource(argument, cwd, chartVersion);
  if (source !== undefined) return source;
  throw new ViolaError("USAGE", `${argument} is not a chart`, {
    subject: argument,
    hint: "Pass a chart folder, a .tgz file, oci://… or REPOSITORY/CHART with a repository of `helm repo list`.",
  });
}

function specOf(source: ChartSource, options: InitOptions, valuesFiles: readonly string[]): BundleSpec {
  return {
    name: "draft",
    version: "1.0.0",
    platforms: [],
    apiVersions: [],
    charts: [
      {
        source,
        dependencies: [],
        release: options.release ?? "release",
        namespace: options.namespace,
        valuesFiles,
        set: [],
      },
    ],
    extraImages: [],
    excludedImages: [],
    silencedWarnings: [],
    includeTests: false,
    ...(options.kubeVersion !== undefined && { kubeVersion: options.kubeVersion }),
  };
}

function chartFields(source: ChartSource, { version }: PackagedChart, folder: string): Draft["chart"] {
  switch (source.kind) {
    case "repository":
      return { chart: source.name, repository: source.repository, version };
    case "oci":
      // A tag or digest in the reference replaces the version.
      return /[:@]/.test(source.reference.slice(source.reference.lastIndexOf("/")))
        ? { chart: source.reference }
        : { chart: source.reference, version };
    case "archive":
      return { chart: pathFrom(folder, source.file) };
    case "folder":
      return { chart: pathFrom(folder, source.folder) };
  }
}

/**
 * Returns the path relative to `folder`. It begins with `.` so that it is not mistaken for a chart
 * name.
 */
function pathFrom(folder: string, path: string): string {
  const short = relative(folder, path).replaceAll("\\", "/");
  return short.startsWith(".") ? short : `./${short}`;
}

/**
 * Returns the location of the installed schema for a spec in `folder`, for the
 * `yaml-language-server` comment.
 *
 * That server (the YAML extension of VS Code, also used by other editors) accepts http and file
 * URLs and paths relative to the YAML file. It does not support spaces and `#` in paths; a URL can
 * encode them. An http URL does not work offline, and the `$id` of the schema cannot be fetched.
 * The result is therefore a relative path when the program is installed below the working directory
 * (in node_modules or a checkout), so that the spec can be committed. Otherwise, for example after
 * `npm install -g`, it is a file URL, which is valid only on this machine.
 */
function schemaFor(folder: string, { home, cwd }: CommandRuntime): string {
  const file = join(home, "manifests/bundle.schema.json");
  const isBelow = resolve(file).startsWith(join(resolve(cwd), "/"));
  const path = pathFrom(folder, file);
  return isBelow && !/[\s#]/.test(path) ? path : pathToFileURL(file).href;
}
