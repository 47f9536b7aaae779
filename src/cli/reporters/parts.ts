// Formats the parts that `split` wrote and `join` read.
import { countOf } from "../../core/count-of.js";
import type { JoinReport } from "../../workflows/join/join.js";
import type { SplitReport } from "../../workflows/split/split.js";
import { formatBytes } from "../units.js";

export function formatSplit({ parts }: SplitReport): string {
  const lines = parts.map(({ file, size }) => `${file}  ${formatBytes(size)}`);
  return [...lines, `${countOf(parts.length, "part")}; carry all of them, and use the name of any`].join(
    "\n",
  );
}

export function formatJoin({ file, size, parts }: JoinReport): string {
  return `wrote ${file}: ${formatBytes(size)} from ${countOf(parts.length, "part")}`;
}
