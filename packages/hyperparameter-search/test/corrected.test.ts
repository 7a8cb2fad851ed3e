import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '@cryfold/core';
import { kFold, METRIC_NAMES, METRICS } from '@cryfold/evaluation';
import {
  correctedScore,
  pooledScore,
  type SelectionInput,
  scoreChoice,
  type TestedFold,
  type TrialAnswers,
  trialAnswers,
} from '../src/index.js';

const CLIPS = 200;
const LABELS = Int32Array.from({ length: CLIPS }, (_, i) => i % 2);
const GROUPS = Array.from({ length: CLIPS }, (_, i) => `g${Math.floor(Math.sqrt(i))}`);

/**
 * Predictions of a trial that assigns the probability `truth(clip)` to the true class, and is therefore correct if this
 * is above one half.
 */
function answersOf(truth: (clip: number) => number, repeats = 1): TrialAnswers {
  const folds = Array.from({ length: repeats }, (): TestedFold => {
    const probabilities = Float64Array.from({ length: 2 * CLIPS }, () => 0);
    for (let clip = 0; clip < CLIPS; clip++) {
      const p = truth(clip);
      probabilities[2 * clip + LABELS[clip]] = p;
      probabilities[2 * clip + 1 - LABELS[clip]] = 1 - p;
    }
    return { test: LABELS.map((_, clip) => clip), probabilities, scores: probabilities };
  });
  return trialAnswers(folds, LABELS, 2);
}

/** Trials with different accuracies, on clips of groups of very different sizes. */
function make(chances: readonly number[], seed: number): SelectionInput {
  const random = new Random(seed);
  const trials = chances.map((chance) => answersOf(() => (random.uniform() < chance ? 0.9 : 0.1)));
  return { metric: 'accuracy', labels: LABELS, groups: GROUPS, trials };
}

test('does not correct the score of a single trial, whatever the metric', () => {
  for (const metric of METRIC_NAMES) {
    const input = { ...make([0.7], 1), metric };
    const own = pooledScore(metric, input.trials[0], LABELS);
    const { mean: corrected, low, high } = correctedScore(input, { samples: 2000 })!;
    assert.ok(Math.abs(corrected - own) < 1e-12, `${metric}: ${corrected} and ${own}`);
    assert.ok(low < corrected && corrected < high);
  }
});

test('the pooled score is the metric over the predictions of all repeats', () => {
  const random = new Random(5);
  const labels = Int32Array.from({ length: 90 }, (_, i) => (i < 60 ? 0 : i < 80 ? 1 : 2));
  const folds = [0, 1].flatMap((repeat) =>
    kFold(90, { splits: 3, shuffle: true, seed: repeat }).map(({ test: clips }): TestedFold => {
      const probabilities = new Float64Array(3 * clips.length);
      for (let row = 0; row < clips.length; row++) {
        const shares = [0, 1, 2].map(() => random.uniform());
        const sum = shares[0] + shares[1] + shares[2];
        for (const [c, share] of shares.entries()) probabilities[3 * row + c] = share / sum;
      }
      return { test: clips, probabilities, scores: probabilities };
    }),
  );
  const all = folds.flatMap(({ test: clips }) => Array.from(clips, (clip) => labels[clip]));
  const rows = Float64Array.from(folds.flatMap(({ probabilities }) => [...probabilities]));
  for (const metric of METRIC_NAMES) {
    const own = pooledScore(metric, trialAnswers(folds, labels, 3), labels);
    assert.ok(Math.abs(own - METRICS[metric].of(all, rows, 3)) < 1e-12, metric);
  }
});

test('corrects the optimistic score of the best of 30 equal trials', () => {
  let [plain, corrected] = [0, 0];
  for (let seed = 0; seed < 20; seed++) {
    const input = make(new Array(30).fill(0.5), seed);
    plain += Math.max(...input.trials.map((trial) => pooledScore('accuracy', trial, LABELS))) / 20;
    corrected += correctedScore(input, { samples: 200 })!.mean / 20;
  }
  // The expected maximum of 30 normals is 2.04 standard deviations above their mean: 0.5 + 2.04 * 0.0354.
  assert.ok(Math.abs(plain - 0.572) < 0.015, `plain ${plain}`);
  assert.ok(Math.abs(corrected - 0.5) < 0.015, `corrected ${corrected}`);
});

test('selecting one of two practically identical trials adds almost no optimism', () => {
  // Classes and groups of unequal sizes: the mean over folds of the balanced accuracy is far from the pooled one.
  const labels = Int32Array.from({ length: 60 }, (_, i) => (i < 52 ? 0 : 1));
  const right = (clip: number) => (clip % 7 === 0 ? 0.2 : clip >= 52 && clip % 2 === 0 ? 0.3 : 0.8);
  const splits = kFold(60, { splits: 10, shuffle: true, seed: 3 });
  const trial = (shift: number) =>
    splits.map(({ test: clips }): TestedFold => {
      const probabilities = new Float64Array(2 * clips.length);
      for (const [row, clip] of clips.entries()) {
        probabilities[2 * row + labels[clip]] = right(clip) + shift;
        probabilities[2 * row + 1 - labels[clip]] = 1 - right(clip) - shift;
      }
      return { test: clips, probabilities, scores: probabilities };
    });
  const folds = trial(0);
  const foldMean =
    folds.reduce((sum, { test: clips, probabilities }) => {
      const own = Array.from(clips, (clip) => labels[clip]);
      return sum + METRICS.balancedAccuracy.of(own, probabilities, 2);
    }, 0) / folds.length;
  const begun = ['a', 'b'].map((name, i) => ({
    ...{ trial: name, state: 'COMPLETE' as const },
    answers: trialAnswers(trial(0.001 * i), labels, 2),
  }));
  const groups = Array.from(labels, (_, i) => `${i}`);
  const search = { algorithm: 'random', metric: 'balancedAccuracy' } as Parameters<typeof scoreChoice>[0]['search'];
  const { pooled, corrected } = scoreChoice({ search, begun, winner: 'b', labels, groups });
  assert.ok(Math.abs(pooled! - corrected!.mean) < 1e-12, `${pooled} and ${corrected!.mean}`);
  // An earlier version compared these two figures with each other.
  assert.ok(foldMean - corrected!.mean > 0.05, `${foldMean} and ${corrected!.mean}`);
});

test('keeps a log-loss positive, and returns no corrected score for a single group', () => {
  const input = { ...make([0.6, 0.6], 3), metric: 'logLoss' as const };
  const { mean, low, high } = correctedScore(input)!;
  assert.ok(0 < low && low < mean && mean < high && high < -Math.log(0.1));
  assert.equal(correctedScore({ ...input, groups: new Array(CLIPS).fill('g') }), null);
});

test('does not correct the scores of trials with different test clips or epochs', () => {
  const input = make([0.6, 0.6], 4);
  const half = input.trials[1].answers.map((share, i) => (i < CLIPS ? share : 0));
  const trials = [input.trials[0], { ...input.trials[1], answers: half }];
  assert.equal(correctedScore({ ...input, trials }), null);

  const begun = (['COMPLETE', 'PRUNED'] as const).map((state, i) => ({
    ...{ trial: `t${i}`, state, answers: input.trials[i] },
  }));
  const choose = (algorithm: string, resource: string) =>
    scoreChoice({
      search: { algorithm, metric: 'accuracy', asha: { resource } } as Parameters<typeof scoreChoice>[0]['search'],
      ...{ begun, winner: 't0', labels: LABELS, groups: GROUPS },
    });
  assert.equal(choose('asha', 'epochs').corrected, null);
  assert.equal(choose('asha', 'folds').corrected, null, 'ASHA stopped it early because of bad luck');
  assert.ok(choose('random', 'folds').corrected);
  assert.equal(choose('asha', 'epochs').pooled, pooledScore('accuracy', input.trials[0], LABELS));
});

test('the corrected score ignores clips that no fold tests', () => {
  const input = make([0.5, 0.7], 6);
  const padded = input.trials.map(({ answers, losses }) => ({
    answers: Float64Array.from({ length: 2 * (CLIPS + 50) }, (_, i) => answers[i] ?? 0),
    losses: Float64Array.from({ length: CLIPS + 50 }, (_, i) => losses[i] ?? 0),
  }));
  const labels = Int32Array.from({ length: CLIPS + 50 }, (_, i) => i % 2);
  const groups = Array.from(labels, (_, i) => GROUPS[i] ?? `untested ${i}`);
  assert.deepEqual(correctedScore({ ...input, trials: padded, labels, groups }), correctedScore(input));
});
