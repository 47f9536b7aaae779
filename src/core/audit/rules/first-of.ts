// Shortens lists in messages.

const SHOWN = 5;

/** Returns the first values separated by commas, and the number of the others. */
export function firstOf(values: readonly string[]): string {
  const rest = values.length - SHOWN;
  return values.slice(0, SHOWN).join(", ") + (rest > 0 ? ` (+${rest})` : "");
}
