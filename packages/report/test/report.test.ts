import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  comparisonTable,
  confusionTable,
  htmlReport,
  markdownReport,
  notBeatingMajority,
  pooledTable,
  protocolTable,
  tableTwo,
  terminalReport,
  warningsOf,
} from '../src/index.js';
import { classes, results } from './results.js';

/** The cells of the table's line that starts with a name. */
function cells(text: string, name: string): string[] {
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${name}  `));
  assert.ok(line, `a line for ${name} in\n${text}`);
  return line.trim().split(/\s{2,}/);
}

test('shows the figures of each model in percent, and the baseline, in Table II', () => {
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
  assert.doesNotMatch(text, /paper/);
  assert.equal(cells(text, '(majority class)')[1], '60.00');
  assert.match(text, /ungrouped folds: clips of the same group are in train and test/);
  assert.match(text, /^Accuracy in percent/);
});

test('notes that folds of unequal size have equal weight in the mean', () => {
  const r = results();
  assert.doesNotMatch(tableTwo(r), /have equal weight/);
  for (const { folds } of r.models) folds[0].testCount = 3;
  assert.match(
    tableTwo(r),
    /^mean: folds of 3 to 20 test clips have equal weight; pooled figures give each clip equal weight$/m,
  );
  for (const model of r.models) model.folds = [];
  assert.doesNotMatch(tableTwo(r), /have equal weight|Infinity/);
});

test('aligns columns, and prints the same text with and without colour', () => {
  const r = results();
  const lines = tableTwo(r).split('\n');
  const head = lines.findIndex((line) => line.startsWith('model'));
  const body = lines.slice(head + 1, head + 6);
  for (const title of ['mean', 'sd', 'min', 'max', 'folds']) {
    const end = lines[head].indexOf(title) + title.length;
    for (const line of body) assert.match(line.slice(end - 1, end + 1), /^\S\s?$/, `${title}: ${line}`);
  }
  const coloured = tableTwo(r, { color: true });
  assert.notEqual(coloured, tableTwo(r));
  // biome-ignore lint/suspicious/noControlCharactersInRegex: removing ANSI colours is the purpose
  assert.equal(coloured.replace(/\u001b\[\d+m/g, ''), tableTwo(r));
});

test('lists, in its first line, the models that do not beat the majority class', () => {
  const [one] = tableTwo(results({ svm: 0 })).split('\n');
  assert.match(
    one,
    /^svm, combined: not better than always predicting the majority class, "hungry" \(accuracy 60\.00 %\)\.$/,
  );
  const [all] = tableTwo(results({ 'small-cnn': 0, 'tl-resnet50': 0, svm: 0 })).split('\n');
  assert.match(all, /^No model beats/);
  assert.deepEqual(notBeatingMajority(results()), []);
});

test('compares an incomplete model with the baseline on the folds that the model has', () => {
  const r = results({ svm: 0 }, { holes: [0, 3] });
  assert.ok(notBeatingMajority(r).includes('svm'));
});

test('reports missing folds before any figure and counts them in the table', () => {
  const text = tableTwo(results({}, { holes: [0, 1, 2, 3, 4, 5] }));
  const [first, second] = text.split('\n');
  // Counts trained folds as `cryfold status` does, without those of fusions.
  assert.match(first, /^INCOMPLETE: 6 of 30 folds are missing/);
  assert.match(second, /svm, repeat 0, fold 0: no result was committed/);
  assert.doesNotMatch(text, /combined, repeat/);
  assert.match(tableTwo(results({}, { holes: Array.from({ length: 10 }, (_, s) => s) })), /10 of 30 folds/);
  assert.equal(cells(text, 'svm')[5], '4/10');
  assert.equal(cells(text, 'small-cnn')[5], '10/10');
});

test('shows dashes for a model without folds', () => {
  const text = tableTwo(results({}, { holes: Array.from({ length: 10 }, (_, s) => s) }));
  assert.deepEqual(cells(text, 'svm').slice(1, 6), ['-', '-', '-', '-', '0/10']);
});

test('prints a confusion table in percent, with an aligned row and column per class', () => {
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

test('shows each model once, and removes terminal sequences from class names', () => {
  const text = terminalReport(results({}, { labels: ['hun\u001b[2Jgry', 'tired\n', 'belly'], name: 'x\u0007' }));
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they must not occur
  assert.doesNotMatch(text, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
  assert.equal(text.match(/confusion matrix/g)?.length, 4);
  assert.match(text, /hun�\[2Jgry/);
});

test('compares all pairs of models by group, and each fusion with its best member', () => {
  const r = results({ 'tl-resnet50': 0.95, svm: 0.1, 'small-cnn': 0.5 }, { groups: 50 });
  const text = comparisonTable(r);
  assert.match(text, /^Differences of accuracy, pooled over all test predictions, .* by groups/);
  assert.equal(text.split('\n').filter((line) => / - /.test(line)).length, 6);
  const { byGroup, test: byFold } = r.comparisons.find(({ a, b }) => a === 'tl-resnet50' && b === 'svm')!;
  const [, difference, low, high, p, , by, folds] = cells(text, 'tl-resnet50 - svm');
  assert.ok(Math.abs(Number(difference) - 100 * byGroup!.difference) <= 0.005001);
  assert.ok(Number(low) < Number(difference) && Number(difference) < Number(high));
  assert.ok(byGroup!.pValue! > 0 && byGroup!.pValue! < 0.0001);
  assert.deepEqual([p, by], ['<0.0001', '50 groups']);
  assert.equal(folds, byFold!.pHolm < 0.0001 ? '<0.0001' : byFold!.pHolm.toFixed(4), 'the t-test is next to it');
  // The stored comparison is resnet minus combined, so the sentence must reverse the sign.
  const { difference: stored } = r.comparisons.find(({ a, b }) => a === 'tl-resnet50' && b === 'combined')!.byGroup!;
  assert.ok(stored > 0, 'the mean with a poor member loses');
  assert.match(
    text,
    /combined is worse than its best member, tl-resnet50 \(-\d+\.\d\d points, p <?0\.\d+ by groups\)\./,
  );
});

test('does not report an insignificant difference as significant', () => {
  const equal = comparisonTable(results({ 'tl-resnet50': 0, svm: 0 }));
  assert.match(
    equal,
    /combined is not shown to differ from its best member, tl-resnet50 \(0\.00 points, not tested: no spread\)/,
  );
  const r = results({ 'tl-resnet50': 0.8, svm: 0.8 });
  const comparison = r.comparisons.find(({ a, b }) => a === 'tl-resnet50' && b === 'combined')!;
  comparison.byGroup = { ...comparison.byGroup!, difference: -0.01, pValue: 1, pHolm: 1 };
  const [best, other] = ['tl-resnet50', 'svm'].map((name) => r.models.find((model) => model.name === name)!);
  best.accuracy!.mean = other.accuracy!.mean + 0.01;
  assert.match(
    comparisonTable(r),
    /combined is not shown to differ from its best member, tl-resnet50 \(\+1\.00 points, p 1\.0000/,
  );
  assert.doesNotMatch(comparisonTable(r), /better than/);
});

test('notes that p-values of inflated figures do not account for the inflation', async () => {
  const clean = results();
  const said = /The p-values and intervals do not account for the leaks and the optimism/;
  assert.doesNotMatch(comparisonTable(clean), said);
  const leaky = { ...clean, leaks: { sounds: 1, clips: 2, groups: 0, splits: 10, examples: [] } };
  assert.match(comparisonTable(leaky), said);
  assert.match(await htmlReport({ results: leaky }), said);
  assert.match(markdownReport(leaky), said);
  assert.deepEqual(warningsOf(leaky), ['1 sound is in both train and test: these figures are inflated.']);
  const stacked = structuredClone(clean);
  stacked.models[3].method = 'stacked';
  assert.match(comparisonTable(stacked), said, 'stacking of few clips');
  assert.match(warningsOf(stacked, 'combined').join(), /OPTIMISTIC: combined: stacking/);
  assert.deepEqual(warningsOf(stacked, 'small-cnn'), [], 'another model of the run is not affected');
  stacked.models[3].nested = true;
  assert.doesNotMatch(comparisonTable(stacked), said);
});

test('warns about a missing fold only for the models that it affects', () => {
  const holed = results({}, { holes: [1] });
  assert.match(warningsOf(holed).join(), /^INCOMPLETE: 1 of 30 folds/);
  assert.match(warningsOf(holed, 'svm').join(), /^INCOMPLETE: 1 of 10 folds/);
  assert.match(warningsOf(holed, 'combined').join(), /^INCOMPLETE: 1 of 20 folds/);
  assert.deepEqual(warningsOf(holed, 'small-cnn'), []);
});

test('tests differences over folds if no clips share a group and there are enough folds', () => {
  const single = comparisonTable(results({ svm: 0.2 }, { groups: 100 }));
  assert.match(single, /^Paired differences of accuracy, mean over folds/);
  assert.match(single, /10 folds/);
  assert.doesNotMatch(single, /by groups/);
  const few = comparisonTable(results({ svm: 0.2 }, { groups: 100, folds: 2 }));
  assert.match(few, /4 folds: too few folds/);
  assert.match(few, /not shown to differ from its best member, .* not tested: too few folds/);
});

test('tests and ranks models by the metric of a sweep', () => {
  const r = results({ svm: 0.2 }, { metric: 'logLoss' });
  const text = terminalReport(r);
  assert.match(
    text,
    /^The lowest mean log-loss is \d\.\d{4}, of \S+ \(from \d\.\d{4} to \d\.\d{4} over folds\); always predicting the class shares/m,
  );
  assert.match(text, /^Differences of log-loss, pooled/m);
  const svm = cells(text, 'small-cnn - svm');
  assert.ok(Number(svm[1]) < 0, 'the better model has the smaller loss');
  assert.match(comparisonTable(results({ svm: 0.2 }, { metric: 'macroF1' })), /^Differences of macro F1/);
});

test('uses the metric of the run in tables, headline, baseline and warnings', async () => {
  for (const [metric, title, baseline] of [
    ['balancedAccuracy', 'balanced accuracy', '33.33'],
    ['macroF1', 'macro F1', undefined],
    ['logLoss', 'log-loss', undefined],
  ] as const) {
    const r = results({ svm: 0 }, { metric });
    const capital = title[0].toUpperCase() + title.slice(1);
    const text = terminalReport(r);
    const unit = metric === 'logLoss' ? '' : ' in percent';
    assert.match(text, new RegExp(`^${capital}${unit} over test folds`, 'm'));
    const svm = r.models.find(({ name }) => name === 'svm')!;
    const shown = metric === 'logLoss' ? svm[metric]!.mean.toFixed(4) : (100 * svm[metric]!.mean).toFixed(2);
    assert.equal(cells(text, 'svm')[1], shown);
    const row = metric === 'logLoss' ? '(class shares)' : '(majority class)';
    if (baseline) assert.equal(cells(text, row)[1], baseline);
    assert.ok(Number(cells(text, row)[1]) > 0);
    assert.match(text.split('\n')[0], new RegExp(`^svm.*not better than always .*${title}`));
    assert.match(text, new RegExp(`^Differences of ${title}`, 'm'));
    assert.doesNotMatch(text, /by probability/, 'no figure of another metric is in the table');
    const page = await htmlReport({ results: r, beside: [r] });
    assert.match(page, new RegExp(`<h2 id="table-two">${capital}</h2>`));
    assert.match(page, new RegExp(`${capital} of each test fold \\(points\\)`));
    assert.match(page, new RegExp(`${capital}${unit} under 2 protocols`));
    assert.match(markdownReport(r), new RegExp(`^## ${capital} over test folds`, 'm'));
    const side = protocolTable([r, r]);
    assert.match(side, new RegExp(`^${capital}${unit} under 2 protocols`, 'm'));
    assert.equal(cells(side, 'svm')[1], shown);
  }
});

test('in balanced accuracy, treats always predicting the largest class as chance', () => {
  const accuracy = results({ 'small-cnn': 0, 'tl-resnet50': 0.3, svm: 0.3 });
  const balanced = results({ 'small-cnn': 0, 'tl-resnet50': 0.3, svm: 0.3 }, { metric: 'balancedAccuracy' });
  assert.deepEqual(notBeatingMajority(accuracy), ['small-cnn']);
  assert.deepEqual(notBeatingMajority(balanced), ['small-cnn']);
  const older = structuredClone(balanced);
  for (const fold of older.baselines.majority.folds) delete fold.balancedAccuracy;
  delete older.baselines.majority.balancedAccuracy;
  assert.deepEqual(notBeatingMajority(older), [], 'an earlier version did not store this baseline');
  assert.match(terminalReport(older), /^\(majority class\) +- /m);
});

test('summarises a single model by the metric of its spec', () => {
  const r = results({}, { metric: 'macroF1' });
  const single = { ...r, models: r.models.slice(0, 1), comparisons: [], spec: { metric: 'macroF1' } };
  assert.match(terminalReport(single), /The highest mean macro F1 is/);
  assert.match(terminalReport({ ...single, spec: { metric: 'toString' } }), /The highest mean accuracy is/);
});

test('omits comparisons if no two models have common folds', () => {
  const r = results();
  assert.equal(comparisonTable({ ...r, comparisons: [] }), '');
});

test('shows pooled metrics with intervals that contain them', () => {
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

test('shows two protocols side by side with their difference', () => {
  const [good, poor] = [results({ svm: 0.9 }), results({ svm: 0.2 })];
  const label = 'grouped folds: no group is in train and test';
  const text = protocolTable([good, { ...poor, protocol: { ...poor.protocol, label } }]);
  const [, a, , b, , difference] = cells(text, 'svm');
  assert.ok(Math.abs(Number(b) - Number(a) - Number(difference)) < 0.011);
  assert.ok(Number(difference) < -5);
  const three = protocolTable([good, good, poor]);
  assert.match(three, /^model .* B - A .* C - B$/m);
  assert.deepEqual(
    cells(three, 'svm').filter((_, i) => i === 5 || i === 8),
    ['0.00', difference],
    'grouped folds are compared with the random folds before them',
  );
  assert.match(
    text,
    /^A: ungrouped folds: clips of the same group are in train and test \(RepeatedKFold, 2 repeats x \d folds\)$/m,
  );
  assert.match(text, /^B: grouped folds/m);
  assert.match(protocolTable([good, results({}, { holes: [1] })]), /^INCOMPLETE/);
  assert.match(text, /^differences between protocols are not tested$/m);
});
