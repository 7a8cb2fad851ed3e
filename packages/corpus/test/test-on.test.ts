import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GroupSource } from '@cryfold/core';
import { type Clip, summarize } from '../src/dataset.js';
import { testOnOther } from '../src/test-on.js';

interface Shape {
  reader?: string;
  groupSource?: GroupSource;
  rate?: number;
  labels?: string[];
}

function corpus(
  name: string,
  { reader = 'folders', groupSource = { kind: 'none' }, rate = 8000, labels = ['a', 'b'] }: Shape = {},
) {
  const clips = labels.map((label, i): Clip => {
    const file = `${label}/${i}.wav`;
    return { ...{ id: `${file}#0`, label, group: `g${i}`, file, start: 0, length: rate, rate }, hash: `${name}${i}` };
  });
  const facts = {
    name,
    root: `/corpora/${name}`,
    reader,
    groupSource,
    skipped: [],
    warnings: [],
    groupHints: ['hint'],
  };
  return summarize(facts, clips);
}

test('trains on all clips of the first corpus, and tests all clips of the other in one fold', () => {
  const both = testOnOther(corpus('home'), corpus('clinic'));
  assert.deepEqual(
    both.clips.map(({ id, file, fold, group }) => [id, file, fold, group]),
    [
      ['a/0.wav#0', 'a/0.wav', '', 'g0'],
      ['b/1.wav#0', 'b/1.wav', '', 'g1'],
      ['@clinic/a/0.wav#0', '../clinic/a/0.wav', 'other', '@clinic/g0'],
      ['@clinic/b/1.wav#0', '../clinic/b/1.wav', 'other', '@clinic/g1'],
    ],
  );
  assert.deepEqual([both.name, both.recordings, both.groupSource.kind], ['home, tested on clinic', 4, 'none']);
  assert.deepEqual(both.groupHints, ['hint', 'clinic: hint']);
  const moved = testOnOther(corpus('home'), { ...corpus('clinic'), root: '/elsewhere/clinic' });
  assert.equal(moved.contentHash, both.contentHash, 'the location of a corpus is not part of its identity');
});

test('groups are known if both corpora have groups; equal names are merged only under the same naming scheme', () => {
  const named: Shape = { reader: 'chillanto', groupSource: { kind: 'file-name', name: 'infant' } };
  const same = testOnOther(corpus('x', named), corpus('y', named));
  assert.deepEqual([same.groupSource, new Set(same.clips.map(({ group }) => group)).size], [named.groupSource, 2]);
  const column: Shape = { groupSource: { kind: 'column', name: 'group' } };
  const apart = testOnOther(corpus('x', column), corpus('y', column));
  assert.deepEqual([apart.groupSource.kind, new Set(apart.clips.map(({ group }) => group)).size], ['column', 4]);
  assert.equal(testOnOther(corpus('x', column), corpus('y')).groupSource.kind, 'none');
});

test('refuses corpora with different classes, showing both lists, and reports different sampling rates', () => {
  assert.throws(() => testOnOther(corpus('x'), corpus('y', { labels: ['a', 'c'] })), {
    code: 'CLASSES_DIFFER',
    message: 'x has a, b; y has a, c',
  });
  const { warnings } = testOnOther(corpus('x'), corpus('y', { rate: 16000 }));
  assert.deepEqual(warnings, ['x has 8000 Hz and y 16000 Hz: results may reflect the rate alone']);
});
