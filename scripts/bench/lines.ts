// The lines of the benchmark: their fields, the comparison of two programs, and the table.

/** The cost of a run. */
export interface Cost {
  readonly seconds: number;
  /** Largest resident set of the process, in bytes. */
  readonly peakBytes: number;
}

/** One figure, and the figure of the peer. */
export interface Line {
  readonly id: string;
  readonly unit: "s" | "MB" | "%";
  /** Median of the rounds; null when it was not measured. */
  readonly ours: number | null;
  readonly peer: number | null;
  /**
   * `peer / ours` when the goal is a minimum, `ours / peer` when it is a maximum; null when a
   * figure is missing or the goal is absolute.
   */
  readonly ratio: number | null;
  /** The goal as text: `>= 14x`, `<= 1x`, `< 1 %`. */
  readonly goal: string;
  /** Whether the goal was reached; null when this is not known. */
  readonly holds: boolean | null;
  /** All rounds, if there were several. Their spread shows how reliable the medians are. */
  readonly rounds?: { readonly ours: readonly number[]; readonly peer: readonly number[] };
  /** The peer and its version, or why the line was skipped. */
  readonly note: string;
}

/** A minimum for the speed relative to the peer, or a maximum for the time relative to the peer. */
export type Goal = { readonly atLeast: number } | { readonly atMost: number };

/**
 * Runs the peer and ours alternately, `rounds` times, so that other load on the machine affects
 * both, and compares the median seconds. `peer` and `ours` return their own time, so that
 * preparation and cleanup are not counted.
 */
export async function sideBySide(
  id: string,
  goal: Goal,
  rounds: number,
  note: string,
  peer: () => Promise<Cost>,
  ours: () => Promise<Cost>,
): Promise<Line> {
  const seconds = { ours: [] as number[], peer: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    seconds.peer.push((await peer()).seconds);
    seconds.ours.push((await ours()).seconds);
  }
  const [oursMedian, peerMedian] = [median(seconds.ours), median(seconds.peer)];
  const ratio = "atLeast" in goal ? peerMedian / oursMedian : oursMedian / peerMedian;
  return {
    id,
    unit: "s",
    ours: oursMedian,
    peer: peerMedian,
    ratio,
    goal: formatGoal(goal),
    holds: "atLeast" in goal ? ratio >= goal.atLeast : ratio <= goal.atMost,
    rounds: seconds,
    note,
  };
}

/** Returns a line with an absolute goal in seconds and no peer. */
export function within(id: string, limitSeconds: number, rounds: readonly number[], note: string): Line {
  const ours = median(rounds);
  return {
    id,
    unit: "s",
    ours,
    peer: null,
    ratio: null,
    goal: `< ${limitSeconds} s`,
    holds: ours < limitSeconds,
    rounds: { ours: rounds, peer: [] },
    note,
  };
}

/** The goal of a line that is only shown. */
export const NO_GOAL = "none";

/** Returns a line in seconds without a goal or a peer. */
export function shown(id: string, rounds: readonly number[], note: string): Line {
  return {
    id,
    unit: "s",
    ours: median(rounds),
    peer: null,
    ratio: null,
    goal: NO_GOAL,
    holds: null,
    rounds: { ours: rounds, peer: [] },
    note,
  };
}

/** Returns a line that could not be measured, with the reason. */
export function skipped(id: string, goal: Goal | string, reason: string): Line {
  const text = typeof goal === "string" ? goal : formatGoal(goal);
  return {
    id,
    unit: "s",
    ours: null,
    peer: null,
    ratio: null,
    goal: text,
    holds: null,
    note: `skipped: ${reason}`,
  };
}

/** Formats lines as a table. */
export function formatTable(lines: readonly Line[]): string {
  const number = (value: number | null, unit: string): string =>
    value === null ? "-" : `${value.toFixed(2)} ${unit}`;
  const rows = [
    ["id", "peer", "ours", "ratio", "goal", "holds", ""],
    ...lines.map((line) => [
      line.id,
      number(line.peer, line.unit),
      number(line.ours, line.unit),
      number(line.ratio, "x"),
      line.goal,
      line.holds === null ? "?" : line.holds ? "yes" : "NO",
      line.note,
    ]),
  ];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** Returns the median. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  const middle = sorted.length / 2;
  return ((sorted[Math.floor(middle)] ?? NaN) + (sorted[Math.ceil(middle) - 1] ?? NaN)) / 2;
}

function formatGoal(goal: Goal): string {
  return "atLeast" in goal ? `>= ${goal.atLeast}x` : `<= ${goal.atMost}x`;
}
