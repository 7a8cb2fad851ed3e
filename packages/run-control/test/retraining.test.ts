import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { evaluateRun, type RunResults, repeatedKFold, repeatedStratifiedGroupKFold } from '@cryfold/evaluation';
import type { DatasetManifest } from '@cryfold/plan';
import {
  type Contest,
  type ContestData,
  chooseContest,
  classShares,
  judge,
  missingFolds,
  type Predictions,
  trainingOverlap,
} from '../src/index.js';

type Clip = DatasetManifest['clips'][number];
const CLASSES = ['a', 'b'];

/**
 * Returns clips in groups of five per infant: two of class a and three of class b. The number of a clip identifies its
 * sound.
 */
function clipsOf(from: number, to: number): Clip[] {
  return Array.from({ length: to - from }, (_, i): Clip => {
    const n = from + i;
    const hash = n.toString(16).padStart(64, '0');
    return { id: `${n}.wav#0`, label: CLASSES[n % 5 < 2 ? 0 : 1], group: `infant${Math.floor(n / 5)}`, hash };
  });
}

const manifestOf = (clips: Clip[], grouped = true) => ({ clips, grouped, classes: CLASSES });

function grouped(clips: Clip[]): ContestData {
  const labels = Int32Array.from(clips, ({ label }) => CLASSES.indexOf(label));
  const groups = clips.map(({ group }) => group);
  const splits = repeatedStratifiedGroupKFold(labels, groups, { splits: 5, repeats: 2, seed: 0 });
  return { manifest: manifestOf(clips), splits, sounds: [] };
}

function random(clips: Clip[]): ContestData {
  const splits = repeatedKFold(clips.length, { splits: 5, repeats: 2, seed: 0 });
  return { manifest: manifestOf(clips), splits, sounds: [] };
}

const choose = (data: ContestData, before: Clip[], classes = CLASSES) =>
  chooseContest(data, trainingOverlap(manifestOf(before), data.manifest), classes);

function refusal(chosen: ReturnType<typeof choose>): string {
  assert.ok('refusal' in chosen, JSON.stringify(chosen));
  return chosen.refusal;
}

function contest(chosen: ReturnType<typeof choose>): Contest {
  assert.ok(!('refusal' in chosen), JSON.stringify(chosen));
  return chosen;
}

const comparedClips = ({ rows }: Contest, { splits }: ContestData) => [
  ...new Set(rows.flatMap((positions, s) => positions.map((position) => splits[s].test[position]))),
];

describe('data known to a champion', () => {
  test('whether a champion knows a clip depends only on the sound, not on file names or labels', () => {
    const [one, two, three] = clipsOf(0, 3);
    const now = [
      { ...one, id: 'renamed.wav#0', group: 'x' },
      { ...two, label: 'b', group: 'y' },
      { ...three, hash: 'f'.repeat(64), group: 'z' },
    ];
    const overlap = trainingOverlap(manifestOf([one, two, three]), manifestOf(now));
    assert.deepEqual(overlap.sounds, [true, true, false]);
    assert.deepEqual(overlap.known, [true, false, false]);
    assert.equal(overlap.share, 1 / 3);
  });

  test('a champion knows a renamed group that contains a known sound', () => {
    const [one, ...rest] = clipsOf(0, 5);
    const now = [one, ...clipsOf(100, 103)].map((clip) => ({ ...clip, group: 'renamed' }));
    assert.deepEqual(trainingOverlap(manifestOf([one, ...rest]), manifestOf(now)).groups, [true, true, true, true]);
  });

  test('a champion knows copies of training clips and their groups, but no stand-in is trained on them', () => {
    const [one, two, three, four] = clipsOf(0, 4);
    const now = [one, two, three, four].map((clip, i) => ({ ...clip, group: `${i}` }));
    // The champion was trained on the first clip. The second clip is a copy of the first one, and the third is a copy
    // of a training clip that is not in the new data.
    const audio = { sounds: [[0, 1]], copies: new Set([2]) };
    const overlap = trainingOverlap(manifestOf([one, ...clipsOf(10, 13)]), manifestOf(now), audio);
    assert.deepEqual(overlap.sounds, [true, true, true, false]);
    assert.deepEqual(overlap.groups, [true, true, true, false]);
    assert.deepEqual([overlap.known, overlap.share], [[true, false, false, false], 1 / 4]);
  });

  test('equal file names do not make a clip known to a champion if no clips share a group', () => {
    const before = clipsOf(0, 3).map((clip, i) => ({ ...clip, group: `${i}.wav` }));
    const now = clipsOf(10, 13).map((clip, i) => ({ ...clip, group: `${i}.wav` }));
    assert.deepEqual(trainingOverlap(manifestOf(before, false), manifestOf(now, false)).groups, [false, false, false]);
    assert.deepEqual(trainingOverlap(manifestOf(before), manifestOf(now, false)).groups, [true, true, true]);
  });
});

describe('the comparison', () => {
  test('in grouped folds, compares with the stored champion on clips of unknown groups', () => {
    const data = grouped(clipsOf(800, 1000));
    const chosen = contest(choose(data, clipsOf(0, 860)));
    assert.deepEqual([chosen.opponent, chosen.clips, chosen.groups], ['champion', 140, 28]);
    assert.deepEqual(
      comparedClips(chosen, data).sort((a, b) => a - b),
      Array.from({ length: 140 }, (_, i) => 60 + i),
    );
  });

  test('in random folds, compares on unknown clips of groups that both models know', () => {
    const all = clipsOf(0, 300);
    // The champion was trained on three clips of each of the first 40 infants; 20 infants are new.
    const before = all.filter((_, n) => n < 200 && n % 5 !== 0 && n % 5 !== 2);
    const data = random(all);
    const chosen = contest(choose(data, [...before, ...clipsOf(1000, 1700)]));
    assert.equal(chosen.opponent, 'champion');
    const compared = comparedClips(chosen, data);
    assert.ok(compared.every((clip) => clip < 200 && (clip % 5 === 0 || clip % 5 === 2)));
    assert.ok(compared.length >= 78, `${compared.length}`);
  });

  test('never uses a stand-in that knows only part of the champion’s clips', () => {
    // Only 60 of the 300 new clips are among the 900 on which the champion was trained. Before cryfold required a
    // stand-in to be trained on nearly all of the champion's clips, a challenger was promoted over such a stand-in.
    const overlapping = random([...clipsOf(0, 60), ...clipsOf(900, 1140)]);
    const reason = refusal(choose(overlapping, clipsOf(0, 900)));
    assert.match(reason, /0 comparable clips of 0 groups; 10 groups are needed/);
    assert.match(reason, /a stand-in needs 95 % of its 900 clips, but the new data has 6 %/);
    const renamed = [...clipsOf(900, 1140)].map((clip, i) => ({ ...clip, group: `infant${i % 12}` }));
    assert.equal(contest(choose(random([...clipsOf(0, 60), ...renamed]), clipsOf(0, 900))).opponent, 'champion');
  });

  test('compares with a stand-in on old and new clips if the data has 95 % of the champion’s clips', () => {
    const before = clipsOf(0, 200);
    const grown = grouped([...before, ...clipsOf(200, 240)]);
    const chosen = contest(choose(grown, before));
    assert.deepEqual([chosen.opponent, chosen.clips, chosen.groups], ['stand-in', 240, 48]);
    assert.equal(contest(choose(grouped(clipsOf(10, 240)), before)).opponent, 'stand-in');
    assert.match(refusal(choose(grouped(clipsOf(11, 240)), before)), /but the new data has 94 %/);
    // If the new data contains less than 95 % of the champion's clips, the champion itself is tested, provided that
    // there are enough infants on which it was not trained.
    assert.equal(contest(choose(grouped(clipsOf(11, 260)), before)).opponent, 'champion');
  });

  test('the comparison excludes sounds that the challenger was trained on under another name', () => {
    const clips = clipsOf(800, 1000);
    const copies = clips.slice(0, 10).map((clip, i) => ({ ...clip, id: `copy${i}`, group: `copies${i}` }));
    const data = random([...clips, ...copies].map((clip, i) => ({ ...clip, group: `clip${i}` })));
    const chosen = contest(choose(data, clipsOf(0, 100)));
    for (const [s, positions] of chosen.rows.entries()) {
      const { train, test } = data.splits[s];
      const trained = new Set(Array.from(train, (clip) => data.manifest.clips[clip].hash));
      for (const position of positions) assert.ok(!trained.has(data.manifest.clips[test[position]].hash));
    }
  });

  test('the comparison excludes copies of the challenger’s training clips', () => {
    const clips = clipsOf(800, 1000).map((clip, i) => ({ ...clip, group: `clip${i}` }));
    const sounds = Array.from({ length: 20 }, (_, i) => [i, 100 + i]);
    const data = { ...random(clips), sounds };
    const chosen = contest(choose(data, clipsOf(0, 100)));
    for (const [s, positions] of chosen.rows.entries()) {
      const { train, test } = data.splits[s];
      const trained = new Set(Array.from(train));
      for (const position of positions) {
        const copy = sounds.find((pair) => pair.includes(test[position]));
        assert.ok(!copy?.some((clip) => trained.has(clip)));
      }
    }
    assert.ok(chosen.rows.flat().length < 2 * clips.length - 20);
  });

  test('refuses a comparison if a class of the champion is missing or has too few clips', () => {
    const data = grouped(clipsOf(800, 1000));
    assert.match(refusal(choose(data, clipsOf(0, 100), ['a', 'b', 'c'])), /no clips of class c/);
    let kept = 0;
    const scarce = clipsOf(800, 1000).filter(({ label }) => label === 'b' || kept++ < 4);
    const chosen = choose(random(scarce.map((clip, i) => ({ ...clip, group: `clip${i}` }))), clipsOf(0, 100));
    assert.match(refusal(chosen), /4 comparable clips of class a; 5 are needed/);
  });

  test('compares the first challenger with the majority class on all clips, and requires ten groups', () => {
    const data = random(clipsOf(0, 60));
    const chosen = contest(chooseContest(data, undefined));
    assert.deepEqual([chosen.opponent, chosen.clips, chosen.groups], ['majority', 60, 12]);
    assert.match(refusal(chooseContest(random(clipsOf(0, 45)), undefined)), /45 comparable clips of 9 groups/);
  });
});

describe('the verdict', () => {
  const data = grouped(clipsOf(0, 200));
  const chosen = contest(choose(data, clipsOf(1000, 1100)));

  /**
   * A model that correctly predicts the clips for which `isRight` returns true, and predicts every clip with the given
   * certainty.
   */
  function model(isRight: (clip: number) => boolean, certainty = 0.8): Predictions {
    return (split, position) => {
      const clip = data.splits[split].test[position];
      const label = CLASSES.indexOf(data.manifest.clips[clip].label);
      const winner = isRight(clip) ? label : 1 - label;
      return { winner, probabilities: winner === 0 ? [certainty, 1 - certainty] : [1 - certainty, certainty] };
    };
  }
  const ask = (
    challenger: Predictions,
    opponent: Predictions,
    metric: 'accuracy' | 'logLoss' | 'macroF1' = 'accuracy',
  ) => judge({ data, contest: chosen, challenger, opponent, metric, margin: 0.05 });
  const good = model((clip) => clip % 10 !== 0);
  const poor = model((clip) => clip % 3 !== 0);

  test('promotes a better challenger, and reports figures and clips', () => {
    const { promote, code, reason, test, recall } = ask(good, poor);
    assert.deepEqual([promote, code, test.opponent, test.clips, test.groups], [true, null, 'champion', 200, 40]);
    assert.deepEqual([test.challenger, test.champion], [0.9, 133 / 200]);
    assert.match(reason, /^better than the champion: accuracy 90.00 % versus 66.50 % \(\+23.50 points\), on 200 clips/);
    assert.doesNotMatch(reason, /not known/);
    const manifest = { ...data.manifest, groupSource: { kind: 'none' as const } };
    const unknown = judge({
      ...{ contest: chosen, challenger: good, opponent: poor, metric: 'accuracy' },
      data: { ...data, manifest },
      margin: 0.05,
    });
    assert.match(unknown.reason, /Groups are not known: .* p-values treat recordings as independent/);
    assert.deepEqual(
      recall.map(({ label, challenger }) => [label, challenger]),
      [
        ['a', 0.75],
        ['b', 1],
      ],
    );
  });

  test('does not promote a worse or equal challenger', () => {
    for (const [challenger, opponent] of [
      [poor, good],
      [good, good],
    ]) {
      const { promote, code, reason } = ask(challenger, opponent);
      assert.deepEqual([promote, code], [false, 'NOT_BETTER']);
      assert.match(reason, /^not better than the champion/);
    }
  });

  test('does not promote a challenger that is better at the cost of one class', () => {
    const biased = model((clip) => clip % 5 >= 2 || clip % 10 === 0);
    const other = model((clip) => clip % 2 === 0);
    const { promote, code, reason } = ask(biased, other);
    assert.deepEqual([promote, code], [false, 'RECALL_FALLS']);
    assert.match(reason, /recall drops by more than 5.00 points: a \(-25.00 points\)/);
  });

  test('decides on a challenger by the given metric, even if lower values are better', () => {
    const sure = model((clip) => clip % 10 !== 0, 0.9);
    const unsure = model((clip) => clip % 10 !== 0, 0.6);
    assert.equal(ask(sure, unsure).code, 'NOT_BETTER');
    const { promote, test, reason } = ask(sure, unsure, 'logLoss');
    assert.ok(promote && test.difference < 0, reason);
    assert.match(reason, /^better than the champion: log-loss 0\.\d{4} versus 0\.\d{4} \(-0\.\d{4}\)/);
    assert.equal(ask(unsure, sure, 'logLoss').promote, false);
    assert.equal(ask(good, poor, 'macroF1').test.metric, 'macroF1');
  });

  test('compares the first challenger with the majority class', () => {
    const first = contest(chooseContest(data, undefined));
    const about = { data, contest: first, metric: 'accuracy', margin: 0.05, opponent: classShares(data) } as const;
    const { promote, reason, test, recall } = judge({ ...about, challenger: good });
    assert.deepEqual([promote, test.champion, recall], [true, 0.6, []]);
    assert.match(reason, /^the first champion, better than the majority class: /);
    assert.equal(judge({ ...about, challenger: classShares(data) }).promote, false);
  });
});

describe('missing folds', () => {
  const CLIPS = 30;
  const splits = repeatedKFold(CLIPS, { splits: 3, repeats: 2, seed: 0 });

  /** A run of `svm`, `cnn` and their fusion; the folds of `cnn` that are listed in `lost` are missing. */
  function run(id: string, lost: readonly number[], failed = lost): RunResults {
    const names = ['svm', 'cnn'];
    const clips = Array.from({ length: CLIPS }, (_, i) => ({ id: `${i}`, group: `${i}`, label: i % 2 }));
    const evaluated = evaluateRun({
      ...{ classes: CLASSES, clips, splits },
      estimators: { svm: { kind: 'svm' }, cnn: { kind: 'small-cnn' } },
      fusion: { both: { rule: 'mean', members: names } },
      probabilities: new Map(
        names.map((name) => [
          name,
          splits.map(({ test }, s) =>
            name === 'cnn' && lost.includes(s)
              ? null
              : Float64Array.from([...test].flatMap((clip) => (clip % 2 ? [0.2, 0.8] : [0.8, 0.2]))),
          ),
        ]),
      ),
      failures: failed.map((s) => {
        const { repeat, fold } = splits[s];
        return { model: 'cnn', repeat, fold, code: 'NN_LOSS_NOT_FINITE', message: 'the loss is NaN' };
      }),
    });
    return {
      ...{ format: 1, run: { id, name: 'r' }, spec: {}, environment: {} },
      dataset: { name: 'd', contentHash: '', ...evaluated.dataset },
      protocol: { splitter: 'RepeatedKFold', seed: 0, ...evaluated.protocol },
      ...evaluated.results,
    };
  }

  test('reports missing folds with their number, the reason, and what to do', () => {
    const next = (id: string) => `; for details, use cryfold status ${id}; to retry the folds, use cryfold retry ${id}`;
    const all = splits.map((_, s) => s);
    assert.equal(
      missingFolds(run('new-1', all), 'cnn'),
      `6 of 6 folds of cnn failed in run new-1: first cnn, repeat 0, fold 0 with NN_LOSS_NOT_FINITE${next('new-1')}`,
    );
    assert.equal(
      missingFolds(run('new-2', [1, 4], [4]), 'both'),
      `2 of 12 folds of svm, cnn are missing in run new-2: first cnn, repeat 1, fold 1 with NN_LOSS_NOT_FINITE${next('new-2')}`,
    );
  });
});
