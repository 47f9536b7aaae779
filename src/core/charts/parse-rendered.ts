// Parses the output of `helm template` into objects, with a warning for every document that cannot
// be parsed.
import type { ErrorCode, YAMLError } from "yaml";
import { ViolaError } from "../../errors.js";
import type { FindingWarning } from "../images/image-use.js";
import { readBlockYaml } from "../block-yaml.js";
import { isRecord, textOf, type Json } from "../json.js";
import { AS_KUBERNETES, countValues, parseYaml, toValue } from "../parse-yaml.js";
import { SETTLE_BY_REHEARSAL } from "../images/warning-advice.js";
import { APPLY_LIMIT_BYTES } from "./apply-size.js";
import type { RenderedObject } from "./rendered-object.js";

/** The origin of a rendered text. */
export interface RenderedFrom {
  /** The chart as `NAME-VERSION`. */
  readonly chart: string;
  readonly release: string;
  /** The output of another render of the same chart. Documents that it contains are skipped. */
  readonly except?: string;
  /** The `condition` to set on every object. */
  readonly condition?: string;
}

export interface ParsedRender {
  readonly objects: readonly RenderedObject[];
  readonly warnings: readonly FindingWarning[];
}

/** A document of the text, and the template that it was rendered from. */
interface RenderedDocument {
  readonly template: string;
  readonly text: string;
}

/**
 * Limits of one render. Helm cannot install more: it keeps the manifest of a release in a Secret of
 * at most 1 MiB after compression.
 */
export const MAX_RENDERED_BYTES = 32 * 1024 * 1024;
const MAX_DOCUMENTS = 20_000;
const MAX_VALUES = 1_000_000;

/**
 * Splits and parses the text, and yields the objects and warnings of each document. A `List` is
 * expanded into its items. Of a CustomResourceDefinition only identity, group, kind and versions are
 * read, because it is large and names no images. A document that cannot be parsed, or that is not an
 * object, gives a warning with its template.
 * Throws `CHART_RENDER_FAILED` when the text has more than 20,000 documents or 1,000,000 values.
 */
export function* parseDocuments(text: string, from: RenderedFrom): Iterable<ParsedRender> {
  const tooMuch = (what: string): ViolaError =>
    new ViolaError("CHART_RENDER_FAILED", `chart ${from.chart}: its rendered text has more than ${what}`, {
      subject: from.chart,
      hint: "Check the values of the chart for a number of replicas or objects that is too large.",
    });
  const known = new Set(from.except === undefined ? [] : Array.from(splitDocuments(from.except), identityOf));
  if (hasMoreThan(MAX_DOCUMENTS, text)) throw tooMuch(`${MAX_DOCUMENTS} objects`);
  let documents = 0;
  let values = 0;
  for (const document of splitDocuments(text)) {
    if (++documents > MAX_DOCUMENTS) throw tooMuch(`${MAX_DOCUMENTS} objects`);
    if (known.has(identityOf(document))) continue;
    const warnings: FindingWarning[] = [];
    const complain = (reason: string): void => {
      warnings.push({
        code: "template-unreadable",
        message: `${document.template} cannot be parsed: ${reason}`,
        hint: SETTLE_BY_REHEARSAL,
        chart: from.chart,
        template: document.template,
        incomplete: true,
      });
    };
    const objects: RenderedObject[] = [];
    try {
      const body = readDefinition(document.text) ?? readYaml(document.text);
      values += countValues(body, MAX_VALUES);
      for (const object of toObjects(body, document.template, from, complain)) {
        const isLarge = isDefinition(object) && document.text.length > APPLY_LIMIT_BYTES;
        objects.push(isLarge ? { ...object, largeText: document.text } : object);
      }
    } catch (error) {
      complain((error as Error).message);
    }
    documents += Math.max(0, objects.length - 1);
    if (values > MAX_VALUES) throw tooMuch(`${MAX_VALUES} values`);
    yield { objects, warnings };
  }
}

function isDefinition({ kind }: RenderedObject): boolean {
  return kind === "CustomResourceDefinition";
}

/** Counts lines that may begin a document, which is faster than parsing the first ones in vain. */
function hasMoreThan(limit: number, text: string): boolean {
  let count = 0;
  for (let at = text.indexOf("\n---\n"); at >= 0; at = text.indexOf("\n---\n", at + 1)) {
    if (++count > limit) return true;
  }
  return false;
}

function identityOf({ template, text }: RenderedDocument): string {
  return `${template}\n${text.trim()}`;
}

/**
 * Yields the documents in order. One without a `# Source:` line (a file in `crds/`) belongs to the
 * preceding template.
 */
function* splitDocuments(text: string): Iterable<RenderedDocument> {
  let template = "";
  let start = 0;
  const separator = /^---(?:[ \t].*)?\r?$/gm;
  for (;;) {
    const match = separator.exec(text);
    const document = text.slice(start, match?.index ?? text.length);
    template = /^\s*# Source: (.{1,512}?)\r?(?:\n|$)/.exec(document)?.[1] ?? template;
    if (/^[^\S\r\n\u2028\u2029]*[^\s#]/m.test(document)) yield { template, text: document };
    if (match === null) return;
    start = separator.lastIndex;
  }
}

/**
 * Errors that the YAML parser of Kubernetes does not report, for example for the indentation of
 * flow collections.
 */
const HARMLESS: readonly ErrorCode[] = ["BAD_INDENT", "KEY_OVER_1024_CHARS", "DUPLICATE_KEY"];

function readYaml(text: string): unknown {
  const value = readBlockYaml(text);
  if (value !== undefined) return value;
  // When a template file begins with a byte order mark, the mark follows the `# Source:` line.
  const plain = text.replaceAll("\uFEFF", "");
  const parsed = parseAsKubernetes(plain);
  const isUnclosed = parsed.error?.code === "MISSING_CHAR";
  const { document, error } = isUnclosed ? parseAsKubernetes(indentQuoted(plain)) : parsed;
  if (error !== undefined) throw parsed.error ?? error;
  return toValue(document);
}

interface ParsedYaml {
  readonly document: ReturnType<typeof parseYaml>;
  readonly error: YAMLError | undefined;
}

function parseAsKubernetes(text: string): ParsedYaml {
  const document = parseYaml(text, AS_KUBERNETES);
  return { document, error: document.errors.find(({ code }) => !HARMLESS.includes(code)) };
}

/** A line that opens a quoted value, which may follow a key. */
const OPENS_QUOTED = /^\s*(?:- +)*(?:[\w./-]{1,256}:\s+)?(?:'(?:[^']|'')*|"(?:[^"\\]|\\.)*\\?)$/;
const CLOSES = { "'": /^(?:[^']|'')*'(?!')/, '"': /^(?:[^"\\]|\\.)*"/ } as const;
const DEEP = " ".repeat(80);

/**
 * Indents the lines that continue a quoted value. Kubernetes accepts them at any indentation, and
 * their indentation is not part of the value.
 */
function indentQuoted(text: string): string {
  let open: keyof typeof CLOSES | undefined;
  const lines = text.split("\n").map((line) => {
    if (open === undefined) {
      if (OPENS_QUOTED.test(line)) open = /'|"/.exec(line)?.[0] === "'" ? "'" : '"';
      return line;
    }
    if (CLOSES[open].test(line)) open = undefined;
    return line.trim() === "" ? line : DEEP + line;
  });
  return lines.join("\n");
}

/**
 * Reads the fields of a CustomResourceDefinition in block style with regular expressions; undefined
 * for other text.
 */
function readDefinition(text: string): Json | undefined {
  if (!/^kind: ["']?CustomResourceDefinition["']?\s*$/m.test(text)) return undefined;
  const field = (pattern: RegExp): string | undefined => pattern.exec(text)?.[1];
  const apiVersion = field(/^apiVersion: ["']?([^\s"']+)/m);
  const name = field(/^metadata:\n(?:[ #].*\n|\n)*? {2,4}name: ["']?([^\s"']+)/m);
  const group = field(/^ {2,4}group: ["']?([^\s"']+)/m);
  const kind = field(/^ {2,4}names:\n(?:[ #].*\n|\n)*? {4,8}kind: ["']?([^\s"']+)/m);
  if (apiVersion === undefined || name === undefined || group === undefined || kind === undefined)
    return undefined;
  return {
    apiVersion,
    kind: "CustomResourceDefinition",
    metadata: { name },
    spec: { group, names: { kind }, versions: versionNames(text).map((name) => ({ name })) },
  };
}

const VERSION_FIELD = /(?:^|\n) {2,6}(?:- )?$/;
const VERSION_NAME = /^name: ["']?(v\d+(?:(?:alpha|beta)\d+)?)["']?\s*$/;

/**
 * Returns the versions that the lines of a definition name. Definitions have megabytes of text, so
 * only the lines that can name a version are matched.
 */
function versionNames(text: string): readonly string[] {
  const found: string[] = [];
  const field = "name: ";
  for (let at = text.indexOf(field); at >= 0; at = text.indexOf(field, at + 1)) {
    // A line break, and the longest indentation.
    if (!VERSION_FIELD.test(text.slice(Math.max(0, at - 9), at))) continue;
    const end = text.indexOf("\n", at);
    const name = VERSION_NAME.exec(text.slice(at, end < 0 ? undefined : end))?.[1];
    if (name !== undefined) found.push(name);
  }
  return found;
}

function toObjects(
  body: unknown,
  template: string,
  from: RenderedFrom,
  complain: (reason: string) => void,
): RenderedObject[] {
  if (!isRecord(body)) {
    complain(body === null || body === undefined ? "the document is empty" : "the document is not a map");
    return [];
  }
  const kind = textOf(body["kind"]) ?? "";
  const items = body["items"];
  if (kind.endsWith("List") && Array.isArray(items)) {
    // Items of a typed list, such as a PodList, may omit apiVersion and kind.
    const itemKind = kind.slice(0, -"List".length);
    const defaults = itemKind === "" ? {} : { apiVersion: body["apiVersion"], kind: itemKind };
    return items.flatMap((item: unknown) =>
      toObjects(isRecord(item) ? { ...defaults, ...item } : item, template, from, complain),
    );
  }
  if (kind === "") {
    complain("the object has no kind");
    return [];
  }
  const metadata = isRecord(body["metadata"]) ? body["metadata"] : {};
  const annotations = isRecord(metadata["annotations"]) ? metadata["annotations"] : {};
  const namespace = textOf(metadata["namespace"]);
  return [
    {
      chart: from.chart,
      release: from.release,
      template,
      apiVersion: textOf(body["apiVersion"]) ?? "",
      kind,
      ...(namespace !== undefined && { namespace }),
      name: textOf(metadata["name"]) ?? textOf(metadata["generateName"]) ?? "",
      hooks: (textOf(annotations["helm.sh/hook"]) ?? "")
        .split(",")
        .map((hook) => hook.trim())
        .filter((hook) => hook !== ""),
      ...(from.condition !== undefined && { condition: from.condition }),
      body,
    },
  ];
}
