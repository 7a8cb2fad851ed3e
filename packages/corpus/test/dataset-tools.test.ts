import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CryfoldError, Random } from '@cryfold/core';
import { type Clip, type Dataset, summarize } from '../src/dataset.js';
import { apportion, inspectDataset, limitClips } from '../src/dataset-tools.js';

function corpus(sizes: Record<string, number>, clipsPerGroup = 4): Dataset {
  const clips: Clip[] = Object.entries(sizes).flatMap(([label, size]) =>
    Array.from({ length: size }, (_, i) => {
      const file = `${label}/${String(i).padStart(4, '0')}.wav`;
      const group = `${label}-${Math.floor(i / clipsPerGroup)}`;
      return { id: `${file}#0`, label, group, file, start: 0, length: 8000, rate: 8000, hash: `${label}${i}` };
    }),
  );
  new Random(1).shuffle(clips);
  return summarize(
    {
      name: 'corpus',
      root: '/',
      reader: 'manifest',
      groupSource: { kind: 'column' },
      warnings: [],
      groupHints: [],
      skipped: [],
    },
    clips,
  );
}

const paper = corpus({ asphyxia: 340, deaf: 879, hunger: 350, normal: 507, pain: 192 });
const sizesOf = (dataset: Dataset) => inspectDataset(dataset).classes.map(({ clips }) => clips);

test('class quotas sum to the total, range from 1 to the class size, and follow the class shares', () => {
  // Oracle: Hamilton's method by hand, 100/2268 * (340, 879, 350, 507, 192) = 14.99 38.76 15.43 22.35 8.47.
  assert.deepEqual(apportion([340, 879, 350, 507, 192], 100), [15, 39, 15, 22, 9]);
  const random = new Random(4);
  for (let round = 0; round < 2000; round++) {
    const sizes = Array.from({ length: 2 + random.below(7) }, () => 1 + random.below(round % 2 ? 10 : 1000));
    const sum = sizes.reduce((a, b) => a + b);
    const total = sizes.length + random.below(sum - sizes.length + 1);
    const quotas = apportion(sizes, total);
    const exact = sizes.map((size) => (size * total) / sum);
    assert.equal(
      quotas.reduce((a, b) => a + b),
      total,
    );
    assert.ok(quotas.every((quota, i) => quota >= 1 && quota <= sizes[i]));
    // Hamilton's quota rule holds unless a class had to be rounded up to one clip.
    if (exact.every((share) => share >= 1)) assert.ok(quotas.every((quota, i) => Math.abs(quota - exact[i]) < 1));
  }
});

test('limitClips keeps order and shares, depends on the seed, and changes the content hash', () => {
  const limited = limitClips(paper, 300, 0);
  assert.equal(limited.clips.length, 300);
  assert.deepEqual(sizesOf(limited), apportion([340, 879, 350, 507, 192], 300));
  const positions = limited.clips.map((clip) => paper.clips.indexOf(clip));
  assert.deepEqual(
    positions,
    [...positions].sort((a, b) => a - b),
  );
  assert.deepEqual(limitClips(paper, 300, 0), limited);
  assert.notEqual(limitClips(paper, 300, 1).contentHash, limited.contentHash);
  assert.notEqual(limited.contentHash, paper.contentHash);
  const larger = new Set(limitClips(paper, 600, 0).clips);
  assert.ok(limited.clips.every((clip) => larger.has(clip)));
});

test('limitClips keeps at least one clip of every class, and refuses smaller samples', () => {
  const rare = corpus({ a: 1, b: 997, c: 2 });
  assert.deepEqual(sizesOf(limitClips(rare, 3, 0)), [1, 1, 1]);
  assert.deepEqual(sizesOf(limitClips(rare, 10, 0)), [1, 8, 1]);
  assert.equal(limitClips(rare, 1000, 0), rare);
  for (const n of [2, 0, -1, 3.5, Number.NaN]) {
    assert.throws(
      () => limitClips(rare, n, 0),
      (error) => error instanceof CryfoldError && error.code === 'DATA_TOO_FEW',
    );
  }
});

test('inspectDataset counts clips, seconds, rates, classes and groups', () => {
  const mixed = corpus({ x: 10, y: 5 });
  mixed.clips[0] = { ...mixed.clips[0], rate: 16000 };
  const summary = inspectDataset(mixed);
  assert.equal(summary.clips, 15);
  assert.equal(summary.seconds, 14.5);
  assert.equal(summary.groups, 5);
  assert.deepEqual(summary.rates, [
    { rate: 8000, clips: 14 },
    { rate: 16000, clips: 1 },
  ]);
  assert.deepEqual(summary.classes, [
    { label: 'x', clips: 10, groups: 3 },
    { label: 'y', clips: 5, groups: 2 },
  ]);
});
