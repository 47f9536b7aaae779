// Text tables for people: columns padded, numbers to the right.

/** One column: its heading, and `right` for numbers. */
export interface Column {
  readonly heading: string;
  readonly align?: "right";
}

/** Writes rows under headings, columns two spaces apart; the last column is as long as it likes. */
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
