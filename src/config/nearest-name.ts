// Which known name somebody probably meant. Used by load.ts.

/** The name with the fewest edits from `wanted`; the first of several. */
export function findNearest(wanted: string, names: readonly string[]): string {
  const distances = names.map((name) => countEdits(wanted.toUpperCase(), name));
  return names[distances.indexOf(Math.min(...distances))] ?? '';
}

/** Insertions, deletions, replacements and swaps of neighbours that make one text the other (optimal string alignment). */
export function countEdits(from: string, to: string): number {
  const rows = [Array.from({ length: to.length + 1 }, (_, column) => column)];
  const at = (row: number, column: number) => rows[row]?.[column] ?? 0;
  for (let row = 1; row <= from.length; row++) {
    const next = [row];
    rows.push(next);
    for (let column = 1; column <= to.length; column++) {
      const same = from[row - 1] === to[column - 1];
      const swapped = row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      next[column] = Math.min(
        at(row - 1, column) + 1,
        at(row, column - 1) + 1,
        at(row - 1, column - 1) + (same ? 0 : 1),
        swapped ? at(row - 2, column - 2) + 1 : Number.POSITIVE_INFINITY,
      );
    }
  }
  return at(from.length, to.length);
}
