import type { RunResults } from '@cryfold/evaluation';

/** Test predictions without which a perfect score is no surprise. */
const LEAST_CLIPS = 20;

/** What to say where every estimator is right about every clip: real data hardly allows that. */
export function perfectWarning({ models }: RunResults): string | undefined {
  const estimators = models.filter(({ kind, pooled }) => kind === 'estimator' && pooled);
  const perfect = estimators.every(({ pooled }) => pooled?.accuracy === 1 && pooled.clips >= LEAST_CLIPS);
  if (estimators.length === 0 || !perfect) return undefined;
  const who = estimators.length === 1 ? `${estimators[0].name} is` : 'Every estimator is';
  return `${who} right about every test clip. Real recordings hardly allow that: check with \`cryfold data audit\` whether something besides the sound tells the classes apart.`;
}
