const BETWEEN = ', tested on ';

/** Name of a dataset of two corpora: a model trained on all clips of the first one is tested on the second. */
export function testedOnName(base: string, other: string): string {
  return `${base}${BETWEEN}${other}`;
}

/** Whether `testedOnName` made this dataset name, which is the only sign of `--test-on` in a plan. */
export function isTestedOnName(name: string): boolean {
  return name.includes(BETWEEN);
}
