import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SearchResults, TrialRow } from '@cryfold/evaluation';
import { htmlReport, importanceTable, markdownReport, terminalReport } from '../src/index.js';
import { results } from './results.js';

/** Twenty trials whose accuracy depends on gamma only. */
function sweep(more: Partial<SearchResults> = {}) {
  const trials = Array.from({ length: 20 }, (_, i): TrialRow => {
    const gamma = ((i * 7) % 20) / 20;
    return {
      ...{ trial: `svm-${String(i + 1).padStart(3, '0')}`, base: 'svm', state: 'COMPLETE', reason: '' },
      ...{ parameters: { C: 10 ** ((i * 11) % 20), gamma }, folds: 5, planned: 5 },
      ...{ mean: 0.5 + gamma / 4, standardDeviation: 0.1, low: null, high: null },
    };
  });
  const search: SearchResults = { algorithm: 'random', metric: 'accuracy', nested: true, trials, winners: [], ...more };
  const space = { svm: { C: { log: [0.001, 1e19] }, gamma: { uniform: [0, 1] } } };
  return { ...results(), spec: { search: { space } }, search };
}

test('shows history, importance and parallel coordinates of a sweep before its trials', async () => {
  const page = await htmlReport({ results: sweep() });
  const part = page.slice(page.indexOf('<h2 id="search"'), page.indexOf('<h2 id="confusion"'));
  const labels = [...part.matchAll(/<svg role="img" aria-label="([^"]*)"/g)].map(([, label]) => label);
  assert.equal(labels.length, 3);
  assert.match(labels[0], /^Best accuracy of 20 trials of svm: 73\.75 %\.$/);
  assert.match(labels[1], /^Importance of the parameters of svm: gamma 9\d %, C \d %\.$/);
  assert.match(labels[2], /^Parallel coordinates of 20 complete trials over C, gamma and accuracy\.$/);
  assert.ok(part.lastIndexOf('<svg') < part.indexOf('<table'));
  for (const text of ['accuracy, %', 'trial', 'share of the variance, %', '0.001', '1e+19', 'Accuracy, %']) {
    assert.ok(part.includes(`>${text}</text>`), text);
  }
  assert.match(part, /Interactions are not attributed to any parameter/);
});

test('omits charts for which a sweep has no data', async () => {
  const { trials } = sweep().search;
  const few = await htmlReport({ results: sweep({ trials: trials.slice(0, 5) }) });
  assert.match(few, /The importance of the parameters of svm cannot be estimated: too few trials/);
  const stopped = trials.map((row, i) => (i > 0 ? { ...row, state: 'PRUNED' as const, folds: 1 } : row));
  const pruned = await htmlReport({ results: sweep({ trials: stopped }) });
  assert.match(pruned, /stopped early/);
  assert.doesNotMatch(pruned, /Parallel coordinates/);
  const one = await htmlReport({ results: sweep({ trials: trials.slice(0, 1) }) });
  assert.doesNotMatch(one, /aria-label="Best accuracy/);
});

test('shows the importance of each parameter in terminal and Markdown reports, too', () => {
  const r = sweep();
  const table = importanceTable(r.search);
  assert.match(
    table,
    /^Parameter importance for accuracy\nparameter +importance +trials\nsvm: gamma +9\d % +20\nsvm: C +\d % +20\n/,
  );
  assert.ok(terminalReport(r).includes(table));
  assert.match(markdownReport(r), /^\| svm: gamma \| 9\d % \| 20 \|$/m);
  assert.equal(importanceTable({ ...r.search, trials: [] }), '');
});
