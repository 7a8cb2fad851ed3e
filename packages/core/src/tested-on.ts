const BETWEEN = ', tested on ';

/** What a dataset of two corpora is called: a model of all clips of the first one is tested on the second. */
export function testedOnName(base: string, other: string): string {
  return `${base}${BETWEEN}${other}`;
}

/** Whether a dataset has a name that `testedOnName` gives. Plans say in no other way that they are of `--test-on`. */
export function isTestedOnName(name: string): boolean {
  return name.includes(BETWEEN);
}
