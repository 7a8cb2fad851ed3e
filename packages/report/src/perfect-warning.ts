import type { RunResults } from '@cryfold/evaluation';

/** With fewer test predictions, a perfect score is not surprising. */
const LEAST_CLIPS = 20;

/** Warns if every estimator classifies every clip correctly, which is implausible for real data. */
export function perfectWarning({ models }: RunResults): string | undefined {
  const estimators = models.filter(({ kind, pooled }) => kind === 'estimator' && pooled);
  const perfect = estimators.every(({ pooled }) => pooled?.accuracy === 1 && pooled.clips >= LEAST_CLIPS);
  if (estimators.length === 0 || !perfect) return undefined;
  const who = estimators.length === 1 ? `${estimators[0].name} classifies` : 'Every estimator classifies';
  return `${who} every test clip correctly. This is implausible for real recordings: check with \`cryfold data audit\` whether something other than the sound separates the classes.`;
}
