// What is served and how clients use it, as text.
import { countOf } from "../../core/count-of.js";
import type { ServeReport } from "../../workflows/serve.js";

export function formatServe(report: ServeReport, origin: string, folder: string | undefined): string {
  const { host } = new URL(origin);
  const [name = ""] = report.names;
  const [chart] = report.charts;
  const [registry = "docker.io"] = report.registries;
  return [
    `${report.bundle}: serving ${countOf(report.images, "image")} and ${countOf(report.charts.length, "chart")} at ${origin}; press Ctrl-C to stop`,
    ...(name === "" ? [] : [`  images      docker pull ${host}/${name}`]),
    ...(chart === undefined
      ? []
      : [
          `  charts      helm repo add viola ${origin}/charts && helm pull viola/${chart.name} --version ${chart.version}`,
        ]),
    `  containerd  /etc/containerd/certs.d/${registry}/hosts.toml${report.registries.length > 1 ? `, and the same for ${report.registries.slice(1).join(", ")}` : ""}:`,
    `                [host."${origin}"]`,
    '                  capabilities = ["pull", "resolve"]',
    folder === undefined
      ? "  --settings FOLDER writes this for containerd, k3s, podman and docker"
      : `  settings for the nodes are in ${folder}; its README.txt lists where to install each`,
  ].join("\n");
}
