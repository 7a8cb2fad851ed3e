// Measures how often the tests between two models report a difference between equal models, and how often the intervals
// of pooled figures contain the truth. Uses the evaluation code of real runs. Prints Markdown tables, or JSON with
// --json.
//
//   tools/simulate-tests --runs 200 --corpora 52x44,30x15 --effects 0,0.25,0.5 --samples 400 --groups 5,10,20,50
//
// For the tests, two models have equal skill. Every group (infant) is easy or hard for both, and each model does better
// or worse on it by chance (normal, with the standard deviation `effects` on the log-odds scale). As with real models,
// the repeats differ only slightly. For the intervals, groups have one class each and different sizes, and their
// accuracies differ (standard deviation 1 on the log-odds scale). The truth is estimated from 100,000 groups.
import { parseArgs } from 'node:util';
import { deriveSeed, Random } from '@cryfold/core';
import {
  accuracy,
  balancedAccuracy,
  type EvaluationInput,
  evaluateRun,
  macroF1,
  repeatedGroupKFold,
  repeatedKFold,
  type Split,
} from '@cryfold/evaluation';

const { values } = parseArgs({
  options: {
    /** Number of simulated runs per row in the table of tests */
    runs: { type: 'string', default: '200' },
    /** Number of groups x mean number of clips per group */
    corpora: { type: 'string', default: '52x44,30x15' },
    effects: { type: 'string', default: '0,0.25,0.5' },
    repeats: { type: 'string', default: '10' },
    /** Number of simulated corpora per row in the table of intervals */
    samples: { type: 'string', default: '400' },
    groups: { type: 'string', default: '5,10,20,50' },
    json: { type: 'boolean', default: false },
  },
});

const LEVEL = 0.05;
const numbers = (text: string) => text.split(',').map(Number);
const RUNS = Number(values.runs);
const REPEATS = Number(values.repeats);
const SAMPLES = Number(values.samples);
const EFFECTS = numbers(values.effects);
const GROUPS = numbers(values.groups);
const CORPORA = values.corpora.split(',').map((text) => text.split('x').map(Number) as [number, number]);
for (const value of [RUNS, REPEATS, SAMPLES, ...EFFECTS, ...GROUPS, ...CORPORA.flat()]) {
  if (Number.isFinite(value) && value >= 0) continue;
  console.error('simulate-tests: sizes must be numbers, such as --runs 200 --corpora 52x44,30x15 --groups 5,10');
  process.exit(2);
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
/** Draws a number from the gamma distribution with shape 2 and mean 1 */
const gamma = (random: Random) => -0.5 * (Math.log(1 - random.uniform()) + Math.log(1 - random.uniform()));

/** A share of simulations, with its standard error. */
interface Share {
  share: number;
  error: number;
}
function shareOf(hits: number, total: number): Share {
  const share = hits / total;
  return { share, error: Math.sqrt((share * (1 - share)) / total) };
}

/** Generates clips in groups of random sizes. The two classes alternate within each group. */
function drawClips(random: Random, groups: number, size: number): EvaluationInput['clips'] {
  const weights = Array.from({ length: groups }, () => gamma(random));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.flatMap((weight, g) =>
    Array.from({ length: Math.max(1, Math.round((groups * size * weight) / total)) }, (_, i) => ({
      id: `${g}-${i}`,
      group: `${g}`,
      label: i % 2,
    })),
  );
}

/** Evaluates two models of equal skill in the same way as a run does. */
function simulateRun(seed: number, [groups, size]: [number, number], effect: number, grouped: boolean) {
  const random = new Random(seed);
  const clips = drawClips(random, groups, size);
  const names = clips.map(({ group }) => group);
  const options = { splits: 5, repeats: REPEATS, seed };
  const splits: Split[] = grouped ? repeatedGroupKFold(names, options) : repeatedKFold(clips.length, options);
  const ease = Array.from({ length: groups }, () => random.normal(2, 1));
  const luck = ['a', 'b'].map(() => ease.map((own) => own + random.normal(0, effect)));
  const hardness = clips.map(() => random.normal(0, 1.5));
  const threshold = clips.map(() => random.uniform());
  const predict = (own: number[]) =>
    splits.map(({ test }) =>
      Float64Array.from(
        [...test].flatMap((clip) => {
          const chance = sigmoid(own[Number(clips[clip].group)] - hardness[clip]);
          const right = Math.min(1, Math.max(0, threshold[clip] + random.normal(0, 0.05))) < chance;
          return (clips[clip].label === 0) === right ? [0.9, 0.1] : [0.1, 0.9];
        }),
      ),
    );
  const { results } = evaluateRun({
    ...{ classes: ['x', 'y'], clips, splits, fusion: {} },
    estimators: { a: { kind: 'svm' }, b: { kind: 'svm' } },
    probabilities: new Map(luck.map((own, m) => ['ab'[m], predict(own)])),
  });
  return results.comparisons[0];
}

/** Returns how often each test is significant, and how often the interval of the difference contains 0. */
function errorRates(corpus: [number, number], effect: number, grouped: boolean) {
  const hits = { folds: 0, groups: 0, covered: 0 };
  for (let run = 0; run < RUNS; run++) {
    const { test, byGroup } = simulateRun(deriveSeed('test', run), corpus, effect, grouped);
    if (test && test.pValue < LEVEL) hits.folds++;
    if (byGroup?.pValue != null && byGroup.pValue < LEVEL) hits.groups++;
    if (byGroup?.low != null && byGroup.low <= 0 && byGroup.high! >= 0) hits.covered++;
  }
  return {
    ...{ groups: corpus[0], clips: corpus[0] * corpus[1], effect, folds: grouped ? 'grouped' : 'random' },
    correctedT: shareOf(hits.folds, RUNS),
    byGroup: shareOf(hits.groups, RUNS),
    coverage: shareOf(hits.covered, RUNS),
  };
}

const CLASSES = 5;
const FIGURES = { accuracy, balancedAccuracy, macroF1 };
type Figure = keyof typeof FIGURES;

/** Generates groups that each have clips of a single class, and random predictions for these clips. */
function drawGroups(random: Random, groups: number): { label: number; predicted: number[] }[] {
  return Array.from({ length: groups }, (_, g) => {
    const label = g % CLASSES;
    const skill = sigmoid(random.normal(2, 1));
    const size = Math.max(1, Math.round(20 * gamma(random)));
    const wrong = () => (label + 1 + random.below(CLASSES - 1)) % CLASSES;
    return { label, predicted: Array.from({ length: size }, () => (random.uniform() < skill ? label : wrong())) };
  });
}

function truth(): Record<Figure, number> {
  const confusion = Array.from({ length: CLASSES }, () => new Array<number>(CLASSES).fill(0));
  for (const { label, predicted } of drawGroups(new Random(deriveSeed('truth', 0)), 100_000)) {
    for (const answer of predicted) confusion[label][answer]++;
  }
  return {
    accuracy: accuracy(confusion),
    balancedAccuracy: balancedAccuracy(confusion),
    macroF1: macroF1(confusion),
  };
}

/** Returns the intervals of a run with these groups. */
function simulateIntervals(seed: number, groups: number) {
  const drawn = drawGroups(new Random(seed), groups);
  const clips = drawn.flatMap(({ label, predicted }, g) =>
    predicted.map((_, i) => ({ id: `${g}-${i}`, group: `${g}`, label })),
  );
  const rows = drawn.flatMap(({ predicted }) =>
    predicted.flatMap((answer) => Array.from({ length: CLASSES }, (_, c) => (c === answer ? 1 : 0))),
  );
  const { results } = evaluateRun({
    classes: Array.from({ length: CLASSES }, (_, c) => `${c}`),
    clips,
    splits: [{ repeat: 0, fold: 0, train: Int32Array.of(), test: Int32Array.from(clips.keys()) }],
    estimators: { a: { kind: 'svm' } },
    fusion: {},
    probabilities: new Map([['a', [Float64Array.from(rows)]]]),
  });
  return results.models[0].pooled!.intervals!;
}

function coverage(groups: number, expected: Record<Figure, number>) {
  const names = Object.keys(FIGURES) as Figure[];
  const hits = { accuracy: 0, balancedAccuracy: 0, macroF1: 0 };
  let width = 0;
  for (let sample = 0; sample < SAMPLES; sample++) {
    const intervals = simulateIntervals(deriveSeed('interval', sample), groups);
    for (const name of names) {
      const interval = intervals[name];
      if (interval && interval.low <= expected[name] && expected[name] <= interval.high) hits[name]++;
    }
    if (intervals.accuracy) width += (intervals.accuracy.high - intervals.accuracy.low) / SAMPLES;
  }
  const shares = Object.fromEntries(names.map((name) => [name, shareOf(hits[name], SAMPLES)]));
  return { groups, ...(shares as Record<Figure, Share>), accuracyWidth: width };
}

const percent = ({ share, error }: Share) => `${(100 * share).toFixed(1)} ± ${(100 * error).toFixed(1)} %`;
const row = (cells: (string | number)[]) => `| ${cells.join(' | ')} |`;
const table = (head: string[], body: (string | number)[][]) =>
  [row(head), row(head.map(() => '---')), ...body.map(row)].join('\n');

const tests = CORPORA.flatMap((corpus) =>
  EFFECTS.flatMap((effect) => [false, true].map((grouped) => errorRates(corpus, effect, grouped))),
);
const expected = truth();
const intervals = GROUPS.map((groups) => coverage(groups, expected));
if (values.json) {
  console.log(JSON.stringify({ runs: RUNS, repeats: REPEATS, samples: SAMPLES, tests, intervals }, null, 2));
} else {
  console.log(
    `Two models of equal skill, ${RUNS} runs of ${REPEATS} x 5 folds per row; nominal error rate 5 %, coverage 95 %`,
  );
  console.log(
    table(
      [
        'groups',
        'clips',
        'effect',
        'folds',
        'corrected t over folds',
        'exchange of groups',
        'interval of the difference contains 0',
      ],
      tests.map((one) => [
        ...[one.groups, one.clips, one.effect, one.folds],
        ...[percent(one.correctedT), percent(one.byGroup), percent(one.coverage)],
      ]),
    ),
  );
  console.log(`\n95 % intervals of pooled metrics that contain the truth, ${SAMPLES} corpora per row`);
  console.log(
    table(
      ['groups', 'accuracy', 'balanced accuracy', 'macro F1', 'mean width, accuracy'],
      intervals.map((one) => [
        ...[one.groups, percent(one.accuracy), percent(one.balancedAccuracy), percent(one.macroF1)],
        `${(100 * one.accuracyWidth).toFixed(1)} points`,
      ]),
    ),
  );
}
