// Texts that the table and the Markdown of an audit share.
import type { ArrangedRow, Arrangement } from "../../../core/audit/arrange.js";
import type { AuditFinding, AuditReport, AuditWorkload } from "../../../core/audit/report.js";
import type { AUDIT_WORDS } from "../../../core/words/audit.js";
import type { Language } from "../../../core/words/language.js";
import type { Phrase } from "../../../core/words/phrase.js";
import { formatBytes } from "../../units.js";

export interface AuditReportOptions extends Arrangement {
  readonly language: Language;
  /** The date that ages count from, such as `2026-11-27`. */
  readonly today: string;
  /** Columns of the terminal. Undefined for a table of any width. */
  readonly width?: number | undefined;
}

export type AuditWords = Phrase<typeof AUDIT_WORDS>;

/** Returns the kinds, each with the resources that it runs for: `StatefulSet (Prometheus)`. */
export function describeWorkloads(workloads: readonly AuditWorkload[]): string {
  const kinds = workloads.map(({ kind, resource }) =>
    resource === null ? kind : `${kind} (${resource.split(" ")[0] ?? ""})`,
  );
  return [...new Set(kinds)].join(", ");
}

export function isResolved({ image }: ArrangedRow): boolean {
  return image.platforms.length > 0;
}

export function sizeOf(row: ArrangedRow, words: AuditWords): string {
  return isResolved(row) ? formatBytes(row.image.compressedBytes) : words("unknown");
}

export function unpackedOf({ image: { uncompressedBytes } }: ArrangedRow, words: AuditWords): string {
  return uncompressedBytes === null ? words("unknown") : formatBytes(uncompressedBytes);
}

export function totalLines({ images, totals }: AuditReport, words: AuditWords): readonly string[] {
  const { layers, uniqueBytes, sharedBytes, uncompressedBytes } = totals;
  const sharing = sharedBytes === 0 ? "" : ` (${words("sharing", { size: formatBytes(sharedBytes) })})`;
  const unresolved = images.filter(({ platforms }) => platforms.length === 0).length;
  return [
    [
      words("images", { count: images.length }),
      words("layers", { count: layers }),
      `${words("compressedTotal", { size: formatBytes(uniqueBytes) })}${sharing}`,
      uncompressedBytes === null
        ? words("unpackedUnknown")
        : words("unpackedTotal", { size: formatBytes(uncompressedBytes) }),
    ].join(", "),
    ...(unresolved === 0 ? [] : [words("unresolved", { count: unresolved })]),
  ];
}

export function suppression({ suppressed }: AuditFinding, words: AuditWords): string {
  if (suppressed === undefined) return "";
  const { reason, until } = suppressed;
  return ` (${until === undefined ? words("suppressed", { reason }) : words("suppressedUntil", { until, reason })})`;
}

/** Returns the blocks with an empty line before each. */
export function separated(blocks: readonly string[] = []): readonly string[] {
  return blocks.flatMap((block) => ["", block]);
}

/** Returns the heading of a column in a terminal. */
export function heading(word: string): string {
  return word.toUpperCase();
}
