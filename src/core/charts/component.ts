// Maps a template to the component of the chart that it belongs to.

/**
 * Returns the innermost chart in the path of a template, or else the chart: `loki` for
 * `kube-prometheus-stack/charts/loki/templates/read.yaml`.
 */
export function componentOf({
  template,
  chart,
}: {
  readonly template: string;
  readonly chart: string;
}): string {
  const parts = template.split("/");
  const templates = parts.lastIndexOf("templates");
  const crds = parts.lastIndexOf("crds");
  return parts[Math.max(templates, crds) - 1] ?? chart;
}
