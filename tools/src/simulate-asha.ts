// Measures how optimistic the score of a sweep's winner is for each algorithm. The true accuracies of the trials are
// known, and their answers are random, so there is nothing to learn from them. Decisions and corrections use the same
// code as real sweeps. Prints a Markdown table, or JSON with --json.
//
//   tools/simulate-asha --clips 60 --repeats 1 --trials 27 --sweeps 60
//
// --spread P draws the true accuracy of each trial from a normal distribution around 50 % with a standard deviation of
// P points; the default 0 means pure noise. A clip is easy or hard for a trial: the trial answers it correctly in 90 %
// or 10 % of the repeats.
import { parseArgs } from 'node:util';
import { deriveSeed, Random } from '@cryfold/core';
import { type Split, splitterOf } from '@cryfold/evaluation';
import { correctedScore, decide, meanScore, scoreChoice, trialAnswers } from '@cryfold/hyperparameter-search';
import { type Decision, growPlan, parseSpec, planRun, type RunPlan, replay, type SearchLog } from '@cryfold/plan';
import { type Estimate, estimate, markdownTable, percentText } from './estimates.js';
import { wholeOption } from './options.js';

const { values } = parseArgs({
  options: {
    clips: { type: 'string', default: '60' },
    folds: { type: 'string', default: '5' },
    repeats: { type: 'string', default: '1' },
    trials: { type: 'string', default: '27' },
    sweeps: { type: 'string', default: '60' },
    samples: { type: 'string', default: '300' },
    spread: { type: 'string', default: '0' },
    json: { type: 'boolean', default: false },
  },
});
const [CLIPS, FOLDS, REPEATS, TRIALS, SWEEPS, SAMPLES] = (
  ['clips', 'folds', 'repeats', 'trials', 'sweeps', 'samples'] as const
).map((name) => wholeOption(name, values[name]));
const SPREAD = Number(values.spread) / 100;
/** Number of folds that run at the same time */
const PARALLEL = 4;

const LABELS = Int32Array.from({ length: CLIPS }, (_, clip) => clip % 2);
const GROUPS = Array.from(LABELS, (_, clip) => `${clip}`);
const ALGORITHMS = {
  random: 'algorithm: random',
  'random, racing': 'algorithm: random, racing: {}',
  'asha, folds': 'algorithm: asha, asha: { resource: folds }',
  // Every trial begins with a complete repeat. With --repeats 1, a complete repeat consists of all folds.
  [`asha, folds, min ${FOLDS}`]: `algorithm: asha, asha: { resource: folds, min: ${FOLDS} }`,
};

function planOf(algorithm: string): RunPlan {
  const splitter = REPEATS > 1 ? 'RepeatedKFold' : 'KFold';
  const protocol = `{ splitter: ${splitter}, folds: ${FOLDS}, repeats: ${REPEATS} }`;
  const space = 'space: { svm: { C: { log: [0.01, 10000] } } }';
  const source = `version: 1\nname: simulated\nprotocol: ${protocol}\nestimators: { svm: { kind: svm } }\nsearch: { ${algorithm}, trials: ${TRIALS}, ${space} }\n`;
  const spec = parseSpec(source, 'simulated.yaml');
  const splits: Split[] = splitterOf(spec.protocol.splitter).split({
    ...{ labels: LABELS, groups: GROUPS, folds: FOLDS, repeats: REPEATS, seed: 0 },
  });
  const classes = ['a', 'b'];
  const clips = GROUPS.map((group, clip) => ({ id: group, group, label: classes[LABELS[clip]] }));
  const manifest = { format: 1 as const, name: 'noise', contentHash: 'a'.repeat(64), grouped: false, classes, clips };
  return planRun({ spec, manifest, splits });
}

interface SimulatedTrial {
  truth: number;
  /** Whether the trial's answer is correct, for each clip and repeat */
  right: boolean[][];
}

function drawTrial(trial: string, sweep: number): SimulatedTrial {
  const random = new Random(deriveSeed(trial, sweep));
  const truth = Math.min(0.9, Math.max(0.1, 0.5 + SPREAD * random.normal()));
  const right = GROUPS.map(() => {
    const chance = random.uniform() < (truth - 0.1) / 0.8 ? 0.9 : 0.1;
    return Array.from({ length: REPEATS }, () => random.uniform() < chance);
  });
  return { truth, right };
}

type Answers = (trial: string) => SimulatedTrial;

/** Returns a trial's predictions for the test clips of a split, in the form of a stored fold. */
function predict({ right }: SimulatedTrial, { test, repeat }: RunPlan['splits'][number]) {
  const probabilities = new Float64Array(2 * test.length);
  for (const [row, clip] of test.entries()) {
    const p = right[clip][repeat] ? 0.9 : 0.1;
    probabilities[2 * row + LABELS[clip]] = p;
    probabilities[2 * row + 1 - LABELS[clip]] = 1 - p;
  }
  return { test, probabilities, scores: probabilities };
}

const share = ({ right }: SimulatedTrial, { test, repeat }: RunPlan['splits'][number]) =>
  meanScore(test.map((clip) => Number(right[clip][repeat])));

/** Runs a simulated sweep until it finishes. */
function play(plan: RunPlan, answers: Answers): SearchLog {
  const decisions: Decision[] = [];
  const done = new Set<string>();
  for (;;) {
    const log = replay(decisions);
    const outcome = (trial: string, split: number) =>
      done.has(`${trial} ${split}`) ? { score: share(answers(trial), plan.splits[split]) } : undefined;
    const next = decide({ plan, log, outcome });
    decisions.push(...next);
    const now = replay(decisions);
    const missing = growPlan(plan, now).jobs.filter(
      ({ trial, split }) => now.trials.get(trial)?.state === 'RUNNING' && !done.has(`${trial} ${split}`),
    );
    if (next.length === 0 && missing.length === 0) return now;
    for (const { trial, split } of missing.slice(0, PARALLEL)) done.add(`${trial} ${split}`);
  }
}

function simulate(plan: RunPlan, sweep: number) {
  const drawn = new Map<string, SimulatedTrial>();
  const answers: Answers = (trial) => {
    const own = drawn.get(trial) ?? drawTrial(trial, sweep);
    drawn.set(trial, own);
    return own;
  };
  const { trials, choices } = play(plan, answers);
  const winner = [...choices.values()][0]!;
  const begun = [...trials.values()].map(({ trial, state, splits }) => {
    const folds = splits.map((split) => predict(answers(trial), plan.splits[split]));
    return { trial, state, answers: trialAnswers(folds, LABELS, 2) };
  });
  const complete = begun.filter(({ state }) => state === 'COMPLETE');
  const search = plan.spec.search!;
  const labels = LABELS;
  const groups = GROUPS;
  const { pooled, corrected } = scoreChoice({ search, begun, winner, labels, groups }, { samples: SAMPLES });
  const among = { metric: search.metric, trials: complete.map((one) => one.answers), labels, groups };
  return {
    plain: meanScore(plan.splits.map((split) => share(answers(winner), split))),
    pooled: pooled!,
    corrected: corrected?.mean ?? null,
    amongComplete: correctedScore(among, { samples: SAMPLES })!.mean,
    truth: answers(winner).truth,
    complete: complete.length,
  };
}

const rows = Object.entries(ALGORITHMS).map(([algorithm, text]) => {
  const plan = planOf(text);
  const sweeps = Array.from({ length: SWEEPS }, (_, sweep) => simulate(plan, sweep));
  const of = (figure: (one: (typeof sweeps)[number]) => number | null): Estimate | null =>
    estimate(sweeps.flatMap((one) => figure(one) ?? []));
  return {
    algorithm,
    complete: of(({ complete }) => complete)!.mean,
    plain: of(({ plain }) => plain),
    pooled: of(({ pooled }) => pooled),
    corrected: of(({ corrected }) => corrected),
    amongComplete: of(({ amongComplete }) => amongComplete),
    truth: of(({ truth }) => truth),
  };
});

if (values.json) {
  const sizes = { clips: CLIPS, folds: FOLDS, repeats: REPEATS, trials: TRIALS, sweeps: SWEEPS, samples: SAMPLES };
  process.stdout.write(`${JSON.stringify({ ...sizes, spread: SPREAD, rows }, null, 2)}\n`);
} else {
  const figures = rows.map(({ algorithm, complete, plain, pooled, corrected, amongComplete, truth }) => [
    ...[algorithm, `${complete.toFixed(1)} of ${TRIALS}`, percentText(plain), percentText(pooled)],
    corrected
      ? `${percentText(corrected)}${corrected.count < SWEEPS ? ` in ${corrected.count} of ${SWEEPS}` : ''}`
      : 'none',
    ...[percentText(amongComplete), percentText(truth)],
  ]);
  const head = ['algorithm', 'complete trials', 'plain', 'pooled', 'corrected', 'among complete trials only', 'truth'];
  process.stdout.write(`${markdownTable([head, ...figures])}\n`);
}
