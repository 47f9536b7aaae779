// The lines of the benchmark: their fields, the comparison of two programs, and the table.

/** The cost of a run. */
export interface Cost {
  readonly seconds: number;
  /** Processor time of all threads and child processes, user and system. */
  readonly cpuSeconds: number;
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

/** What a line compares. */
export interface Comparison {
  readonly id: string;
  readonly goal: Goal | typeof NO_GOAL;
  readonly note: string;
}

/** The two programs, each with its own cost, so that preparation and cleanup are not counted. */
export interface Sides {
  readonly peer: () => Promise<Cost>;
  readonly ours: () => Promise<Cost>;
}

/** The cost of every round. */
export interface SideCosts {
  readonly peer: readonly Cost[];
  readonly ours: readonly Cost[];
}

/**
 * Runs the peer and ours alternately, `rounds` times, so that other load on the machine affects
 * both.
 */
export async function measureSides(rounds: number, { peer, ours }: Sides): Promise<SideCosts> {
  const costs = { peer: [] as Cost[], ours: [] as Cost[] };
  for (let round = 0; round < rounds; round++) {
    costs.peer.push(await peer());
    costs.ours.push(await ours());
  }
  return costs;
}

/** Returns the line that compares the medians of one figure of the costs, in seconds. */
export function compareCosts(
  { id, goal, note }: Comparison,
  costs: SideCosts,
  figure: "seconds" | "cpuSeconds" = "seconds",
): Line {
  const [ours, peer] = [costs.ours, costs.peer].map((all) => all.map((cost) => cost[figure]));
  const [oursMedian, peerMedian] = [median(ours ?? []), median(peer ?? [])];
  const isMinimum = typeof goal === "object" && "atLeast" in goal;
  const ratio = isMinimum ? peerMedian / oursMedian : oursMedian / peerMedian;
  return {
    id,
    unit: "s",
    ours: oursMedian,
    peer: peerMedian,
    ratio,
    goal: formatGoal(goal),
    holds: goal === NO_GOAL ? null : "atLeast" in goal ? ratio >= goal.atLeast : ratio <= goal.atMost,
    rounds: { ours: ours ?? [], peer: peer ?? [] },
    note,
  };
}

/** Measures both sides and compares their seconds. */
export async function sideBySide(comparison: Comparison, rounds: number, sides: Sides): Promise<Line> {
  return compareCosts(comparison, await measureSides(rounds, sides));
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

/** Returns a line that could not be measured, with the reason. */
export function skipped(id: string, goal: Goal | string, reason: string): Line {
  return {
    id,
    unit: "s",
    ours: null,
    peer: null,
    ratio: null,
    goal: formatGoal(goal),
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

function formatGoal(goal: Goal | string): string {
  if (typeof goal === "string") return goal;
  return "atLeast" in goal ? `>= ${goal.atLeast}x` : `<= ${goal.atMost}x`;
}
