// Parses Chart.yaml, and adds dependencies to it.
import { isMap, isSeq, LineCounter, parseDocument, YAMLSeq } from "yaml";
import { ViolaError } from "../../errors.js";
import { isRecord, textOf, type Json } from "../json.js";
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
  readonly annotations: Readonly<Record<string, string>>;
}

/** Parses Chart.yaml. Throws `CHART_UNAVAILABLE` with `subject` when it is not valid. */
export function parseChartYaml(text: string, subject: string): ChartMetadata {
  const lines = new LineCounter();
  const options = { schema: "core", uniqueKeys: false, prettyErrors: false, lineCounter: lines } as const;
  const document = parseDocument(text, options);
  const [error] = document.errors;
  const value: unknown = error === undefined ? document.toJS() : undefined;
  const fields = isRecord(value) ? value : {};
  const name = textOf(fields["name"]);
  const version = textOf(fields["version"]);
  if (name === undefined || version === undefined) {
    const at = error && lines.linePos(error.pos[0]);
    const reason =
      at === undefined
        ? "the name or the version is missing"
        : `line ${at.line}, column ${at.col}: ${error?.message ?? ""}`;
    throw new ViolaError("CHART_UNAVAILABLE", `${subject}: Chart.yaml is not valid: ${reason}`, {
      subject,
    });
  }
  const appVersion = textOf(fields["appVersion"]);
  const kubeVersion = textOf(fields["kubeVersion"]);
  return {
    dependenciesFile: fields["apiVersion"] === "v2" ? "Chart.yaml" : "requirements.yaml",
    name,
    version,
    ...(appVersion !== undefined && { appVersion }),
    ...(kubeVersion !== undefined && { kubeVersion }),
    annotations: Object.fromEntries(
      Object.entries(isRecord(fields["annotations"]) ? fields["annotations"] : {}).flatMap(([key, entry]) => {
        const annotation = textOf(entry);
        return annotation === undefined ? [] : [[key, annotation]];
      }),
    ),
  };
}

/** Returns the dependencies that the text of Chart.yaml or requirements.yaml declares. */
export function parseDependencies(text: string): readonly ChartDependency[] {
  const value: unknown = parseDocument(text, { schema: "core", uniqueKeys: false }).toJS();
  const list = isRecord(value) ? value["dependencies"] : undefined;
  return (Array.isArray(list) ? list : []).filter(isRecord).map(toDependency);
}

/**
 * Returns the text of Chart.yaml or requirements.yaml with the dependencies added. An existing
 * dependency with the same name and alias is replaced. All other text is preserved.
 */
export function addDependencies(text: string, dependencies: readonly ChartDependency[]): string {
  if (dependencies.length === 0) return text;
  const document = parseDocument(text, { uniqueKeys: false });
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
  return document.toString({ lineWidth: 0 });
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
