// What a rehearsal came to, as text.
import type { OperatorDraft } from "../../core/rehearsal/draft-operator.js";
import type { RehearsalReport } from "../../workflows/rehearse/rehearse.js";
import { formatBytes } from "../units.js";
import { originOf } from "../../core/rehearsal/verdict.js";

export interface Rehearsed {
  /** As on the command line. */
  readonly argument: string;
  readonly isBundle: boolean;
  /** How many images were written into the spec. */
  readonly written: number;
  readonly drafts: readonly OperatorDraft[];
}

/** Writes what is missing first, the verdict last. */
export function formatRehearsal(
  report: RehearsalReport,
  { argument, isBundle, written, drafts }: Rehearsed,
): string {
  const { bundle, context, kubeVersion, releases, asked, missing, unused, ofOthers, pending, stayed } =
    report;
  const lines = [`${bundle} on ${context} (Kubernetes ${kubeVersion})`];
  for (const { name, chart, namespace, ready, pods, message } of releases) {
    lines.push(`  ${name} (${chart}) in namespace ${namespace}: ${ready} of ${pods} Pods Running and Ready`);
    if (message !== undefined) lines.push(`    ✗ ${message}`);
  }
  for (const one of missing) {
    lines.push(
      `✗ ${one.normalized} was asked for and is not in the bundle`,
      `    wanted by ${originOf(one)}`,
    );
    if (one.refused !== undefined) lines.push(`    no registry gives it: ${one.refused}`);
  }
  for (const { kind, namespace, name, why } of pending) lines.push(`! ${kind} ${namespace}/${name}: ${why}`);
  for (const name of ofOthers) lines.push(`- ${name} was asked for by Pods that are not the bundle's`);
  for (const { normalized, compressedBytes, note } of unused) {
    const because = note === "" ? "" : `, ${note}`;
    lines.push(`- ${normalized} was not asked for (${formatBytes(compressedBytes)}${because})`);
  }
  for (const what of stayed) lines.push(`! not put back: ${what}`);
  for (const { id, yaml } of drafts) {
    lines.push(
      "",
      `for the knowledge base, to review and give back (manifests/operators/${id}.yaml):`,
      "",
      yaml,
    );
  }
  lines.push(`${asked.length + missing.length} images asked for, ${missing.length} missing`);
  if (written > 0)
    lines.push(`${written} written into ${argument}: build it again, and rehearse what was built`);
  else if (missing.length > 0 && !isBundle) lines.push("--write adds them to the spec");
  return lines.join("\n");
}
