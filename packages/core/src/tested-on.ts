const BETWEEN = ', tested on ';

/**
 * Returns the name of a dataset made of two corpora: a model trained on all clips of the first is tested on the second.
 */
export function testedOnName(base: string, other: string): string {
  return `${base}${BETWEEN}${other}`;
}

/**
 * Whether a dataset name was created by `testedOnName`. The name is the only part of a plan that records `--test-on`.
 */
export function isTestedOnName(name: string): boolean {
  return name.includes(BETWEEN);
}
