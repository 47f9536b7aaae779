// Parses Chart.yaml, and adds dependencies to it.
import { isMap, isSeq, LineCounter, YAMLSeq, type Document } from "yaml";
import { ViolaError } from "../../errors.js";
import { readBlockYaml } from "../block-yaml.js";
import { isRecord, textOf, type Json } from "../json.js";
import { CHART_NAME, CHART_NAME_RULE } from "../name-patterns.js";
import { formatYaml, parseYaml, toValue, UnusableYaml } from "../parse-yaml.js";
import type { ChartDependency } from "./chart.js";

/**
 * The fields of Chart.yaml that are used. https://helm.sh/docs/topics/charts/#the-chartyaml-file
 */
export interface ChartMetadata {
  /** The file that declares dependencies; charts of apiVersion v1 have a separate one. */
  readonly dependenciesFile: "Chart.yaml" | "requirements.yaml";
  readonly name: string;
  readonly version: string;
  readonly appVersion?: string;
  readonly kubeVersion?: string;
  readonly description?: string;
  readonly annotations: Readonly<Record<string, string>>;
}

/** True for Chart.yaml, and for the file in which charts of apiVersion v1 declare dependencies. */
export function isChartYaml(path: string): boolean {
  return /(?:^|\/)(?:Chart|requirements)\.yaml$/.test(path);
}

/**
 * Parses Chart.yaml. Throws `CHART_UNAVAILABLE` with `subject` when it is not valid, or when name or
 * version cannot be part of a file name.
 */
export function parseChartYaml(text: string, subject: string): ChartMetadata {
  const invalid = (reason: string): ViolaError =>
    new ViolaError("CHART_UNAVAILABLE", `${subject}: Chart.yaml is not valid: ${reason}`, { subject });
  const { value, problem } = readMetadata(text, subject);
  const fields = isRecord(value) ? value : {};
  const name = textOf(fields["name"]);
  const version = textOf(fields["version"]);
  if (name === undefined || version === undefined) {
    throw invalid(problem ?? "the name or the version is missing");
  }
  for (const [field, text] of Object.entries({ name, version })) {
    if (!CHART_NAME.test(text))
      throw invalid(`${field} ${JSON.stringify(text.slice(0, 80))} ${CHART_NAME_RULE}`);
  }
  const appVersion = textOf(fields["appVersion"]);
  const kubeVersion = textOf(fields["kubeVersion"]);
  const description = textOf(fields["description"]);
  return {
    dependenciesFile: fields["apiVersion"] === "v2" ? "Chart.yaml" : "requirements.yaml",
    name,
    version,
    ...(appVersion !== undefined && { appVersion }),
    ...(kubeVersion !== undefined && { kubeVersion }),
    ...(description !== undefined && { description }),
    annotations: Object.fromEntries(
      Object.entries(isRecord(fields["annotations"]) ? fields["annotations"] : {}).flatMap(([key, entry]) => {
        const annotation = textOf(entry);
        return annotation === undefined ? [] : [[key, annotation]];
      }),
    ),
  };
}

/** Returns the value of the text, or the first error of the syntax with its place. */
function readMetadata(
  text: string,
  subject: string,
): { readonly value?: unknown; readonly problem?: string } {
  const plain = readBlockYaml(text);
  if (plain !== undefined) return { value: plain };
  const lines = new LineCounter();
  const document = parse(text, subject, { lineCounter: lines });
  const [error] = document.errors;
  if (error === undefined) return { value: valueOf(document, subject) };
  const { line, col } = lines.linePos(error.pos[0]);
  return { problem: `line ${line}, column ${col}: ${error.message}` };
}

/**
 * Returns the dependencies that the text of Chart.yaml, requirements.yaml or a lock file declares.
 * Throws `CHART_UNAVAILABLE` with `subject` for a text that exceeds the limits of YAML.
 */
export function parseDependencies(text: string, subject: string): readonly ChartDependency[] {
  const value = readBlockYaml(text) ?? valueOf(parse(text, subject), subject);
  const list = isRecord(value) ? value["dependencies"] : undefined;
  return (Array.isArray(list) ? list : []).filter(isRecord).map(toDependency);
}

/**
 * Returns the text of Chart.yaml or requirements.yaml with the dependencies added. An existing
 * dependency with the same name and alias is replaced. All other text is preserved.
 * Throws `CHART_UNAVAILABLE` with `subject` for a text that is not a YAML map.
 */
export function addDependencies(
  text: string,
  dependencies: readonly ChartDependency[],
  subject: string,
): string {
  if (dependencies.length === 0) return text;
  const document: Document = withSubject(subject, () => parseYaml(text, { uniqueKeys: false }));
  if (document.contents !== null && !isMap(document.contents)) {
    throw new ViolaError("CHART_UNAVAILABLE", `${subject}: the description of the chart is not a YAML map`, {
      subject,
    });
  }
  if (!isSeq(document.get("dependencies"))) document.set("dependencies", new YAMLSeq());
  const list = document.get("dependencies") as YAMLSeq;
  for (const dependency of dependencies) {
    const node = document.createNode(dependency);
    const index = list.items.findIndex(
      (item) =>
        isMap(item) &&
        item.get("name") === dependency.name &&
        (item.get("alias") ?? undefined) === dependency.alias,
    );
    if (index < 0) list.items.push(node);
    else list.items[index] = node;
  }
  return withSubject(subject, () => formatYaml(document, { lineWidth: 0 }));
}

function parse(
  text: string,
  subject: string,
  options: Parameters<typeof parseYaml>[1] = {},
): Document.Parsed {
  return withSubject(subject, () => parseYaml(text, { schema: "core", uniqueKeys: false, ...options }));
}

function valueOf(document: Document, subject: string): unknown {
  return withSubject(subject, () => toValue(document));
}

function withSubject<T>(subject: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (!(cause instanceof UnusableYaml)) throw cause;
    throw new ViolaError("CHART_UNAVAILABLE", `${subject}: the description of the chart ${cause.message}`, {
      subject,
      cause,
    });
  }
}

function toDependency(fields: Json): ChartDependency {
  const condition = textOf(fields["condition"]);
  const alias = textOf(fields["alias"]);
  return {
    name: textOf(fields["name"]) ?? "",
    version: textOf(fields["version"]) ?? "",
    repository: textOf(fields["repository"]) ?? "",
    ...(condition !== undefined && { condition }),
    ...(alias !== undefined && { alias }),
  };
}
