// What every command is registered with.
import type { CommandContext, CommonOptions } from "./context.js";
import type { ExitCode } from "./failure.js";

/** Runs the work of a command with a context that is disposed of afterwards. */
export type Launch = (
  options: CommonOptions,
  work: (context: CommandContext) => Promise<ExitCode>,
) => Promise<void>;

/** For options that may be repeated: the values in order. */
export function collect(value: string, previous: readonly string[]): readonly string[] {
  return [...previous, value];
}
