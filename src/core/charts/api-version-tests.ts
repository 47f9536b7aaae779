// Which API versions the templates of a chart test for, so that a chart is rendered again only when
// the definitions of the bundle can change its output.

/** The API versions as templates write them, or `any` if the text does not say which. */
export type ApiVersionTests = readonly string[] | "any";

const COMMENT_START = /\{\{-?\s{0,64}\/\*/g;
const USE = /\.APIVersions\b|"APIVersions"|'APIVersions'|`APIVersions`/g;
/** A call of `.Capabilities.APIVersions.Has` with one literal. */
const LITERAL_TEST = /^\.APIVersions\.Has\s+\(?(?:"([^"\\]*)"|`([^`]*)`)/;

/**
 * Reads templates, and values that are used as templates. Only calls of
 * `.Capabilities.APIVersions.Has` with a literal are understood; any other use means `any`.
 * https://helm.sh/docs/chart_template_guide/builtin_objects/
 */
export function readApiVersionTests(texts: readonly string[]): ApiVersionTests {
  const found = new Set<string>();
  for (const text of texts) {
    if (!text.includes("APIVersions")) continue;
    const code = withoutComments(text);
    for (const { index } of code.matchAll(USE)) {
      const [, quoted, raw] = LITERAL_TEST.exec(code.slice(index, index + 200)) ?? [];
      const version = quoted ?? raw;
      if (version === undefined) return "any";
      found.add(version);
    }
  }
  return [...found];
}

/** Removes the comments of a template. One that is not closed makes Helm refuse the template. */
function withoutComments(text: string): string {
  let code = "";
  let from = 0;
  for (const { index, 0: start } of text.matchAll(COMMENT_START)) {
    if (index < from) continue;
    const end = text.indexOf("*/", index + start.length);
    if (end < 0) break;
    code += text.slice(from, index);
    from = end + "*/".length;
  }
  return code + text.slice(from);
}

/** A fast check of a definition: true if it may define a tested API version. */
export function mayDefine(definition: string, tests: ApiVersionTests): boolean {
  if (tests === "any") return true;
  // Groups without a dot are those of Kubernetes.
  const groups = tests.map((version) => version.slice(0, version.indexOf("/")));
  return groups.some((group) => group.includes(".") && definition.includes(group));
}

/** True if one of the API versions can change what the chart renders. */
export function canChange(tests: ApiVersionTests, apiVersions: readonly string[]): boolean {
  return tests === "any" ? apiVersions.length > 0 : tests.some((version) => apiVersions.includes(version));
}
