const BETWEEN = ', tested on ';

/**
 * The name of a dataset made of two corpora, where a model trained on all clips of the first is tested on the second.
 */
export function testedOnName(base: string, other: string): string {
  return `${base}${BETWEEN}${other}`;
}

/** Whether a dataset name was made by `testedOnName`. A plan has no other sign of `--test-on`. */
export function isTestedOnName(name: string): boolean {
  return name.includes(BETWEEN);
}
