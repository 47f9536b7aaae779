// Images of Helm charts in an operator's image: a name without a tag gets the appVersion of the
// chart, which is what the templates of most charts do.
import { readStructure } from "../../embedded-yaml.js";
import { isRecord, maps, textOf } from "../../json.js";
import { findImage } from "../rules/candidate.js";
import type { ReadSuspect } from "./remembered.js";

interface EmbeddedChart {
  appVersion?: string;
  /** The file with the values, and the repositories without a tag in it. */
  values?: { readonly file: string; readonly repositories: readonly string[] };
}

/** Collects the charts among the files of an image, whose order is not known. */
export class EmbeddedCharts {
  readonly #charts = new Map<string, EmbeddedChart>();

  /** Adds a file. Other files than those of charts are ignored. */
  add(path: string, bytes: Buffer): void {
    const [, folder = "", name] = /^(.*?)(Chart|values)\.yaml$/.exec(path) ?? [];
    if (name === undefined) return;
    const chart = this.#charts.get(folder) ?? {};
    this.#charts.set(folder, chart);
    const body = readStructure(bytes.toString("utf8"));
    const appVersion = isRecord(body) ? textOf(body["appVersion"]) : undefined;
    if (name === "values") chart.values = { file: path, repositories: [...untagged(body)] };
    else if (appVersion !== undefined) chart.appVersion = appVersion;
  }

  /** Returns a suspect for each name whose chart has an appVersion. */
  suspects(): readonly ReadSuspect[] {
    return [...this.#charts.values()].flatMap(({ appVersion, values }) => {
      if (appVersion === undefined || values === undefined) return [];
      return values.repositories.map((repository) => ({
        reference: `${repository}:${appVersion}`,
        repository,
        tag: appVersion,
        certainty: "guessed",
        rule: "text",
        offset: 0,
        because: `the values name it without a tag, and the appVersion of their chart is ${appVersion}`,
        file: values.file,
      }));
    });
  }
}

/** Yields the repositories of maps such as `image: { registry, repository, tag: null }`. */
function* untagged(body: unknown): Iterable<string> {
  for (const { path, map } of maps(body)) {
    const repository = textOf(map["repository"]);
    const isImage = /image/i.test(String(path.at(-1) ?? "")) || map["registry"] !== undefined;
    const isTagged = [map["tag"], map["digest"], map["version"]].some((value) => textOf(value) !== undefined);
    if (repository === undefined || isTagged || !isImage) continue;
    const registry = textOf(map["registry"]);
    const name = registry === undefined ? repository : `${registry}/${repository}`;
    if (findImage(name) !== undefined && !/:[^/]*$/.test(name)) yield name;
  }
}
