// Formats the result of an installation.
import { countOf } from "../../core/count-of.js";
import type { PendingThing } from "../../core/kubernetes/pod-states.js";
import type { InstallReport, ReleaseReport } from "../../workflows/install/install.js";

/** Formats the outcome of each release, with every problem on its own line. */
export function formatInstall(report: InstallReport): string {
  const { bundle, context, kubeVersion, outcome, refusals, releases } = report;
  const lines = [
    `${bundle} on ${context} (Kubernetes ${kubeVersion})`,
    ...(report.rehearsal === undefined ? [] : describeRehearsal(report.rehearsal)),
  ];
  if (outcome === "refused") {
    lines.push("refused: nothing was installed");
    for (const { message, hint } of refusals) lines.push(`  ✗ ${message}`, `    what to do: ${hint}`);
    return lines.join("\n");
  }
  for (const release of releases) lines.push(...describeRelease(release));
  return lines.join("\n");
}

function describeRelease({
  name,
  namespace,
  chart,
  outcome,
  message,
  ready,
  pods,
  pending,
}: ReleaseReport): string[] {
  const counted =
    ready === undefined || pods === undefined
      ? ""
      : `: ${ready} of ${countOf(pods, "Pod")} Running and Ready`;
  const head = `${OUTCOMES[outcome]} ${name} (${chart}) in namespace ${namespace}${counted}`;
  return [head, ...(message === undefined ? [] : [`  ✗ ${message}`]), ...pending.map(describePending)];
}

/** Describes the rehearsal, and how this installation differs from it. */
function describeRehearsal(rehearsal: NonNullable<InstallReport["rehearsal"]>): readonly string[] {
  const { date, kubeVersion, containerd, asked, missing, releases, stillMissing, differences } = rehearsal;
  const sum = (of: "ready" | "pods"): number => releases.reduce((total, release) => total + release[of], 0);
  return [
    `rehearsed on ${date.slice(0, 10)} on Kubernetes ${kubeVersion}, containerd ${containerd.join(", ")}: ` +
      `${countOf(asked.length + missing.length, "image")} requested, ${sum("ready")} of ${countOf(sum("pods"), "Pod")} ready, ${describeMissing(missing.length, stillMissing.length)}`,
    ...stillMissing.map((image) => `  ! requested in the rehearsal but not in the bundle: ${image}`),
    ...differences.map((difference) => `  ! differs from the rehearsal: ${difference}`),
  ];
}

function describeMissing(then: number, still: number): string {
  if (then === 0) return "none missing";
  return still === 0 ? `${then} missing then, but in the bundle now` : `${then} missing`;
}

function describePending({ kind, name, why }: PendingThing): string {
  return `  ✗ ${kind} ${name}: ${why}`;
}

const OUTCOMES: Readonly<Record<ReleaseReport["outcome"], string>> = {
  installed: "✓",
  failed: "failed:",
  "not-ready": "not ready in time:",
  "not-started": "not started:",
};
