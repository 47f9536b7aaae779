// Recognizes files of other kinds that were passed as a spec.
import { findReference } from "../images/reference.js";
import { isRecord, textOf, type Json } from "../json.js";

/** What a file is, as in "is …, not a bundle spec", and what to do. */
export interface OtherFile {
  readonly what: string;
  readonly hint: string;
}

const DRAFT = "Write a spec for the chart with `viola-airgap init CHART -o bundle.yaml`.";
/** Fields at the top of a spec. */
const SPEC_FIELDS: ReadonlySet<string> = new Set([
  "name",
  "version",
  "platforms",
  "kubernetes",
  "charts",
  "images",
]);

/**
 * Returns what the text is when it is certainly not meant as a spec. `value` is the parsed text. A
 * file with `charts` at its top is always taken for a spec.
 */
export function recognizeOtherFile(text: string, value: unknown): OtherFile | undefined {
  if (text.replaceAll(/^[^\S\r\n\u2028\u2029]*(?:#.*)?$/gm, "").trim() === "") {
    return { what: "empty", hint: `${DRAFT} manifests/example.yaml is an example.` };
  }
  const references = Array.isArray(value) ? value : text.split("\n").map((line) => line.trim());
  if (isImageList(references)) {
    return {
      what: "a list of images",
      hint: "Write a spec with the fields name, version, `charts: []` and `images: { include: [IMAGE, …] }`.",
    };
  }
  if (!isRecord(value) || Object.hasOwn(value, "charts")) return undefined;
  return recognizeMap(value);
}

/** Lines that are blank or comments are passed over. */
function isImageList(lines: readonly unknown[]): boolean {
  const texts = lines.filter((line) => line !== "" && !(typeof line === "string" && line.startsWith("#")));
  return (
    texts.length > 0 &&
    texts.every(
      (line) => typeof line === "string" && /[/:.]/.test(line) && !line.endsWith(":") && findReference(line),
    )
  );
}

function recognizeMap(fields: Json): OtherFile | undefined {
  const kind = textOf(fields["kind"]);
  const apiVersion = textOf(fields["apiVersion"]);
  if (kind === "ZarfPackageConfig" || kind === "ZarfInitConfig") {
    return {
      what: "a Zarf package definition",
      hint: "Write a spec with the charts of its components in `charts` and their images in `images.include`.",
    };
  }
  if (apiVersion?.includes("hauler.cattle.io") === true) {
    return {
      what: "a Hauler manifest",
      hint: "Write a spec with its charts in `charts` and its images in `images.include`.",
    };
  }
  if (kind !== undefined && apiVersion !== undefined) {
    return {
      what: `a Kubernetes object (${kind})`,
      hint: "A spec names Helm charts. Put the object into a chart, or its images into `images.include`.",
    };
  }
  if (apiVersion !== undefined && textOf(fields["name"]) !== undefined) {
    return { what: "the Chart.yaml of a chart", hint: DRAFT };
  }
  if (isRecord(fields["services"])) {
    return {
      what: "a Compose file",
      hint: "A spec names Helm charts; put its images into `images.include`.",
    };
  }
  const names = Object.keys(fields);
  const unknown = names.filter((name) => !SPEC_FIELDS.has(name));
  if (unknown.length > 0 && unknown.length === names.length) {
    return {
      what: `a file with other fields (${unknown.slice(0, 3).join(", ")})`,
      hint: `The values of a chart belong in its \`valuesFiles\`. ${DRAFT}`,
    };
  }
  return undefined;
}
