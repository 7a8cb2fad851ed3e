import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '@cryfold/core';
import { CandidateIndex } from '../src/duplicates/candidates.js';

/** Returns random landmarks of a few kinds, so that each kind has many more entries than the index checks. */
function sounds(count: number, kinds: number, length = 200) {
  const random = new Random(5);
  return Array.from({ length: count }, () => ({
    hashes: Int32Array.from({ length }, () => random.below(kinds)),
    frames: Int32Array.from({ length }, (_, i) => Math.floor(i / 8)),
  }));
}

/** Creates an index in which the last 24 entries for each landmark vote, but no entry is forgotten. */
function remembering() {
  const entries = new Map<number, { sound: number; frame: number }[]>();
  return (sound: number, { hashes, frames }: ReturnType<typeof sounds>[number]) => {
    const votes = new Map<string, number>();
    for (const [i, hash] of hashes.entries()) {
      for (const one of (entries.get(hash) ?? []).slice(-24)) {
        const name = `${one.sound} ${one.frame - frames[i]}`;
        votes.set(name, (votes.get(name) ?? 0) + 1);
      }
    }
    const scores = new Map<number, number>();
    for (const [name, count] of votes) {
      const [of, lag] = name.split(' ').map(Number);
      scores.set(of, Math.max(scores.get(of) ?? 0, count + (votes.get(`${of} ${lag + 1}`) ?? 0)));
    }
    for (const [i, hash] of hashes.entries()) {
      entries.set(hash, [...(entries.get(hash) ?? []), { sound, frame: frames[i] }]);
    }
    const best = [...scores].filter(([, score]) => score >= 5).sort(([a, x], [b, y]) => y - x || a - b);
    return best.slice(0, 4).map(([of]) => of);
  };
}

test('finds the same candidates as an index that forgets nothing', () => {
  const index = new CandidateIndex();
  const all = remembering();
  let found = 0;
  for (const [i, sound] of sounds(120, 300).entries()) {
    const named = index.add(i, sound);
    assert.deepEqual(named, all(i, sound), `sound ${i}`);
    found += named.length;
  }
  assert.ok(found > 100, `${found} candidates`);
});

test('the memory of the index stops growing once every landmark has its maximum number of entries', () => {
  const some = sounds(100, 1000, 1000);
  const before = process.memoryUsage().arrayBuffers;
  const index = new CandidateIndex();
  // An index that keeps all entries takes more than 8 MiB.
  for (let i = 0; i < 400; i++) index.add(i, some[i % 100]);
  const taken = (process.memoryUsage().arrayBuffers - before) / 2 ** 20;
  assert.ok(taken < 6, `${taken} MiB`);
  assert.ok(index.add(400, some[0]).length > 0);
});
