import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  comparisonTable,
  confusionTable,
  notBeatingMajority,
  pooledTable,
  protocolTable,
  tableTwo,
  terminalReport,
} from '../src/index.js';
import { classes, results } from './results.js';

/** The cells of the table's line that starts with a name. */
function cells(text: string, name: string): string[] {
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${name}  `));
  assert.ok(line, `a line for ${name} in\n${text}`);
  return line.trim().split(/\s{2,}/);
}

test("Table II shows each model's figures in percent beside the paper's, and the baseline", () => {
  const r = results();
  const text = tableTwo(r);
  for (const { name, accuracy } of r.models) {
    const [, mean, sd, min, max, folds] = cells(text, name);
    const expected = [accuracy!.mean, accuracy!.standardDeviation!, accuracy!.minimum, accuracy!.maximum];
    [mean, sd, min, max].forEach((cell, i) => {
      assert.ok(Math.abs(Number(cell) - 100 * expected[i]) <= 0.005001, `${name}: ${cell}`);
    });
    assert.equal(folds, '10/10');
  }
  const paper = ['small-cnn', 'tl-resnet50', 'svm', 'combined'].map((name) => cells(text, name)[6]);
  assert.deepEqual(paper, ['87.03', '90.80', '90.10', '91.10*']);
  assert.match(text, /\* the paper's maximum, not a mean/);
  assert.equal(cells(text, '(majority class)')[1], '60.00');
  assert.match(text, /random folds: the same infant is in train and test/);
  assert.match(text, /^Accuracy in percent/);
});

test('columns end in line, and colour changes nothing else', () => {
  const r = results();
  const lines = tableTwo(r).split('\n');
  const head = lines.findIndex((line) => line.startsWith('model'));
  const body = lines.slice(head + 1, head + 6);
  for (const title of ['mean', 'sd', 'min', 'max', 'folds']) {
    const end = lines[head].indexOf(title) + title.length;
    for (const line of body) assert.match(line.slice(end - 1, end + 1), /^\S\s/, `${title}: ${line}`);
  }
  const coloured = tableTwo(r, { color: true });
  assert.notEqual(coloured, tableTwo(r));
  // biome-ignore lint/suspicious/noControlCharactersInRegex: ANSI colours are what is taken out
  assert.equal(coloured.replace(/\u001b\[\d+m/g, ''), tableTwo(r));
});

test('models that do not beat the majority class are named in the first line', () => {
  const [one] = tableTwo(results({ svm: 0 })).split('\n');
  assert.match(one, /^svm, combined: not better than always answering the majority class, "hungry" \(60\.00 %\)\.$/);
  const [all] = tableTwo(results({ 'small-cnn': 0, 'tl-resnet50': 0, svm: 0 })).split('\n');
  assert.match(all, /^No model beats/);
  assert.deepEqual(notBeatingMajority(results()), []);
});

test('an incomplete model is held against the baseline of its own folds', () => {
  const r = results({ svm: 0 }, { holes: [0, 3] });
  assert.ok(notBeatingMajority(r).includes('svm'));
});

test('missing folds are announced before any figure and counted in the table', () => {
  const text = tableTwo(results({}, { holes: [0, 1, 2, 3, 4, 5] }));
  const [first, second] = text.split('\n');
  // As `cryfold status` counts: what is trained, without the fusion's.
  assert.match(first, /^INCOMPLETE: 6 of 30 folds are missing/);
  assert.match(second, /svm, repeat 0, fold 0: no result was committed/);
  assert.doesNotMatch(text, /combined, repeat/);
  assert.match(tableTwo(results({}, { holes: Array.from({ length: 10 }, (_, s) => s) })), /10 of 30 folds/);
  assert.equal(cells(text, 'svm')[5], '4/10');
  assert.equal(cells(text, 'small-cnn')[5], '10/10');
});

test('a model without any fold shows dashes, not a number', () => {
  const text = tableTwo(results({}, { holes: Array.from({ length: 10 }, (_, s) => s) }));
  assert.deepEqual(cells(text, 'svm').slice(1, 6), ['-', '-', '-', '-', '0/10']);
});

test('a confusion table has a row and a column per class, aligned, in percent', () => {
  const lines = confusionTable(classes, [
    [1, 0, 0],
    [0.125, 0.875, 0],
    [1 / 3, 1 / 3, 1 / 3],
  ]).split('\n');
  assert.equal(lines.length, 4);
  assert.deepEqual(lines[1].split(/\s{2,}/), ['hungry', '100.00', '0.00', '0.00']);
  assert.deepEqual(lines[2].split(/\s{2,}/), ['tired', '12.50', '87.50', '0.00']);
  assert.equal(new Set(lines.map((line) => line.length)).size, 1);
});

test('the whole report shows each model once, and class names cannot command the terminal', () => {
  const text = terminalReport(results({}, { labels: ['hun\u001b[2Jgry', 'tired\n', 'belly'], name: 'x\u0007' }));
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
  assert.doesNotMatch(text, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
  assert.equal(text.match(/confusion matrix/g)?.length, 4);
  assert.match(text, /hun�\[2Jgry/);
});

test('every pair of models is compared, and a fusion is held against its best member', () => {
  const r = results({ 'tl-resnet50': 0.95, svm: 0.1, 'small-cnn': 0.5 });
  const text = comparisonTable(r);
  assert.equal(text.split('\n').filter((line) => / - /.test(line)).length, 6);
  const { test: stored } = r.comparisons.find(({ a, b }) => a === 'tl-resnet50' && b === 'svm')!;
  const [, difference, low, high] = cells(text, 'tl-resnet50 - svm');
  assert.ok(Math.abs(Number(difference) - 100 * stored!.meanDifference) <= 0.005001);
  assert.ok(Number(low) < Number(difference) && Number(difference) < Number(high));
  // the stored comparison is resnet minus combined: the sentence must turn it round
  const { meanDifference } = r.comparisons.find(({ a, b }) => a === 'tl-resnet50' && b === 'combined')!.test!;
  assert.ok(meanDifference > 0, 'the mean with a poor member loses');
  assert.match(text, /combined is worse than its best member, tl-resnet50 \(-\d+\.\d\d points, p /);
  assert.match(comparisonTable(results({ 'tl-resnet50': 0, svm: 0 })), /combined is equal to its best member/);
});

test('without two models with common folds there is no comparison', () => {
  const r = results();
  assert.equal(comparisonTable({ ...r, comparisons: [] }), '');
});

test('the pooled table shows metrics with their intervals around them', () => {
  const r = results();
  const text = pooledTable(r);
  for (const { name, pooled } of r.models) {
    const [, accuracy, range, balanced] = cells(text, name);
    assert.equal(accuracy, (100 * pooled!.accuracy).toFixed(2));
    assert.equal(balanced, (100 * pooled!.balancedAccuracy).toFixed(2));
    const [low, high] = range.split('-').map(Number);
    assert.ok(low <= Number(accuracy) && Number(accuracy) <= high, `${low} ${accuracy} ${high}`);
  }
  assert.match(text, /33\.33 by chance/);
});

test('two protocols stand side by side with their difference', () => {
  const [good, poor] = [results({ svm: 0.9 }), results({ svm: 0.2 })];
  const label = 'grouped folds: no infant is in train and test';
  const text = protocolTable([good, { ...poor, protocol: { ...poor.protocol, label } }]);
  const [, a, , b, , difference] = cells(text, 'svm');
  assert.ok(Math.abs(Number(b) - Number(a) - Number(difference)) < 0.011);
  assert.ok(Number(difference) < -5);
  assert.match(
    text,
    /^A: random folds: the same infant is in train and test \(RepeatedKFold, 2 repeats x \d folds\)$/m,
  );
  assert.match(text, /^B: grouped folds/m);
  assert.match(protocolTable([good, results({}, { holes: [1] })]), /^INCOMPLETE/);
});
