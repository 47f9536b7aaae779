// Formats the result of uninstalling.
import type { UninstalledRelease, UninstallReport } from "../../workflows/uninstall/uninstall.js";

const OUTCOMES: Readonly<Record<UninstalledRelease["outcome"], string>> = {
  uninstalled: "✓",
  absent: "not installed:",
  failed: "failed:",
  "not-started": "not started:",
};

/** Formats the outcome of each release, and what stays with the way to remove it. */
export function formatUninstall({ bundle, context, releases, remains }: UninstallReport): string {
  const { kept, definitions, claims, volumes, namespaces } = remains;
  const rest = [
    ...kept.map((object) => `  ${object} (kept by its resource policy)`),
    ...definitions.map((name) => `  CustomResourceDefinition ${name} (deleting it deletes all its objects)`),
    ...claims.map((name) => `  PersistentVolumeClaim ${name} (with its data)`),
    ...volumes.map((name) => `  PersistentVolume ${name}`),
    ...namespaces.map((name) => `  Namespace ${name}`),
  ];
  return [
    `${bundle} on ${context}`,
    ...releases.flatMap(({ name, namespace, outcome, message }) => [
      `${OUTCOMES[outcome]} ${name} in namespace ${namespace}`,
      ...(message === undefined ? [] : [`  ✗ ${message}`]),
    ]),
    ...(rest.length === 0 ? [] : ["stays in the cluster; delete what is not needed with kubectl:", ...rest]),
  ].join("\n");
}
