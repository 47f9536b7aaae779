// What is served and how clients use it, as text.
import type { ServeReport } from "../../workflows/serve.js";

export function formatServe(report: ServeReport, origin: string, folder: string | undefined): string {
  const { host } = new URL(origin);
  const [name = ""] = report.names;
  const [chart] = report.charts;
  const [registry = "docker.io"] = report.registries;
  return [
    `${report.bundle}: ${report.images} images and ${report.charts.length} charts at ${origin}, until Ctrl-C`,
    ...(name === "" ? [] : [`  images      docker pull ${host}/${name}`]),
    ...(chart === undefined
      ? []
      : [
          `  charts      helm repo add viola ${origin}/charts && helm pull viola/${chart.name} --version ${chart.version}`,
        ]),
    `  containerd  /etc/containerd/certs.d/${registry}/hosts.toml, and so for ${report.registries.length === 1 ? "no other" : report.registries.slice(1).join(", ")}:`,
    `                [host."${origin}"]`,
    '                  capabilities = ["pull", "resolve"]',
    folder === undefined
      ? "  --settings FOLDER writes this for containerd, k3s, podman and docker"
      : `  settings for the nodes are in ${folder}; README.txt there says where each goes`,
  ].join("\n");
}
