/** Returns a name without case, separators and accents, so that `learning_rate` equals `learningRate`. */
const plain = (name: string): string =>
  name
    .normalize('NFD')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, '');

/** Returns the initials of a name's words, such as `lr` for `learningRate` and `learning-rate`. */
const initials = (name: string): string =>
  name
    .split(/[^\p{L}\p{N}]+|(?=\p{Lu})/u)
    .map((word) => word.slice(0, 1).toLowerCase())
    .join('');

/**
 * Only the first UTF-16 units of each name, up to this number, are compared, since the cost grows with the product of
 * the lengths.
 */
const LONGEST = 100;

/**
 * Returns the known name that the user most likely meant: one that differs only in case and separators, has the same
 * initials, or differs in at most a third of its letters. Returns undefined if no name is close enough.
 */
export function nearestName(name: string, known: Iterable<string>): string | undefined {
  const wanted = plain(name).slice(0, LONGEST);
  if (wanted === '') return undefined;
  let best: string | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const candidate of known) {
    const other = plain(candidate).slice(0, LONGEST);
    const away = initials(candidate) === wanted && wanted.length > 1 ? 0.5 : distance(wanted, other);
    if (away < least && away <= Math.max(wanted.length, other.length) / 3) [best, least] = [candidate, away];
  }
  return best;
}

/** Returns `Did you mean X? ` for the start of a hint, or an empty string. */
export function didYouMean(name: string, known: Iterable<string>): string {
  const nearest = nearestName(name, known);
  return nearest === undefined ? '' : `Did you mean ${nearest}? `;
}

/** Edit distance: the number of letters to insert, remove, replace or swap with their neighbour. */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      row[j] = Math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        row[j] = Math.min(row[j], before[j - 2] + 1);
    }
    [before, last] = [last, row];
  }
  return last[b.length];
}
