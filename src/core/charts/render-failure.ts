// Extracts template and reason from the error message of a failed `helm template`.

/** A template path with line and column, in the format of Go's template package and Helm. */
const TEMPLATE =
  /(?<![\w./-])([\w.-]+\/(?:[\w.-]+\/)*[\w.-]+\.(?:yaml|yml|tpl|txt|json))(?::(\d+)(?::(\d+))?)?/;

/**
 * Returns the template at which `helm template` failed (with line and column if helm reports them),
 * and the reason. `template` is undefined for an error of the whole chart, such as values that do
 * not match its schema.
 */
export function describeRenderFailure(helmError: string): {
  readonly message: string;
  readonly template: string | undefined;
} {
  // `execution error at (chart/templates/x.yaml:3:4): …`, `YAML parse error on
  // chart/templates/x.yaml: …`, `parse error at (chart/templates/x.yaml:7): …`, `template:
  // chart/templates/x.yaml:3:4: executing …`
  const place = /^(?:execution error at|parse error at|YAML parse error on|template:|.*?\btemplate:)/.test(
    helmError,
  )
    ? TEMPLATE.exec(helmError)
    : null;
  if (place === null) return { message: helmError, template: undefined };
  const [whole, file, line, column] = place;
  const template = [file, line, column].filter((part) => part !== undefined).join(":");
  const before = helmError.slice(0, place.index);
  const after = helmError.slice(place.index + whole.length).replace(/^[):\s]+/, "");
  const isPrefix = /^(?:execution error at|parse error at|YAML parse error on|template:)[\s(]*$/.test(before);
  return { message: isPrefix && after !== "" ? after : helmError, template };
}
