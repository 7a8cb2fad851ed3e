import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { CryfoldError, Random } from '@cryfold/core';
import {
  accuracy,
  balancedAccuracy,
  brier,
  cohenKappa,
  confusionMatrix,
  decodeResults,
  type EvaluationInput,
  ece,
  evaluateRun,
  FUSION_RULES,
  groupKFold,
  logLoss,
  METRICS,
  type MetricName,
  macroF1,
  matthews,
  outOfFoldCsv,
  type RunResults,
  repeatedKFold,
  resultsJsonSchema,
  type Split,
  summarise,
} from '../src/index.js';

const classes = ['asphyxia', 'deaf, "quoted"', '=pain'];
const root = fileURLToPath(new URL('../../../..', import.meta.url));

/** Returns a run of two estimators and their fusions, with random probabilities that favour the true class. */
function randomRun({ n = 60, repeats = 2, seed = 1, lean = 1 } = {}): EvaluationInput {
  const random = new Random(seed);
  const clips = Array.from({ length: n }, (_, i) => ({
    id: i === 3 ? 'a "b", c' : `clip-${i}`,
    group: `speaker-${i % 11}`,
    label: Math.min(2, random.below(4)),
  }));
  const splits = repeatedKFold(n, { splits: 5, repeats, seed });
  const probabilities = (split: Split) => {
    const matrix = new Float64Array(split.test.length * classes.length);
    split.test.forEach((clip, row) => {
      const raw = classes.map((_, c) => Math.exp(2 * random.normal() + (c === clips[clip].label ? lean : 0)));
      const total = raw.reduce((sum, value) => sum + value, 0);
      raw.forEach((value, c) => {
        matrix[row * classes.length + c] = value / total;
      });
    });
    return matrix;
  };
  return {
    classes,
    clips,
    splits,
    estimators: { net: { kind: 'small-cnn' }, svm: { kind: 'svm' } },
    fusion: Object.fromEntries(
      FUSION_RULES.map((rule) => [rule === 'mean' ? 'combined' : rule, { rule, members: ['net', 'svm'] }]),
    ),
    probabilities: new Map([
      ['net', splits.map(probabilities)],
      ['svm', splits.map(probabilities)],
    ]),
  };
}

function withHole(input: EvaluationInput, model: string, ...holes: number[]): EvaluationInput {
  const own = [...input.probabilities.get(model)!];
  for (const hole of holes) own[hole] = null;
  return { ...input, probabilities: new Map([...input.probabilities, [model, own]]) };
}

/** Adds decision values for the SVM that sometimes disagree with its probabilities, as with Platt scaling. */
function withDecisions(input: EvaluationInput): EvaluationInput {
  const random = new Random(9);
  const decide = (matrix: Float64Array | null) => matrix!.map((p) => Math.log(p) + 0.5 * random.normal());
  const decisions = input.probabilities.get('svm')!.map(decide);
  decisions[0][0] = Number.NEGATIVE_INFINITY;
  return { ...input, decisions: new Map([['svm', decisions]]) };
}

function results(input: EvaluationInput): RunResults {
  const { results: found, dataset, protocol } = evaluateRun(input);
  return {
    format: 2,
    run: { id: 'run-1', name: 'test' },
    spec: {},
    dataset: { name: 'synthetic', contentHash: '0', ...dataset },
    protocol: { splitter: 'RepeatedKFold', seed: 1, ...protocol },
    ...found,
    environment: { node: process.version },
  };
}

const hasOracle = spawnSync('python3', ['-c', 'import numpy, sklearn']).status === 0;
const oracle = { skip: hasOracle ? false : 'python3 on PATH has no numpy and scikit-learn' };

/** Runs scripts/check-results on a run, after `damage` has changed the results. */
function check(input: EvaluationInput, damage?: (r: RunResults) => void): { status: number | null; output: string } {
  const directory = mkdtempSync(join(tmpdir(), 'cryfold-check-'));
  try {
    const r = results(input);
    damage?.(r);
    writeFileSync(join(directory, 'results.json'), JSON.stringify(r));
    const { probabilities } = evaluateRun(input);
    for (const [name, folds] of input.decisions ?? []) probabilities.set(`${name}.decision`, folds);
    writeFileSync(join(directory, 'out-of-fold.csv'), [...outOfFoldCsv({ ...input, probabilities })].join(''));
    const { status, stdout, stderr } = spawnSync('python3', [join(root, 'scripts/check-results'), directory], {
      encoding: 'utf8',
    });
    return { status, output: stdout + stderr };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

test('scikit-learn recomputes every figure from out-of-fold.csv', oracle, () => {
  const whole = randomRun();
  for (const input of [
    whole,
    withDecisions(whole),
    withHole(whole, 'svm', 2),
    withHole(whole, 'net', ...whole.splits.keys()),
  ]) {
    const { status, output } = check(input);
    assert.equal(status, 0, output);
    assert.match(output, /combined: \d+ of 10 folds/);
    assert.match(output, / 0 differ/);
  }
});

test('a model with decision values uses them to choose classes, whereas its fusion uses probabilities', () => {
  const plain = randomRun();
  const input = withDecisions(plain);
  const [before, after] = [results(plain), results(input)];
  const of = (r: RunResults, name: string) => r.models.find((model) => model.name === name)!;
  assert.equal(of(after, 'svm').predictedBy, 'decisions');
  assert.deepEqual(of(after, 'svm').probabilityAccuracy, of(before, 'svm').accuracy);
  assert.notDeepEqual(of(after, 'svm').accuracy, of(before, 'svm').accuracy);
  assert.deepEqual(of(after, 'svm').logLoss, of(before, 'svm').logLoss);
  assert.deepEqual(of(after, 'combined'), of(before, 'combined'));
  const short = new Map([['svm', input.decisions!.get('svm')!.map((matrix) => matrix!.slice(1))]]);
  assert.throws(() => evaluateRun({ ...plain, decisions: short }), /invalid decision values/);
});

test('check-results detects every kind of wrong figure', oracle, () => {
  const damages: [RegExp, (r: RunResults) => void][] = [
    [/net, repeat 0, fold 3\.accuracy/, (r) => (r.models[0].folds[3].accuracy += 1e-9)],
    [/combined\.pooled\.confusion\[1\]\[1\]/, (r) => r.models[2].pooled!.confusion[1][1]++],
    [/svm\.accuracy\.mean/, (r) => (r.models[1].accuracy!.mean -= 1e-9)],
    [/geometric, repeat 0, fold 0: \d+ probabilities/, (r) => (r.models[3].members = ['net'])],
    [/svm\.intervals\.macroF1\.low/, (r) => (r.models[1].pooled!.intervals!.macroF1!.low += 1e-8)],
    [/net against svm\.pValue/, (r) => (r.comparisons[0].test!.pValue += 1e-6)],
    [/pHolm by folds, test 1/, (r) => (r.comparisons[1].test!.pHolm = 0.0123)],
    [/net against svm by group\.pValue/, (r) => (r.comparisons[0].byGroup!.pValue = 0.0123)],
    [/net against svm by group\.low/, (r) => (r.comparisons[0].byGroup!.low! -= 1e-8)],
    [/pHolm by groups, test 1/, (r) => (r.comparisons[1].byGroup!.pHolm = 0.0123)],
    [/majority\.folds\[0\]/, (r) => (r.baselines.majority.folds[0].accuracy = 0.123)],
    [/missing: results\.json lists 2 folds, the CSV lacks 3/, (r) => r.missing.pop()],
    [/status: results\.json says 'complete'/, (r) => (r.status = 'complete')],
  ];
  const fusion: EvaluationInput['fusion'] = {
    combined: { rule: 'mean', members: ['net', 'svm'] },
    geometric: { rule: 'geometric', members: ['net', 'svm'] },
  };
  const { status, output } = check({ ...withHole(randomRun(), 'svm', 7), fusion }, (r) => {
    for (const [, damage] of damages) damage(r);
  });
  assert.equal(status, 1, output);
  for (const [message] of damages) assert.match(output, message);
});

test('results round-trip through JSON and the schema, which rejects an unknown key and reports its name', () => {
  const r = results(withHole(randomRun(), 'net', 0));
  assert.deepEqual(decodeResults(JSON.stringify(r), 'results.json'), r);
  assert.throws(
    () => decodeResults(JSON.stringify({ ...r, extra: 1 }), 'runs/x/results.json'),
    (error: unknown) => error instanceof CryfoldError && /runs\/x\/results\.json.*extra/.test(error.message),
  );
});

test('docs/results.schema.json is up to date', () => {
  const published = JSON.parse(readFileSync(join(root, 'docs/results.schema.json'), 'utf8'));
  assert.deepEqual(published, JSON.parse(JSON.stringify(resultsJsonSchema())), 'run tools/schemas');
});

test('a missing fold is missing from all its fusions, is listed with the reason, and is never part of a mean', () => {
  const fusion: EvaluationInput['fusion'] = { combined: { rule: 'mean', members: ['net', 'svm'] } };
  const input = { ...withHole(randomRun(), 'svm', 7), fusion };
  const whole = evaluateRun(randomRun()).results;
  const failures = [{ model: 'svm', repeat: 1, fold: 2, code: 'CHILD_DIED', message: 'killed' }];
  const { results: found, probabilities } = evaluateRun({ ...input, failures });
  assert.equal(found.status, 'incomplete');
  assert.deepEqual(found.missing, [
    { model: 'svm', repeat: 1, fold: 2, code: 'CHILD_DIED', reason: 'killed' },
    { model: 'combined', repeat: 1, fold: 2, code: null, reason: 'no fold result of svm' },
  ]);
  assert.equal(probabilities.get('combined')![7], null);
  const [net, svm, combined] = found.models;
  assert.deepEqual([net.complete, svm.complete, combined.complete], [true, false, false]);
  assert.deepEqual(net, whole.models[0], 'the complete model is untouched');
  assert.equal(svm.accuracy!.count, 9);
  assert.deepEqual(
    svm.repeats.map((repeat) => repeat.repeat),
    [0],
    'a repeat with a missing fold has no figure',
  );
  assert.deepEqual(
    found.comparisons.map(({ a, b, folds }) => [a, b, folds]),
    [
      ['net', 'svm', 9],
      ['net', 'combined', 9],
      ['svm', 'combined', 9],
    ],
  );
  const reason = evaluateRun(input).results.missing[0];
  assert.deepEqual([reason.code, reason.reason], [null, 'no result was committed']);
});

test('a fitted fusion lacks a whole repeat if a prediction that it learns from is missing', () => {
  const fusion: EvaluationInput['fusion'] = { stack: { rule: 'stacked', members: ['net', 'svm'] } };
  const { missing, models } = evaluateRun({ ...withHole(randomRun(), 'svm', 7), fusion }).results;
  const own = missing.filter(({ model }) => model === 'stack');
  assert.deepEqual(
    own.map(({ repeat, fold }) => [repeat, fold]),
    [0, 1, 2, 3, 4].map((fold) => [1, fold]),
  );
  assert.match(own[0].reason, /lacks predictions of this fold's training clips in repeat 1/);
  assert.deepEqual(
    models[2].folds.map((fold) => fold.repeat),
    [0, 0, 0, 0, 0],
  );
});

test('fitted fusions never learn from a test clip of their fold', () => {
  const input = randomRun();
  const fusion: EvaluationInput['fusion'] = {
    weights: { rule: 'weighted', members: ['net', 'svm'] },
    stack: { rule: 'stacked', members: ['net', 'svm'] },
  };
  const before = evaluateRun({ ...input, fusion }).probabilities;
  // new labels for the test clips of repeat 0, fold 1 must change the fused probabilities of fold 0, but not of fold 1
  const tested = new Set(input.splits[1].test);
  const clips = input.clips.map((clip, i) => (tested.has(i) ? { ...clip, label: (clip.label + 1) % 3 } : clip));
  const after = evaluateRun({ ...input, clips, fusion }).probabilities;
  for (const name of Object.keys(fusion)) {
    assert.deepEqual(after.get(name)![1], before.get(name)![1], name);
    assert.notDeepEqual(after.get(name)![0], before.get(name)![0], name);
  }
});

test('reports no figures for a model without folds', () => {
  const input = randomRun();
  const [net] = evaluateRun(withHole(input, 'net', ...input.splits.keys())).results.models;
  assert.deepEqual([net.complete, net.folds, net.accuracy, net.pooled], [false, [], null, null]);
});

test('the majority baseline predicts the most frequent class of the training clips', () => {
  const labels = [0, 0, 0, 1, 1, 1, 1, 2];
  const clips = labels.map((label, i) => ({ id: `${i}`, group: `${i}`, label }));
  const at = (...test: number[]) => ({
    test: Int32Array.from(test),
    train: Int32Array.from(labels.keys()).filter((i) => !test.includes(i)),
  });
  const splits = [
    { repeat: 0, fold: 0, ...at(3, 4, 0) }, // training: two 0, two 1, one 2: a tie, so class 0
    { repeat: 0, fold: 1, ...at(1, 2, 7) },
    { repeat: 0, fold: 2, ...at(5, 6) }, // training: three 0, two 1
  ];
  const { majority } = evaluateRun({
    classes,
    clips,
    splits,
    estimators: {},
    fusion: {},
    probabilities: new Map(),
  }).results.baselines;
  assert.deepEqual(
    majority.folds.map((fold) => [fold.label, fold.accuracy]),
    [
      [classes[0], 1 / 3],
      [classes[1], 0],
      [classes[0], 0],
    ],
  );
  assert.deepEqual([majority.label, majority.share], [classes[1], 0.5]);
  // Fold 0 tests clips of the classes 1, 1 and 0, and 0 is always predicted: the recalls are 0 and 1, and the F1 of
  // class 0 is 2 / (1 + 3).
  const [first] = majority.folds;
  assert.deepEqual([first.balancedAccuracy, first.macroF1], [0.5, 0.25]);
  assert.ok(
    Math.abs(first.logLoss! - -Math.log(0.4)) < 1e-12,
    'two of its five training clips are of class 0, two of 1',
  );
});

test('the protocol states whether the same group is in train and test', () => {
  const input = { ...randomRun(), groupSource: { kind: 'file-name' as const, name: 'infant' } };
  const { protocol, dataset } = evaluateRun(input);
  assert.deepEqual(dataset.groupSource, input.groupSource);
  assert.equal(protocol.label, 'ungrouped folds: clips of the same group are in train and test');
  assert.deepEqual([protocol.groupsSpanning, protocol.folds, protocol.repeats], [11, 5, 2]);
  assert.equal(dataset.groups, 11);
  const labelOf = (clips: EvaluationInput['clips'], splits: Split[]) =>
    evaluateRun({ ...input, clips, splits, estimators: {}, fusion: {} }).protocol.label;
  const grouped = groupKFold(
    input.clips.map((clip) => clip.group),
    { splits: 5 },
  );
  assert.match(labelOf(input.clips, grouped), /^grouped folds: no group/);
  const alone = input.clips.map((clip) => ({ ...clip, group: clip.id }));
  assert.match(labelOf(alone, [...input.splits]), /^ungrouped folds: every clip is a group of its own$/);
  const unknown = evaluateRun({ ...randomRun(), clips: alone, groupSource: { kind: 'none' } }).protocol.label;
  assert.match(unknown, /^ungrouped folds: groups are not known/);
});

test('rejects invalid probabilities, and reports the model, repeat and fold', () => {
  const damage = (change: (matrix: Float64Array) => Float64Array) => {
    const input = randomRun();
    const own = [...input.probabilities.get('net')!];
    own[6] = change(own[6]!.slice());
    return () => evaluateRun({ ...input, probabilities: new Map([...input.probabilities, ['net', own]]) });
  };
  const cases: [RegExp, (matrix: Float64Array) => Float64Array][] = [
    [/30 probabilities for 12 test clips x 3 classes/, (matrix) => matrix.slice(0, 30)],
    [/row 2 has NaN/, (matrix) => matrix.fill(Number.NaN, 6, 7)],
    [/row 0 has -/, (matrix) => matrix.fill(-0.1, 0, 1)],
    [/row 1 sums to 3/, (matrix) => matrix.fill(1, 3, 6)],
  ];
  for (const [message, change] of cases) {
    assert.throws(damage(change), (error: unknown) => {
      assert.ok(error instanceof CryfoldError);
      assert.equal(error.code, 'PROBABILITIES_INVALID');
      assert.match(error.message, /^net, repeat 1, fold 1: /);
      assert.match(error.message, message);
      return true;
    });
  }
});

test('rejects fusions of unknown models and estimators without folds, and reports their names', () => {
  const input = randomRun();
  assert.throws(() => evaluateRun({ ...input, fusion: { both: { rule: 'mean', members: ['net', 'cnn'] } } }), /cnn/);
  assert.throws(
    () => evaluateRun({ ...input, fusion: { twice: { rule: 'mean', members: ['combined'] } } }),
    /combined/,
  );
  assert.throws(() => evaluateRun({ ...input, estimators: { lost: { kind: 'svm' } } }), /lost has .* 0 of 10 folds/);
});

/** Parses CSV (RFC 4180), to check the round trip. */
function parseCsv(text: string): string[][] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) =>
      [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^",]*))/g)].map(
        ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain,
      ),
    );
}

test('out-of-fold.csv quotes fields, leaves missing folds empty, and parses to the same bits', () => {
  const input = withHole(randomRun(), 'svm', 7);
  const { probabilities } = evaluateRun(input);
  const chunks = [...outOfFoldCsv({ ...input, probabilities })];
  assert.equal(chunks.length, 1 + input.splits.length);
  const [header, ...rows] = parseCsv(chunks.join(''));
  assert.deepEqual(header.slice(0, 6), ['clip', 'group', 'label', 'repeat', 'fold', 'net:asphyxia']);
  assert.equal(header[6], 'net:deaf, "quoted"');
  assert.equal(rows.length, 120);
  let line = 0;
  for (const [s, split] of input.splits.entries()) {
    for (let row = 0; row < split.test.length; row++, line++) {
      const clip = input.clips[split.test[row]];
      const start = [
        clip.id,
        clip.group,
        [classes[0], classes[1], "'=pain"][clip.label],
        `${split.repeat}`,
        `${split.fold}`,
      ];
      assert.deepEqual(rows[line].slice(0, 5), start);
      let at = 5;
      for (const [, folds] of probabilities) {
        for (let c = 0; c < classes.length; c++, at++) {
          const matrix = folds[s];
          if (matrix) assert.equal(Number(rows[line][at]), matrix[row * classes.length + c]);
          else assert.equal(rows[line][at], '');
        }
      }
      assert.equal(at, rows[line].length);
    }
  }
});

test('out-of-fold.csv has no field that a spreadsheet would run as a formula, and preserves all text', () => {
  const texts = ['=1+1', '+x', '-x', '@x', '\tx', '\rx', '＝x', "'=x", "''-x", "'x", 'x=1', '0-x', '', 'ordinary'];
  const csv = [
    ...outOfFoldCsv({
      classes: ['-5', 'b'],
      clips: texts.map((id) => ({ id, group: 'g', label: 0 })),
      splits: [{ repeat: 0, fold: 0, train: new Int32Array(), test: Int32Array.from(texts.keys()) }],
      probabilities: new Map([
        ['m.decision', [Float64Array.from(texts.flatMap(() => [-1.5, Number.NEGATIVE_INFINITY]))]],
      ]),
    }),
  ].join('');
  // These texts do not contain line feeds, commas or quotes.
  const rows = csv
    .trimEnd()
    .split('\n')
    .slice(1)
    .map((line) => line.replaceAll('"', '').split(','));
  assert.deepEqual(
    rows.map(([id]) => id.replace(/^'('*[=+\-@\t\r\n＝＋－＠])/, '$1')),
    texts,
  );
  for (const [id, , label] of rows) assert.doesNotMatch(id + label, /^[=+\-@\t\r＝]/);
  assert.deepEqual(rows[0].slice(1), ['g', "'-5", '0', '0', '-1.5', '-Infinity'], 'numbers stay numbers');
  assert.deepEqual(
    texts.filter((text, i) => rows[i][0] === text),
    ["'x", 'x=1', '0-x', '', 'ordinary'],
    'other texts are unchanged',
  );
});

test('reports no figures for a fold without test clips, and adds a note to the results', () => {
  const input = randomRun();
  const [first, ...rest] = input.splits;
  const splits = [{ ...first, test: new Int32Array() }, ...rest];
  const probabilities = new Map(
    Array.from(input.probabilities, ([name, [, ...others]]) => [name, [new Float64Array(), ...others]]),
  );
  const shuffled = [{ model: 'net', shuffle: 0, split: 0, probabilities: new Float64Array() }];
  const { results, notes } = evaluateRun({ ...input, fusion: {}, splits, probabilities, shuffled });
  assert.equal(results.status, 'complete');
  for (const { folds, accuracy, macroF1, logLoss, pooled } of results.models) {
    assert.equal(folds.length, splits.length - 1);
    for (const summary of [accuracy, macroF1, logLoss]) {
      assert.equal(summary?.count, splits.length - 1);
      assert.ok(Number.isFinite(summary?.mean));
    }
    assert.ok(Number.isFinite(pooled?.ece) && Number.isFinite(pooled?.brier));
  }
  const { majority, shuffled: noise } = results.baselines;
  assert.equal(majority.folds.length, splits.length - 1);
  assert.ok(Number.isFinite(majority.accuracy?.mean));
  const none = { accuracy: null, balancedAccuracy: null, macroF1: null, logLoss: null };
  assert.deepEqual(noise, [{ model: 'net', folds: [], ...none }]);
  assert.deepEqual(notes, ['1 of 10 folds have no test clips, so they have no figures.']);
});

test('every metric of zero clips is NaN', () => {
  const none = confusionMatrix([], [], 3);
  for (const metric of [accuracy, balancedAccuracy, macroF1, cohenKappa, matthews]) {
    assert.ok(Number.isNaN(metric(none)), metric.name);
  }
  const nothing = new Float64Array();
  for (const metric of [logLoss, brier, ece]) assert.ok(Number.isNaN(metric([], nothing, 3)), metric.name);
  for (const { of, title } of Object.values(METRICS)) assert.ok(Number.isNaN(of([], nothing, 3)), title);
  assert.equal(summarise([]), null);
});

test('the results list each class that some folds cannot train on', () => {
  const input = randomRun();
  const splits = input.splits.map((split, s) =>
    s === 2 ? { ...split, train: split.train.filter((clip) => input.clips[clip].label !== 2) } : split,
  );
  const { notes } = evaluateRun({ ...input, splits, fusion: {} });
  assert.deepEqual(notes, [
    'Class "=pain" has no training clips in 1 of 10 folds, where all its test clips count as wrong.',
  ]);
});

test('the results mention folds without test clips of a class that the metric averages over', () => {
  const input = randomRun();
  const splits = input.splits.map((split, s) =>
    s < 3 ? { ...split, test: split.test.filter((clip) => input.clips[clip].label !== 2) } : split,
  );
  const rows = (own: Float64Array, split: Split) =>
    Float64Array.from(
      [...split.test].flatMap((clip) => {
        const row = split.test.indexOf(clip);
        return input.clips[clip].label === 2 ? [] : [...own.subarray(row * classes.length, (row + 1) * classes.length)];
      }),
    );
  const fewer = (all: EvaluationInput['probabilities'] | undefined) =>
    new Map(
      Array.from(all ?? [], ([name, folds]) => [
        name,
        folds.map((own, s) => (own && s < 3 ? rows(own, input.splits[s]) : own)),
      ]),
    );
  const notesBy = (metric: MetricName) =>
    evaluateRun({
      ...{ ...input, splits, metric, fusion: {} },
      ...{ probabilities: fewer(input.probabilities), decisions: fewer(input.decisions) },
    }).notes;
  for (const metric of ['balancedAccuracy', 'macroF1'] as const) {
    assert.match(
      notesBy(metric).join(),
      /^3 of 10 folds do not test every class\. Their (balanced accuracy|macro F1) is a mean/,
    );
  }
  for (const metric of ['accuracy', 'logLoss'] as const) assert.deepEqual(notesBy(metric), []);
  assert.deepEqual(evaluateRun({ ...input, metric: 'macroF1' }).notes, []);
});

test('a single split has figures and fusions, but no tests of differences', () => {
  const input = randomRun();
  const [split] = input.splits;
  const probabilities = new Map(Array.from(input.probabilities, ([name, [own]]) => [name, [own]]));
  const fusion = { combined: { rule: 'mean' as const, members: ['net', 'svm'] } };
  const { results, protocol } = evaluateRun({ ...input, splits: [split], probabilities, fusion });
  assert.equal(results.status, 'complete');
  assert.deepEqual([protocol.folds, protocol.repeats], [1, 1]);
  for (const { accuracy } of results.models)
    assert.deepEqual([accuracy?.count, accuracy?.standardDeviation], [1, null]);
  assert.deepEqual(
    results.comparisons.map(({ test }) => test),
    [null, null, null],
  );
});
