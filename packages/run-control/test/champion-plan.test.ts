import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CryfoldError } from '@cryfold/core';
import type { ModelCard } from '@cryfold/model-registry';
import { type DatasetManifest, parseSpec, planRun } from '@cryfold/plan';
import { planChampion } from '../src/models/champion-plan.js';
import { allSplits } from '../src/splits.js';

const spec = (protocol: string, nested = true) =>
  parseSpec(
    `version: 1
name: p
protocol: ${protocol}
estimators: { a: { kind: svm }, b: { kind: svm, C: 10 } }
fusion: { both: { rule: stacked, members: [a, b]${nested ? ', nested: true' : ''} } }`,
    'spec',
  );

/** 60 clips in 12 groups. */
const before: DatasetManifest = {
  ...{ format: 1, name: 'd', contentHash: '1'.repeat(64), grouped: true, classes: ['x', 'y'] },
  clips: Array.from({ length: 60 }, (_, i) => ({
    ...{ id: `${i}`, label: i % 2 ? 'x' : 'y', group: `g${i % 12}`, hash: `${i}`.padStart(64, '0') },
  })),
};
/** The same clips and six more that the champion was not trained on. */
const after: DatasetManifest = {
  ...before,
  contentHash: '2'.repeat(64),
  clips: [
    ...before.clips,
    ...Array.from({ length: 6 }, (_, i) => ({
      ...{ id: `new ${i}`, label: i % 2 ? 'x' : 'y', group: `new ${i % 3}`, hash: `${900 + i}`.padStart(64, '0') },
    })),
  ],
};

const FOLDS = '{ splitter: StratifiedGroupKFold, folds: 3, repeats: 2 }';

/** The parts of a model card that are needed to plan a stand-in. */
const cardOf = (own: ReturnType<typeof spec>) =>
  ({
    ...{ name: 'm', version: '0'.repeat(12), of: 'both', spec: own, features: own.features },
    members: ['a', 'b'].map((name) => ({ name, kind: 'svm' })),
  }) as unknown as ModelCard;

function standIn(champion: ReturnType<typeof spec>, protocol = FOLDS) {
  const own = protocol === FOLDS ? spec(protocol) : spec(protocol, false);
  const challenger = planRun({ spec: own, manifest: after, splits: allSplits(own, after) });
  return planChampion(cardOf(champion), challenger, after, before);
}

test('if a champion’s fusion is nested, plans inner folds of the clips that the champion knows', async () => {
  const { spec: own, splits, jobs } = await standIn(spec(FOLDS));
  assert.equal(own.fusion.both.nested, true);
  const inner = splits.filter(({ outer }) => outer !== undefined);
  assert.equal(inner.length, 6 * 4);
  for (const { outer, train, test: tested } of inner) {
    const around = splits[outer!];
    assert.equal(around.outer, undefined);
    const own = [...train, ...tested].sort((a, b) => a - b);
    assert.deepEqual(
      own,
      [...around.train].sort((a, b) => a - b),
      'inner folds are made of all training clips',
    );
    assert.ok(own.every((clip) => clip < before.clips.length && !around.test.includes(clip)));
    const groups = (clips: number[]) => new Set(clips.map((clip) => after.clips[clip].group));
    assert.ok([...groups(tested)].every((group) => !groups(train).has(group)));
  }
  assert.equal(jobs.length, 2 * (6 + 24), 'two members in each outer and inner fold');
});

test('plans no inner folds for the stand-in of a plain fusion', async () => {
  const { spec: own, splits } = await standIn(spec(FOLDS, false));
  assert.equal(own.fusion.both.nested, undefined);
  assert.ok(splits.every(({ outer }) => outer === undefined));
});

test('refuses a nested fusion for which inner folds are impossible, and gives the reason', async () => {
  const refused = (reason: RegExp) => (error: CryfoldError) =>
    error.code === 'MODEL_INCOMPARABLE' && reason.test(error.message);
  await assert.rejects(
    standIn(spec(FOLDS), '{ splitter: LeaveOneGroupOut }'),
    refused(/its fusion is nested, but LeaveOneGroupOut does not support a number of inner folds/),
  );
});

test('refuses a champion whose spec would train a member with a program that its card does not contain', async () => {
  const own = spec(FOLDS);
  const command = { kind: 'command', run: ['node', 'train.mjs'] };
  for (const a of [command, { kind: 'dense' }, undefined]) {
    const { a: _, ...others } = own.estimators;
    const forged = { ...own, estimators: a ? { ...own.estimators, a } : others, ...(!a && { fusion: {} }) };
    await assert.rejects(standIn(forged as typeof own), { code: 'MODEL_INCOMPARABLE' }, JSON.stringify(a));
  }
});
