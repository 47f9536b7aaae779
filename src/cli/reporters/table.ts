// Formats text tables with padded columns.

/** A column; numbers are aligned to the right. */
export interface Column {
  readonly heading: string;
  readonly align?: "right";
}

/** Formats headings and rows, with two spaces between columns. Long cells are not truncated. */
export function formatTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const widths = columns.map(({ heading }, index) =>
    Math.max(heading.length, ...rows.map((row) => row[index]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, index) =>
        columns[index]?.align === "right"
          ? cell.padStart(widths[index] ?? 0)
          : cell.padEnd(widths[index] ?? 0),
      )
      .join("  ")
      .trimEnd();
  return [line(columns.map(({ heading }) => heading)), ...rows.map(line)].join("\n");
}
