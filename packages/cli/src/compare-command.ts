import { readPredictions } from '@cryfold/aggregator';
import { CryfoldError } from '@cryfold/core';
import {
  compareRuns,
  type FusionRule,
  LEAST_FOLDS,
  LEAST_GROUPS,
  labelOf,
  METRICS,
  metricOf,
  needsPredictions,
  type RunComparison,
  type RunResults,
  type RunSide,
  unknownGroupsNote,
  type Verdict,
} from '@cryfold/evaluation';
import { metricNamed } from '@cryfold/plan';
import { displayName, warningsOf } from '@cryfold/report';
import type { Config } from '@cryfold/runtime';
import { EXIT } from './exit-codes.js';
import { type FoundRun, findRun, storeBehind } from './find-run.js';
import { openStoreOf } from './open-store.js';
import { jsonText, say } from './terminal.js';

export interface CompareOptions {
  model?: string[];
  metric?: string;
  json: boolean;
}

/** `better` exits with success, so that `cryfold compare A B && promote` works. */
const EXIT_OF: Readonly<Record<Verdict, number>> = {
  better: EXIT.done,
  same: EXIT.same,
  worse: EXIT.worse,
  incomplete: EXIT.incomplete,
};

/**
 * `cryfold compare RUN_A RUN_B`: checks whether B is better than A. If clips share groups, compares the stored
 * predictions by group; otherwise, compares the folds that both runs have.
 */
export async function compareCommand(a: string, b: string, options: CompareOptions, config: Config): Promise<number> {
  const [foundA, foundB] = [await findRun(a, config), await findRun(b, config)];
  const [baseline, candidate] = [foundA.results, foundB.results];
  const [before, after] = chooseModels(options.model, baseline, candidate);
  const metric = metricNamed(options.metric ?? candidate.search?.metric ?? metricOf(candidate));
  const sides: RunSide[] = [
    { results: baseline, model: before },
    { results: candidate, model: after },
  ];
  if (sides.every(isComplete)) {
    sides[0].predicted = await predictionsFor(sides[0], () => storeBehind(a, foundA), config);
    sides[1].predicted = await predictionsFor(sides[1], () => storeBehind(b, foundB), config);
  }
  const comparison = compareRuns(sides[0], sides[1], undefined, metric);
  const names = {
    baseline: { run: baseline.run.id, model: before },
    candidate: { run: candidate.run.id, model: after },
  };
  const warned = sides.flatMap(({ results, model }) =>
    warningsOf(results, model).map((warning) => `${results.run.id}: ${warning}`),
  );
  const warnings = [...new Set(warned)];
  const title = (results: RunResults, model: string) => `${displayName(results, model)} of ${results.run.id}`;
  say(
    options.json
      ? `${jsonText({ ...comparison, ...names, protocol: labelOf(candidate), warnings })}\n`
      : `${describe(comparison, title(candidate, after), title(baseline, before))}\n${[labelOf(candidate), unknownGroupsNote(candidate.dataset) ?? [], warnings].flat().join('\n')}\n`,
  );
  return EXIT_OF[comparison.verdict];
}

/**
 * Returns the requested model of each run. Default: the first fusion that both runs have, or their only common model.
 */
function chooseModels(named: string[] | undefined, a: RunResults, b: RunResults): [string, string] {
  if (named && (named.length === 1 || named.length === 2)) return [named[0], named.at(-1)!];
  const common = a.models.filter(({ name }) => b.models.some((other) => other.name === name));
  const choice = common.find(({ kind }) => kind === 'fusion') ?? (common.length === 1 ? common[0] : undefined);
  if (!named && choice) return [choice.name, choice.name];
  const list = (results: RunResults) => results.models.map(({ name }) => name).join(', ');
  throw new CryfoldError('USAGE', '--model: specify the model to compare, or one model per run as MODEL-A,MODEL-B', {
    hint: `Models of ${a.run.id}: ${list(a)}. Models of ${b.run.id}: ${list(b)}.`,
  });
}

const modelOf = ({ results, model }: RunSide) => results.models.find(({ name }) => name === model);

const isComplete = (side: RunSide) => modelOf(side)?.complete === true;

/** Reads a model's stored predictions; undefined if the test does not need them. */
async function predictionsFor(
  side: RunSide,
  storeUrl: () => FoundRun['storeUrl'] & string,
  config: Config,
): Promise<RunSide['predicted']> {
  const model = modelOf(side);
  if (!model || !needsPredictions(side.results)) return undefined;
  const store = openStoreOf(storeUrl(), config);
  // Results of `cryfold fuse` have a fusion rule that is not in the spec.
  const { name, method, members, nested } = model;
  const rule = members && { rule: method as FusionRule, members, ...(nested ? { nested } : {}) };
  return readPredictions(store, side.results.run.id, name, rule).finally(() => store.close());
}

function describe({ verdict, ...found }: RunComparison, candidate: string, baseline: string): string {
  const few = {
    'too few folds': `fewer than ${LEAST_FOLDS} common folds`,
    'too few groups': `fewer than ${LEAST_GROUPS} groups`,
  } as Readonly<Record<string, string>>;
  const sentences: Record<Verdict, string> = {
    better: `${candidate} is better than ${baseline}`,
    same: `${candidate} is not shown to differ from ${baseline}`,
    worse: `${candidate} is worse than ${baseline}`,
    incomplete: `${candidate} cannot be compared with ${baseline}: ${few[found.untested ?? ''] ?? 'folds are missing'}`,
  };
  return [`${verdict}: ${sentences[verdict]}`, ...evidence(found)].join('\n');
}

/** Prints the decisive test first, then the secondary one. */
function evidence({
  metric,
  folds,
  meanDifference,
  test,
  byGroup,
  untested,
}: Omit<RunComparison, 'verdict'>): string[] {
  const { title, share } = METRICS[metric];
  const signed = (value: number) => `${value > 0 ? '+' : ''}${share ? (100 * value).toFixed(2) : value.toFixed(4)}`;
  const amount = (value: number) => `${signed(value)} ${share ? `points of ${title}` : title}`;
  const range = ({ low, high }: { low: number | null; high: number | null }) =>
    low === null || high === null ? '' : `, 95 % interval ${signed(low)} to ${signed(high)}`;
  const p = (value: number | null) =>
    value === null ? untested : `p ${value < 0.0001 ? '<0.0001' : value.toFixed(4)}`;
  const lines: string[] = [];
  if (byGroup) {
    lines.push(
      `${amount(byGroup.difference)} pooled over ${byGroup.groups} groups${range(byGroup)}, ${p(byGroup.pValue)} (groups exchanged between the models)`,
    );
  }
  if (meanDifference === null) return [...lines, 'no common folds'];
  const of = `${amount(meanDifference)} on average over ${folds} common folds`;
  if (!test) return [...lines, untested === undefined || byGroup ? of : `${of}, ${untested}`];
  const note = byGroup
    ? 'corrected resampled t-test, which ignores that folds share groups'
    : 'corrected resampled t-test';
  return [...lines, `${of}${range(test)}, ${p(test.pValue)} (${note})`];
}
