// Formats the result of a rehearsal.
import { countOf } from "../../core/count-of.js";
import type { OperatorDraft } from "../../core/rehearsal/draft-operator.js";
import type { RehearsalReport } from "../../workflows/rehearse/rehearse.js";
import { formatBytes } from "../units.js";
import { originOf } from "../../core/rehearsal/verdict.js";

export interface Rehearsed {
  /** The spec or bundle as written on the command line. */
  readonly argument: string;
  readonly isBundle: boolean;
  /** Number of images that were added to the spec. */
  readonly written: number;
  readonly drafts: readonly OperatorDraft[];
}

/** Lists missing images first; the summary is last. */
export function formatRehearsal(
  report: RehearsalReport,
  { argument, isBundle, written, drafts }: Rehearsed,
): string {
  const { bundle, context, kubeVersion, releases, asked, missing, unused, ofOthers, pending, stayed } =
    report;
  const lines = [`${bundle} on ${context} (Kubernetes ${kubeVersion})`];
  for (const { name, chart, namespace, ready, pods, message } of releases) {
    lines.push(
      `  ${name} (${chart}) in namespace ${namespace}: ${ready} of ${countOf(pods, "Pod")} Running and Ready`,
    );
    if (message !== undefined) lines.push(`    ✗ ${message}`);
  }
  for (const one of missing) {
    lines.push(`✗ ${one.normalized} was requested but is not in the bundle`, `    used by ${originOf(one)}`);
    if (one.refused !== undefined) lines.push(`    it could not be pulled from a registry: ${one.refused}`);
  }
  for (const { kind, namespace, name, why } of pending) lines.push(`! ${kind} ${namespace}/${name}: ${why}`);
  for (const name of ofOthers) lines.push(`- ${name} was requested by Pods that do not belong to the bundle`);
  for (const { normalized, compressedBytes, note } of unused) {
    const because = note === "" ? "" : `, ${note}`;
    lines.push(`- ${normalized} was not requested (${formatBytes(compressedBytes)}${because})`);
  }
  for (const what of stayed) lines.push(`! not cleaned up: ${what}`);
  for (const { id, yaml } of drafts) {
    lines.push(
      "",
      `draft for the knowledge base; please review and contribute it (manifests/operators/${id}.yaml):`,
      "",
      yaml,
    );
  }
  lines.push(`${countOf(asked.length + missing.length, "image")} requested, ${missing.length} missing`);
  if (written > 0)
    lines.push(`${countOf(written, "image")} added to ${argument}; build the bundle again and rehearse it`);
  else if (missing.length > 0 && !isBundle) lines.push("--write adds them to the spec");
  return lines.join("\n");
}
