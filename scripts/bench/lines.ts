// The lines of the benchmark: what one says, how two programs are measured side by side, and the table.

/** What a run cost. */
export interface Cost {
  readonly seconds: number;
  /** Largest resident set of the process, in bytes. */
  readonly peakBytes: number;
}

/** One figure beside its peer's. */
export interface Line {
  readonly id: string;
  readonly unit: "s" | "MB" | "%";
  /** Median of the rounds; null where it was not measured. */
  readonly ours: number | null;
  readonly peer: number | null;
  /** `peer / ours` where the goal is a floor, `ours / peer` where it is a ceiling; null where a figure is missing or the goal is absolute. */
  readonly ratio: number | null;
  /** As people read it: `>= 14x`, `<= 1x`, `< 1 %`. */
  readonly goal: string;
  /** Null where it could not be told. */
  readonly holds: boolean | null;
  /** Every round, where there were several: how far they lie apart is how far the medians are to be trusted. */
  readonly rounds?: { readonly ours: readonly number[]; readonly peer: readonly number[] };
  /** The peer and its version, or why the line was skipped. */
  readonly note: string;
}

/** At least so many times as fast as the peer, or at most so many times its time. */
export type Goal = { readonly atLeast: number } | { readonly atMost: number };

/**
 * Runs the peer and ours in turn, `rounds` times, so that what else the machine does hits both; medians of seconds are compared.
 * Preparation and clearing away inside `peer` and `ours` do not count: each tells its own time.
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

/** A line with a goal of its own, in seconds, and no peer. */
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

/** What stands for the goal of a line that is there to be looked at. */
export const NO_GOAL = "none";

/** A line without a goal or a peer, in seconds. */
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

/** A line that could not be measured, with the reason. */
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

/** Writes lines as a table for people. */
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

/** The middle value, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  const middle = sorted.length / 2;
  return ((sorted[Math.floor(middle)] ?? NaN) + (sorted[Math.ceil(middle) - 1] ?? NaN)) / 2;
}

function formatGoal(goal: Goal): string {
  return "atLeast" in goal ? `>= ${goal.atLeast}x` : `<= ${goal.atMost}x`;
}
