// Checks which of the programs and services that the commands need are available on a machine.
import { ManyErrors, ViolaError } from "../errors.js";

/** One requirement to check. */
export interface Probe {
  readonly name: string;
  /** The commands that need it. */
  readonly neededFor: string;
  /**
   * Returns one line that describes it. Throws a `ViolaError` if it is missing or does not work.
   */
  readonly look: (signal: AbortSignal) => Promise<string>;
}

/** The result of one check. */
export interface Finding {
  readonly name: string;
  readonly neededFor: string;
  readonly isThere: boolean;
  /** What was found, or the error. */
  readonly detail: string;
  /** How to fix the problem. */
  readonly hint?: string;
}

/**
 * Runs all checks at once. A missing requirement is a result and not an error. Rejects only when
 * the signal fires, or for a bug.
 */
export async function examine(probes: readonly Probe[], signal: AbortSignal): Promise<readonly Finding[]> {
  return Promise.all(
    probes.map(async ({ name, neededFor, look }) => {
      try {
        return { name, neededFor, isThere: true, detail: await look(signal) };
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof ViolaError)) throw error;
        const [first = error] = error instanceof ManyErrors ? error.errors : [];
        const { message, hint } = first;
        return { name, neededFor, isThere: false, detail: message, ...(hint !== undefined && { hint }) };
      }
    }),
  );
}
