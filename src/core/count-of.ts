// Counts in messages.

/** Returns the count with the noun in the right number: `1 image`, `2 images`. */
export function countOf(count: number, singular: string, plural = `${singular}s`): string {
  return `${count} ${count === 1 ? singular : plural}`;
}
