import { Random } from '@cryfold/core';
import { losers, type Racing } from '@cryfold/hyperparameter-search';
import { mean } from '../statistics.js';

export const [TRIALS, REPEATS, FOLDS] = [20, 10, 5];

export interface Scenario {
  name: string;
  clips: number;
  /** Standard deviation of the trials' skills, in logits */
  spread: number;
}

/** One simulated sweep. */
export interface Sweep {
  /** Shares of correct answers, trials x folds */
  scores: number[][];
  /** The accuracy of each trial over all possible clips */
  truth: number[];
}

/** What remains of a sweep after racing has given up some of its trials. */
export interface Outcome {
  /** Total number of evaluated folds */
  folds: number;
  /** Indices of the trials that were not given up */
  kept: number[];
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

/** Returns a trial's accuracy over all possible clips: the mean of the sigmoid over difficulty, affinity and luck. */
function accuracyOf(skill: number): number {
  const deviation = Math.sqrt(2 ** 2 + 1 + 0.7 ** 2);
  let [sum, weight] = [0, 0];
  for (let z = -6; z <= 6; z += 0.05) {
    const w = Math.exp(-0.5 * z * z);
    sum += w * sigmoid(skill + 1 + deviation * z);
    weight += w;
  }
  return sum / weight;
}

/** Simulates a sweep under the model in tools/src/study-racing.ts. */
export function simulate({ clips, spread }: Scenario, seed: number): Sweep {
  const random = new Random(seed);
  const skills = Array.from({ length: TRIALS }, (_, i) =>
    i % 4 === 3 ? -Math.abs(random.normal(2, 1)) : random.normal(0, spread),
  );
  const difficulty = Float64Array.from({ length: clips }, () => random.normal(1, 2));
  const order = Array.from({ length: REPEATS }, () => {
    const fold = Int32Array.from({ length: clips }, (_, c) => c % FOLDS);
    random.shuffle(fold);
    return fold;
  });
  const scores = skills.map((skill) => {
    const easy = difficulty.map((d) => skill + d + random.normal());
    const right = new Float64Array(REPEATS * FOLDS);
    const count = new Float64Array(REPEATS * FOLDS);
    for (let r = 0; r < REPEATS; r++) {
      for (let c = 0; c < clips; c++) {
        const fold = r * FOLDS + order[r][c];
        count[fold]++;
        if (random.uniform() < sigmoid(easy[c] + 0.7 * random.normal())) right[fold]++;
      }
    }
    return Array.from(right, (n, f) => n / count[f]);
  });
  return { scores, truth: skills.map(accuracyOf) };
}

/** Races a sweep. All trials advance together, fold by fold, in the same order as the jobs of a sweep in the queue. */
export function raced({ scores }: Sweep, rules: Racing): Outcome {
  let alive = scores.map((own, i) => ({ own, trial: String(i), running: true, scores: new Map<number, number>() }));
  let folds = 0;
  for (let fold = 0; fold < REPEATS * FOLDS; fold++) {
    for (const runner of alive) runner.scores.set(fold, runner.own[fold]);
    folds += alive.length;
    const gone = new Set(losers(alive, 1 / (FOLDS - 1), rules).map(({ trial }) => trial));
    alive = alive.filter(({ trial }) => !gone.has(trial));
  }
  return { folds, kept: alive.map(({ trial }) => Number(trial)) };
}

const best = (list: readonly number[]) => list.indexOf(Math.max(...list));

/** Summarises, over many sweeps, what a rule for giving up trials has saved and what it has lost. */
export function summarise(sweeps: readonly Sweep[], outcomes: readonly Outcome[]) {
  const all = TRIALS * REPEATS * FOLDS;
  const rate = (ok: (outcome: Outcome, sweep: Sweep) => boolean) =>
    mean(outcomes.map((outcome, i) => (ok(outcome, sweeps[i]) ? 1 : 0)));
  const chosen = (kept: number[], { scores }: Sweep) => kept[best(kept.map((i) => mean(scores[i])))];
  const regret = (i: number, { truth }: Sweep) => Math.max(...truth) - truth[i];
  return {
    saved: mean(outcomes.map(({ folds }) => 1 - folds / all)),
    /** Share of sweeps in which the trial that the whole sweep would have chosen was not given up */
    winnerKept: rate(({ kept }, s) => kept.includes(best(s.scores.map(mean)))),
    /** Share of sweeps in which the trial with the highest true accuracy was not given up */
    bestKept: rate(({ kept }, s) => kept.includes(best(s.truth))),
    /** Share of sweeps in which a trial within half a point of the best was not given up */
    nearKept: rate(({ kept }, s) => kept.some((i) => regret(i, s) <= 0.005)),
    regret: mean(outcomes.map(({ kept }, i) => regret(chosen(kept, sweeps[i]), sweeps[i]))),
    fullRegret: mean(sweeps.map((s) => regret(best(s.scores.map(mean)), s))),
  };
}
