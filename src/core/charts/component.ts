// What part of a chart something belongs to, as people name it.

/** The innermost chart of a template's path: `loki` of `kube-prometheus-stack/charts/loki/templates/read.yaml`; else the chart itself. */
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
