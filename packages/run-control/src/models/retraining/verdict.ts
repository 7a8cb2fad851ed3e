import {
  addTallies,
  METRICS,
  type MetricName,
  metricOfTally,
  type PredictedRows,
  scoreOf,
  type TestRows,
  tallyRows,
  testGroups,
  unknownGroupsNote,
} from '@cryfold/evaluation';
import type { Contest, ContestData, Opponent } from './contest.js';

/**
 * Two-sided p-value below which a difference is significant. A model that is not actually better is promoted with at
 * most half this probability.
 */
export const SIGNIFICANCE = 0.05;

/** A model's prediction for one test clip. */
export interface RowPrediction {
  /** Index of the class */
  winner: number;
  /** Probability of each class; they sum to 1 */
  probabilities: ArrayLike<number>;
}

/**
 * @param split index of the split
 * @param position position of the clip in its test part
 */
export type Predictions = (split: number, position: number) => RowPrediction;

/** The comparison on which a verdict is based. */
export interface RetrainTest {
  metric: MetricName;
  opponent: Opponent;
  /** Number of distinct clips and groups that were compared */
  clips: number;
  groups: number;
  /** The metric over all compared test clips of all repeats */
  challenger: number;
  champion: number;
  /** Challenger minus champion */
  difference: number;
  /** Two-sided p-value of the randomisation test over groups */
  pValue: number;
}

export interface RetrainVerdict {
  promote: boolean;
  /** Why the challenger is not promoted */
  code: 'NOT_BETTER' | 'RECALL_FALLS' | null;
  reason: string;
  test: RetrainTest;
  /** Recall of each class on the compared clips; empty without a champion */
  recall: { label: string; champion: number; challenger: number }[];
}

export interface Judging {
  data: ContestData;
  contest: Contest;
  challenger: Predictions;
  opponent: Predictions;
  metric: MetricName;
  /** By how much a class's recall may fall, 0 to 1 */
  margin: number;
}

/** The compared clips of a contest, each with the predictions of both models. */
function rowsOf({ data: { manifest, splits }, contest, challenger, opponent }: Judging) {
  const classes = manifest.classes.length;
  const index = new Map(manifest.classes.map((label, c) => [label, c]));
  const places = contest.rows.flatMap((positions, split) => positions.map((position) => ({ split, position })));
  const clips = places.map(({ split, position }) => manifest.clips[splits[split].test[position]]);
  const predicted = (of: Predictions): PredictedRows => {
    const winners = new Int32Array(places.length);
    const probabilities = new Float64Array(places.length * classes);
    places.forEach(({ split, position }, row) => {
      const prediction = of(split, position);
      winners[row] = prediction.winner;
      probabilities.set(prediction.probabilities, row * classes);
    });
    return { winners, probabilities };
  };
  const rows: TestRows = {
    classes,
    labels: Int32Array.from(clips, ({ label }) => index.get(label) ?? -1),
    groups: clips.map(({ group }) => group),
  };
  return { rows, after: predicted(challenger), before: predicted(opponent) };
}

/** Share of correct predictions for each class; NaN for a class without rows. */
function recallOf({ classes, labels }: TestRows, { winners }: PredictedRows): number[] {
  const right = new Array<number>(classes).fill(0);
  const all = new Array<number>(classes).fill(0);
  for (let row = 0; row < labels.length; row++) {
    all[labels[row]]++;
    if (winners[row] === labels[row]) right[labels[row]]++;
  }
  return right.map((count, c) => count / all[c]);
}

const signed = (text: string, value: number) => (value > 0 ? `+${text}` : text);
const points = (value: number) => signed(`${(100 * value).toFixed(2)} points`, value);

const NAMES: Record<Opponent, string> = {
  champion: 'the champion',
  'stand-in': 'the champion’s stand-in',
  majority: 'the majority class',
};

/**
 * Describes a comparison, such as `accuracy 84.83 % versus 92.67 % (-7.84 points), on 240 clips of 50 groups that
 * neither was trained on, p 0.0100`.
 */
function describe({ metric, opponent, challenger, champion, difference, clips, groups, pValue }: RetrainTest): string {
  const { title, share } = METRICS[metric];
  const figure = (value: number) => (share ? `${(100 * value).toFixed(2)} %` : value.toFixed(4));
  const change = share ? points(difference) : signed(difference.toFixed(4), difference);
  const p = pValue < 0.001 ? '<0.001' : pValue.toFixed(4);
  const unseen = opponent === 'majority' ? '' : ' that neither was trained on';
  const tested = `${clips} clips of ${groups} groups${unseen}`;
  return `${title} ${figure(challenger)} versus ${figure(champion)} (${change}), on ${tested}, p ${p}`;
}

/**
 * Decides to promote a challenger if it beats its opponent on the metric (two-sided p below 0.05 over groups) and if
 * its recall of each class falls below its opponent's by no more than the margin. Both are tested on the same clips, on
 * which neither was trained.
 */
export function judge(judging: Judging): RetrainVerdict {
  const { clips, groupSource } = judging.data.manifest;
  const groups = new Set(clips.map(({ group }) => group)).size;
  const unknown = unknownGroupsNote({ groupSource, groups, clips: clips.length });
  const verdict = decide(judging);
  return unknown ? { ...verdict, reason: `${verdict.reason}. ${unknown}` } : verdict;
}

function decide(judging: Judging): RetrainVerdict {
  const { data, contest, metric, margin } = judging;
  const { opponent, clips, groups } = contest;
  const { rows, ...predicted } = rowsOf(judging);
  const tallies = [tallyRows(rows, predicted.after), tallyRows(rows, predicted.before)] as const;
  const [challenger, champion] = tallies.map((own) => metricOfTally(metric, addTallies(own), rows.classes));
  // No p-value exists if both models make the same predictions or if there are too few groups. Neither justifies a
  // promotion.
  const { difference, pValue } = testGroups(metric, tallies, rows.classes);
  const test = { metric, opponent, clips, groups, challenger, champion, difference, pValue: pValue ?? 1 };
  const better = test.pValue < SIGNIFICANCE && scoreOf(metric, difference) > 0;
  const [before, after] = [recallOf(rows, predicted.before), recallOf(rows, predicted.after)];
  const recall =
    opponent === 'majority'
      ? []
      : data.manifest.classes.flatMap((label, c) =>
          Number.isNaN(after[c]) ? [] : [{ label, champion: before[c], challenger: after[c] }],
        );
  const verdict = { test, recall };
  if (!better) {
    return {
      promote: false,
      code: 'NOT_BETTER',
      reason: `not better than ${NAMES[opponent]}: ${describe(test)}`,
      ...verdict,
    };
  }
  const fallen = recall.filter((one) => one.champion - one.challenger > margin);
  if (fallen.length > 0) {
    const list = fallen.map((one) => `${one.label} (${points(one.challenger - one.champion)})`).join(', ');
    const reason = `better, but recall drops by more than ${(100 * margin).toFixed(2)} points: ${list}`;
    return { promote: false, code: 'RECALL_FALLS', reason, ...verdict };
  }
  const first = opponent === 'majority' ? 'the first champion, ' : '';
  return { promote: true, code: null, reason: `${first}better than ${NAMES[opponent]}: ${describe(test)}`, ...verdict };
}
