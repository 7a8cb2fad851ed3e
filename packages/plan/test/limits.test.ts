import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { CryfoldError, encodeRecord, LIMITS } from '@cryfold/core';
import {
  checkPlanSize,
  checkSpec,
  decodePlan,
  encodePlan,
  parseSpec,
  planRun,
  planRunInSteps,
  type Spec,
} from '../src/index.js';

const SVM = { kind: 'svm' };
const written = (members: object = {}) => ({ version: 1, name: 'x', estimators: { svm: SVM }, ...members });
const refused = (code: string, message: RegExp) => (error: unknown) =>
  error instanceof CryfoldError && error.code === code && message.test(error.message) && error.message.length < 500;

const many = (count: number, value: unknown) =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`e${i}`, value]));

test('rejects a spec above a limit before anything is expanded', () => {
  const cases: [object, string, RegExp][] = [
    [{ protocol: { repeats: 200_000 } }, 'SPEC_INVALID', /protocol\.repeats/],
    [{ protocol: { folds: 1e9 } }, 'SPEC_INVALID', /protocol\.folds/],
    [{ estimators: many(1000, SVM) }, 'SPEC_INVALID', /estimators: there are 1000/],
    [{ estimators: many(200, SVM), protocol: { repeats: 1000 } }, 'PLAN_TOO_LARGE', /folds to train: 1,000,000/],
    [{ search: { trials: 1e9, space: { svm: { C: { log: [1, 9] } } } } }, 'SPEC_INVALID', /search\.trials/],
    [{ search: { trials: 9000, space: { svm: { C: { log: [1, 9] } } } } }, 'PLAN_TOO_LARGE', /folds to train: 450,000/],
    [
      {
        search: {
          algorithm: 'grid',
          space: { svm: { C: { int: [1, 1e6] }, coef0: { uniform: [0, 1], steps: 10_000 } } },
        },
      },
      'PLAN_TOO_LARGE',
      /trials of svm: 10,000,000,000/,
    ],
    [{ search: { space: { svm: { degree: { choice: Array(20_000).fill(1) } } } } }, 'SPEC_INVALID', /choice|Invalid/],
    [{ estimators: { a: { kind: 'small-cnn', dense: Array(10_000).fill(1) } } }, 'SPEC_INVALID', /dense/],
    [{ padding: 'x'.repeat(LIMITS.specBytes) }, 'PLAN_TOO_LARGE', /131072/],
    [{ estimators: { svm: { ...SVM, classWeight: JSON.parse('{"__proto__":2}') } } }, 'SPEC_INVALID', /__proto__/],
  ];
  for (const [members, code, message] of cases) {
    assert.throws(() => checkSpec(written(members), 'x'), refused(code, message), JSON.stringify(members).slice(0, 80));
  }
  assert.throws(
    () => checkSpec(JSON.parse('['.repeat(50_000) + ']'.repeat(50_000)), 'x'),
    refused('SPEC_INVALID', /./),
  );
});

test('an error counts unknown keys instead of listing them', () => {
  const spec = { ...written(), ...many(10_000, 1) };
  assert.throws(() => checkSpec(spec, 'x'), refused('SPEC_INVALID', /^x: e0: there is no such key, and 9999 more$/));
});

test('immediately rejects small YAML that would be slow to read', () => {
  // Before the check existed, reading these nested keys took eight minutes.
  assert.throws(() => parseSpec(`${'? '.repeat(1000)}a`, 'x'), refused('SPEC_INVALID', /nested too deeply/));
  const aliases = Array.from({ length: 1000 }, (_, i) => `k${i}: &n${i} 1\nj${i}: *n${i}`).join('\n');
  assert.throws(() => parseSpec(aliases, 'x'), refused('SPEC_INVALID', /^x:\d+: more than 500 aliases$/));
  assert.throws(() => parseSpec('# \n'.repeat(50_000), 'x'), refused('PLAN_TOO_LARGE', /bytes/));
  assert.throws(
    () => parseSpec('version: 1\nname: x\nversion: 1', 'x'),
    refused('SPEC_INVALID', /^x:3: .*occurs twice/),
  );
});

test('treats names of Object.prototype like any other name', () => {
  const spec = checkSpec(
    written({
      estimators: { constructor: SVM, svm: { ...SVM, classWeight: { constructor: 2, toString: 3 } } },
      fusion: { both: { members: ['constructor', 'svm'] } },
    }),
    'x',
  );
  assert.deepEqual(Object.keys(spec.estimators), ['constructor', 'svm']);
  assert.deepEqual(checkSpec(written({ fusion: {} }), 'x').fusion, {});
  const two = { a: SVM, b: SVM };
  const fusion = checkSpec(written({ estimators: two, fusion: { constructor: { members: ['a', 'b'] } } }), 'x').fusion;
  assert.deepEqual(Object.keys(fusion), ['constructor']);
  const cases: [object, RegExp][] = [
    [{ fusion: { f: { members: ['svm', 'constructor'] } } }, /there is no estimator constructor/],
    [{ search: { space: { constructor: { C: { log: [1, 2] } } } } }, /space\.constructor: no estimator/],
    [{ search: { space: { svm: { C: { log: [1, 2], when: { constructor: 1 } } } } } }, /no parameter constructor/],
  ];
  for (const [members, message] of cases) {
    assert.throws(() => checkSpec(written(members), 'x'), refused('SPEC_INVALID', message));
  }
});

const clip = (i: number, groups: number) => ({ id: `c${i}`, label: i % 2 ? 'a' : 'b', group: `g${i % groups}` });
const dataset = (clips: number, groups = clips) => ({
  classes: ['a', 'b'],
  clips: Array.from({ length: clips }, (_, i) => clip(i, groups)),
});
const protocol = (members: Partial<Spec['protocol']>): Spec => checkSpec(written({ protocol: members }), 'x');

test('limits the combined size of the data and its folds', () => {
  checkPlanSize(protocol({ repeats: 10 }), dataset(100_000));
  const cases: [Spec, Parameters<typeof checkPlanSize>[1], RegExp][] = [
    [protocol({ repeats: 100 }), dataset(100_000), /clips over all splits: 50,000,000/],
    [protocol({ repeats: 1 }), dataset(200_001), /clips: 200,001/],
    [{ ...protocol({}), protocol: { splitter: 'RepeatedKFold', folds: 5, repeats: 20_000 } }, dataset(9), /repeats/],
    [protocol({ repeats: 1 }), { clips: [], classes: ['x'.repeat(1001)] }, /characters in a label/],
    [protocol({ repeats: 1 }), { clips: [], classes: Array.from({ length: 1001 }, String) }, /classes: 1,001/],
    [
      protocol({ splitter: 'StratifiedGroupKFold', folds: 1000, repeats: 1 }),
      dataset(1000),
      /groups x classes .*: 2,000,000,000/,
    ],
  ];
  for (const [spec, data, message] of cases) {
    assert.throws(() => checkPlanSize(spec, data), refused('PLAN_TOO_LARGE', message));
  }
});

test('plans a large run in steps that yield to other work, with the same bytes as in one step', async () => {
  const spec = protocol({ repeats: 400 });
  const manifest = { format: 1 as const, name: 'd', contentHash: 'a'.repeat(64), grouped: false, ...dataset(20) };
  const splits = Array.from({ length: 2000 }, (_, s) => ({
    repeat: Math.floor(s / 5),
    fold: s % 5,
    train: Int32Array.of(s % 20, 1),
    test: Int32Array.of(2),
  }));
  let turns = 0;
  let ended = false;
  const others = async () => {
    for (; !ended; turns++) await setImmediate();
  };
  const turning = others();
  const plan = await planRunInSteps({ spec, manifest, splits });
  ended = true;
  await turning;
  assert.ok(turns >= 4, `${turns}`);
  const bytes = encodePlan(plan);
  assert.deepEqual(bytes, encodeRecord(planRun({ spec, manifest, splits })));
  assert.deepEqual(decodePlan(bytes, 'plan'), plan);
});

test('rejects a plan with invalid indices', () => {
  const manifest = { format: 1 as const, name: 'd', contentHash: 'a'.repeat(64), grouped: false, ...dataset(4) };
  const splits = [{ repeat: 0, fold: 0, train: Int32Array.of(0, 1), test: Int32Array.of(2) }];
  const plan = planRun({ spec: protocol({}), manifest, splits });
  for (const train of [[0, -1], [0.5], ['0'], {}, null]) {
    const wrong = { ...plan, splits: [{ ...plan.splits[0], train }] };
    assert.throws(() => decodePlan(encodeRecord(wrong), 'plan'), refused('JOB_INVALID', /splits\.0\.train/));
  }
});

test('rejects a stored plan with more folds or clips than the limits', () => {
  const manifest = { format: 1 as const, name: 'd', contentHash: 'a'.repeat(64), grouped: false, ...dataset(4) };
  const splits = [{ repeat: 0, fold: 0, train: Int32Array.of(0, 1), test: Int32Array.of(2) }];
  const plan = planRun({ spec: protocol({}), manifest, splits });
  const [job] = plan.jobs;
  const decoded = (wrong: object) => () => decodePlan(encodeRecord({ ...plan, ...wrong }), 'plan');
  const jobs = Array.from({ length: LIMITS.jobs + 1 }, () => job);
  assert.throws(decoded({ jobs }), refused('JOB_INVALID', /100001 folds to train/));
  const train = Array.from({ length: LIMITS.indices / 100 }, () => 1);
  const many = Array.from({ length: 100 }, () => ({ ...plan.splits[0], train }));
  assert.throws(decoded({ splits: many }), refused('JOB_INVALID', /clips over all splits/));
});
