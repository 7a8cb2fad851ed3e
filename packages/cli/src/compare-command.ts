import { CryfoldError } from '@cryfold/core';
import { compareRuns, type RunComparison, type RunResults, type Verdict } from '@cryfold/evaluation';
import { displayName } from '@cryfold/report';
import type { Config } from '@cryfold/runtime';
import { EXIT } from './exit-codes.js';
import { findRun } from './find-run.js';
import { jsonText, say } from './terminal.js';

export interface CompareOptions {
  model?: string[];
  json: boolean;
}

/** What a script learns from the exit code; `better` is success, so that `cryfold compare A B && promote` works. */
const EXIT_OF: Readonly<Record<Verdict, number>> = {
  better: EXIT.done,
  same: EXIT.same,
  worse: EXIT.worse,
  incomplete: EXIT.incomplete,
};

/** `cryfold compare RUN_A RUN_B`: is B better than A? A paired test on the folds that both have. */
export async function compareCommand(a: string, b: string, options: CompareOptions, config: Config): Promise<number> {
  const [baseline, candidate] = [(await findRun(a, config)).results, (await findRun(b, config)).results];
  const [before, after] = chooseModels(options.model, baseline, candidate);
  const comparison = compareRuns({ results: baseline, model: before }, { results: candidate, model: after });
  const names = {
    baseline: { run: baseline.run.id, model: before },
    candidate: { run: candidate.run.id, model: after },
  };
  const title = (results: RunResults, model: string) => `${displayName(results, model)} of ${results.run.id}`;
  say(
    options.json
      ? `${jsonText({ ...comparison, ...names, protocol: candidate.protocol.label })}\n`
      : `${describe(comparison, title(candidate, after), title(baseline, before))}\n${candidate.protocol.label}\n`,
  );
  return EXIT_OF[comparison.verdict];
}

/** Told, or the first fusion that both runs have, or the only model that both have. */
function chooseModels(told: string[] | undefined, a: RunResults, b: RunResults): [string, string] {
  if (told && (told.length === 1 || told.length === 2)) return [told[0], told.at(-1)!];
  const common = a.models.filter(({ name }) => b.models.some((other) => other.name === name));
  const choice = common.find(({ kind }) => kind === 'fusion') ?? (common.length === 1 ? common[0] : undefined);
  if (!told && choice) return [choice.name, choice.name];
  const list = (results: RunResults) => results.models.map(({ name }) => name).join(', ');
  throw new CryfoldError('USAGE', '--model: name the model to compare, or one of each run as a,b', {
    hint: `${a.run.id} has: ${list(a)}. ${b.run.id} has: ${list(b)}.`,
  });
}

function describe({ verdict, test }: RunComparison, candidate: string, baseline: string): string {
  const points = (value: number) => `${value > 0 ? '+' : ''}${(100 * value).toFixed(2)}`;
  const evidence = test
    ? `${points(test.meanDifference)} points of accuracy over ${test.folds} common folds, 95 % interval ` +
      `${points(test.low)} to ${points(test.high)}, p ${test.pValue < 0.0001 ? '<0.0001' : test.pValue.toFixed(4)} ` +
      '(corrected resampled t-test)'
    : 'fewer than two common folds';
  const sentences: Record<Verdict, string> = {
    better: `${candidate} is better than ${baseline}`,
    same: `${candidate} is not known to differ from ${baseline}`,
    worse: `${candidate} is worse than ${baseline}`,
    incomplete: `${candidate} cannot be judged against ${baseline}: folds are missing`,
  };
  return `${verdict}: ${sentences[verdict]}\n${evidence}`;
}
