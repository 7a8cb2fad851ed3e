import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fitPredictSvm } from '../src/fit-predict.js';
import type { SvmParameters } from '../src/index.js';
import { argmax, type DataSet, goldens, problemOf, rowsOf } from './problems.js';

interface Variant {
  data: string;
  parameters: Partial<SvmParameters>;
  decisions: number[][];
}

const data = new Map(goldens<DataSet>('one-vs-rest.json').map((set) => [set.name, set]));

for (const { data: name, parameters, decisions } of goldens<Variant>('variants.json')) {
  test(`decisions equal those of SVC: ${JSON.stringify(parameters)} on ${name}`, () => {
    const set = data.get(name);
    assert.ok(set);
    const problem = { ...problemOf(set, { ...parameters, tolerance: 1e-7 }), classNames: ['a', 'b', 'c'] };
    const ours = rowsOf(fitPredictSvm(problem).decisions, 3);
    assert.deepEqual(ours.map(argmax), decisions.map(argmax));
    // Because LIBSVM stores its kernel in float32, the tolerance is relative to the size of the decisions, which grows
    // with C.
    const size = Math.max(1, ...decisions.flat().map(Math.abs));
    let worst = 0;
    ours.forEach((row, i) => {
      row.forEach((decision, k) => {
        worst = Math.max(worst, Math.abs(decision - decisions[i][k]));
      });
    });
    assert.ok(worst < 1e-3 * size, `off by ${worst}, of ${size}`);
  });
}
