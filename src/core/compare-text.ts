// Orders texts by their code units, which is the same in every locale.

/** Returns a negative number, 0 or a positive number, for `sort`. */
export function compareText(one: string, other: string): number {
  return one < other ? -1 : Number(one > other);
}
