import assert from 'node:assert/strict';
import { test } from 'node:test';
import { estimatorSchema } from '@cryfold/estimators';
import type { SearchSpec } from '@cryfold/plan';
import { propose } from '../src/index.js';
import type { Space } from '../src/space.js';

const svm = estimatorSchema.parse({ kind: 'svm' });
const space: Space = {
  kernel: { choice: ['rbf', 'linear', 'poly'] },
  C: { log: [0.1, 1000], steps: 5 },
  gamma: { log: [1e-4, 1e-1], steps: 4, when: { kernel: ['rbf', 'poly'] } },
  degree: { int: [2, 4], when: { kernel: 'poly' } },
};
const ask = (algorithm: SearchSpec['algorithm'], trials: number, seed = 1) =>
  propose({ search: { algorithm, trials }, space, base: svm, seed, earlier: [] }, Number.POSITIVE_INFINITY);

test('a grid contains every cell once, without parameters whose condition is not met', () => {
  const cells = ask('grid', 1);
  // cells of the grid: 5 C x 4 gamma for rbf, 5 C for linear, and 5 C x 4 gamma x 3 degrees for poly
  assert.equal(cells.length, 20 + 5 + 60);
  assert.deepEqual(
    [...new Set(cells.filter(({ kernel }) => kernel === 'linear').map(({ C }) => C))],
    [0.1, 1, 10, 100, 1000],
  );
  for (const cell of cells) {
    assert.equal('gamma' in cell, cell.kernel !== 'linear');
    assert.equal('degree' in cell, cell.kernel === 'poly');
  }
});

test('random trials are distinct, in range and seeded, and the first ones do not depend on the total number', () => {
  const many = ask('random', 60);
  assert.equal(many.length, 60);
  assert.equal(new Set(many.map((one) => JSON.stringify(one))).size, 60);
  for (const { C, gamma = 1e-2, degree = 3 } of many as { C: number; gamma?: number; degree?: number }[]) {
    assert.ok(C >= 0.1 && C <= 1000 && gamma >= 1e-4 && gamma <= 1e-1 && [2, 3, 4].includes(degree));
  }
  assert.deepEqual(ask('random', 60), many);
  assert.deepEqual(ask('random', 10), many.slice(0, 10));
  assert.notDeepEqual(ask('random', 60, 2), many);
});

test('random trials fill a range more evenly than independent draws would', () => {
  const line: Space = { C: { log: [1, 1e6] } };
  const drawn = propose(
    { search: { algorithm: 'random', trials: 64 }, space: line, base: svm, seed: 5, earlier: [] },
    Number.POSITIVE_INFINITY,
  );
  // Independent draws would leave about a third of 64 equal intervals empty.
  const cells = new Set(drawn.map(({ C }) => Math.min(63, Math.floor((Math.log10(C as number) / 6) * 64 + 1e-3))));
  assert.ok(cells.size >= 60, `${cells.size} of 64`);
});

test('tries every setting once if there are fewer settings than trials', () => {
  const few: Space = { kernel: { choice: ['rbf', 'linear'] }, degree: { int: [2, 3], when: { kernel: 'poly' } } };
  const search = { algorithm: 'random', trials: 20 } as const;
  const all = propose({ search, space: few, base: svm, seed: 0, earlier: [] }, Number.POSITIVE_INFINITY);
  assert.deepEqual(all.map(({ kernel }) => kernel).sort(), ['linear', 'rbf']);
});
