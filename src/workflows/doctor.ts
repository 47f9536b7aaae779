// What a machine has and lacks: every part is looked at, and what is missing says what it is missing for.
import { ManyErrors, ViolaError } from "../errors.js";

/** One part to look at. */
export interface Probe {
  readonly name: string;
  /** Commands that need it, as on the command line. */
  readonly neededFor: string;
  /** Says what is there, in a line. Throws a `ViolaError` when it is missing or does not work. */
  readonly look: (signal: AbortSignal) => Promise<string>;
}

/** What was found of one part. */
export interface Finding {
  readonly name: string;
  readonly neededFor: string;
  readonly isThere: boolean;
  /** What is there, or what is wrong. */
  readonly detail: string;
  /** What to do about it. */
  readonly hint?: string;
}

/** Looks at all parts at once; what is missing is an answer and no error. Rejects only when the signal fires, or for a bug. */
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
