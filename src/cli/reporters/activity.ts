// Formats requests and external commands as lines for `--verbose`.
import type { Activity } from "../../core/activity.js";
import { formatBytes, formatDuration } from "../units.js";

/** Longer arguments, such as scripts for nodes, are cut. */
const ARGUMENT_LIMIT = 200;

/** Formats an activity as one line. */
export function formatActivity(activity: Activity): string {
  const took = formatDuration(activity.durationMs);
  if (activity.kind === "request") {
    const { method, url, status, failure, bytes } = activity;
    return `> ${method} ${url}: ${failure ?? String(status)}, ${formatBytes(bytes)}, ${took}`;
  }
  const { place, argv, exitCode } = activity;
  const end = exitCode === undefined ? "no exit code" : `exit code ${exitCode}`;
  return `> ${place === undefined ? "" : `[${place}] `}${argv.map(quote).join(" ")}: ${end}, ${took}`;
}

/** Quotes an argument like a shell where it needs quotes. Line breaks and control characters are blanks. */
function quote(argument: string): string {
  const line = argument.replaceAll(/[\s\p{Cc}]+/gu, " ");
  const text = line.length > ARGUMENT_LIMIT ? `${line.slice(0, ARGUMENT_LIMIT)}…` : line;
  return /^[\w@%+=:,./{}-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
