import assert from 'node:assert/strict';
import { test } from 'node:test';
import { htmlReport, markdownReport, terminalReport } from '../src/index.js';
import { verdict } from '../src/verdict.js';
import { results } from './results.js';

test('states the best model, its lead over the baseline and next best model, and how certain the leads are', () => {
  const r = results({ 'small-cnn': 0.95, 'tl-resnet50': 0.3, svm: 0.2 }, { groups: 100 });
  const [best, next, interval] = verdict(r);
  const own = r.models.find(({ name }) => name === 'small-cnn')!;
  const lead = own.accuracy!.mean - r.baselines.majority.accuracy!.mean;
  assert.match(best, /^The highest mean accuracy is .* of small-cnn/);
  assert.ok(best.endsWith(`, ${(100 * lead).toFixed(2)} points worse.`), best);
  assert.match(next, /^small-cnn is better than \S+, the next best, by \d+\.\d\d points \(p [<0].* by folds\)\.$/);
  const { low, high } = own.pooled!.intervals!.accuracy!;
  assert.ok(interval.includes(`95 % interval ${(100 * low).toFixed(2)} to ${(100 * high).toFixed(2)} %, by groups`));
});

test('claims only differences that were tested and found significant', () => {
  const r = results();
  assert.match(
    verdict(r)[1],
    /^\S+ is not shown to differ from .*, the next best \(\d+\.\d\d points (better|worse), p [01]\./,
  );
  const tie = {
    ...r,
    comparisons: r.comparisons.map((one) => ({ ...one, byGroup: one.byGroup && { ...one.byGroup, difference: 0 } })),
  };
  assert.match(verdict(tie)[1], /the next best \(no difference, p /);
  const few = results({ svm: 0.2 }, { groups: 100, folds: 2 });
  assert.match(verdict(few)[1], /the next best, was not tested: too few folds\.$/);
  const loss = verdict(results({ svm: 0.2 }, { metric: 'logLoss' }));
  assert.match(loss[0], /^The lowest mean log-loss is .*, \d\.\d{4} worse\.$/);
  const useless = verdict(results({ 'small-cnn': 0, 'tl-resnet50': 0, svm: 0 }));
  assert.match(useless[0], /, the same\.$/);
  assert.deepEqual(verdict({ ...r, models: [], comparisons: [] }), ['No model has a result.']);
});

test('points to the warnings only if leaks or selection inflate the figures', () => {
  const leaks = { sounds: 2, clips: 4, groups: 0, splits: 10, examples: [] };
  assert.match(
    verdict({ ...results({}, { groups: 100 }), leaks }).at(-1)!,
    /too good, for the reasons in the warnings/,
  );
  const clean = verdict(results({}, { groups: 100 }));
  assert.doesNotMatch(clean.join(' '), /too good/);
});

test('begins the HTML report with the verdict and the warnings, then a picture, then tables', async () => {
  const page = await htmlReport({ results: results({ svm: 0 }) });
  const order = [
    '<section class="verdict"',
    'The highest mean accuracy',
    'not better than always',
    '<nav',
    '<svg',
    '<table',
  ];
  const places = order.map((text) => page.indexOf(text));
  assert.ok(!places.includes(-1), places.join());
  assert.deepEqual(
    places,
    places.toSorted((a, b) => a - b),
  );
});

test('includes all sentences of the verdict in every format of the report', () => {
  const r = results();
  for (const text of [terminalReport(r), markdownReport(r).replaceAll('\\', '')]) {
    for (const sentence of verdict(r)) assert.ok(text.includes(sentence), sentence);
  }
});
