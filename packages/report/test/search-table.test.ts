import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SearchResults, TrialRow } from '@cryfold/evaluation';
import { markdownReport, searchTable, tableTwo, terminalReport, winnerNotes } from '../src/index.js';
import { papersResults, results } from './results.js';

function row(trial: string, mean: number, more: Partial<TrialRow> = {}): TrialRow {
  return {
    ...{ trial, base: 'svm', state: 'COMPLETE', reason: '', parameters: { C: 1 }, folds: 10, planned: 10 },
    ...{ mean, standardDeviation: 0.1, low: mean - 0.1, high: mean + 0.1 },
    ...more,
  };
}
const PRUNED = { state: 'PRUNED', folds: 1 } as const;

function search(more: Partial<SearchResults>, winner: Partial<SearchResults['winners'][number]> = {}): SearchResults {
  const own: SearchResults['winners'][number] = {
    ...{ base: 'svm', trial: 'svm-001', parameters: { C: 1 }, among: 2, plain: 0.7, pooled: 0.62 },
    ...{ corrected: { mean: 0.6195, low: 0.5, high: 0.7, samples: 1000 }, nestedMean: null, inside: [] },
    ...winner,
  };
  const trials = [row('svm-001', 0.7), row('svm-002', 0.69)];
  return { algorithm: 'random', metric: 'accuracy', nested: false, trials, winners: [own], ...more };
}
const note = (of: SearchResults) => winnerNotes({ search: of })[0];

test('computes the optimism of a winner from two pooled figures, not from a mean over folds and a pooled figure', () => {
  const text = note(search({}));
  assert.match(text, /selected among 2 trials by its mean accuracy over folds of 70\.00 %/);
  assert.match(text, /Pooled over all test clips it is 62\.00 %; corrected for the selection 61\.95 %/);
  assert.match(text, /optimistic by about 0\.05 points\.$/);
  const loss = note(search({ metric: 'logLoss' }, { plain: 0.5, pooled: 0.61, corrected: null }));
  assert.match(loss, /mean log-loss over folds of 0\.5000\./);
  const corrected = { mean: 0.65, low: 0.6, high: 0.7, samples: 1000 };
  assert.match(note(search({ metric: 'logLoss' }, { pooled: 0.61, corrected })), /optimistic by about 0\.0400\.$/);
});

test('reports no optimism if the correction finds none, and does not claim to have tested trials', () => {
  const corrected = { mean: 0.63, low: 0.5, high: 0.7, samples: 1000 };
  const text = note(search({}, { pooled: 0.62, corrected }));
  assert.match(
    text,
    /corrected for the selection 63\.00 % \(95 % of bootstrap samples: 50\.00 to 70\.00\), so there is no measurable optimism\.$/,
  );
  assert.doesNotMatch(text, /optimistic by/);
  const table = searchTable({ ...results(), search: search({}) });
  assert.match(
    table,
    /^95 % interval: .*accounts neither for clips of the same group nor for the selection among trials\.$/m,
  );
  assert.match(markdownReport({ ...results(), search: search({}) }), /accounts neither for clips of the same group/);
  assert.equal(searchTable(results()), '');
});

test('reports no corrected figure for a winner of unequal trials, and counts all started trials', () => {
  const trials = [row('svm-001', 0.7), row('svm-002', 0.69, PRUNED), row('svm-003', 0.1, PRUNED)];
  const text = note(search({ algorithm: 'asha', trials }, { among: 1, corrected: null }));
  assert.match(text, /selected among 3 trials \(1 of them complete\)/);
  assert.match(text, /optimistic by an unknown amount: no correction is possible .* Use search\.nested/);
  assert.doesNotMatch(text, /corrected for the selection/);
});

test('does not compute the optimism from figures of an earlier version', () => {
  const text = note(search({}, { pooled: undefined }));
  assert.match(text, /an earlier version of cryfold did not store the figures/);
  assert.doesNotMatch(text, /61\.95|points/);
});

test('warns about optimism if all trials of a sweep but one were pruned, but not if they failed', () => {
  const trials = [row('svm-001', 0.7), row('svm-002', 0.69, PRUNED)];
  const asha = search({ algorithm: 'asha', trials }, { among: 1, corrected: null });
  assert.match(tableTwo({ ...results(), search: asha }), /^OPTIMISTIC: svm, combined:/m);
  const alone = search({ trials: [trials[0], row('svm-002', 0, { state: 'FAILED', folds: 3 })] }, { among: 1 });
  assert.doesNotMatch(tableTwo({ ...results(), search: alone }), /OPTIMISTIC/);
  assert.doesNotMatch(tableTwo({ ...results(), search: { ...asha, nested: true } }), /OPTIMISTIC/);
});

test('warns about the optimism of a winner with a caveat, and counts all started trials', () => {
  const [base, parameters] = ['tl-resnet50', { epochs: 3 }];
  const trials = [row('tl-resnet50-001', 0.7, { base }), row('tl-resnet50-002', 0.69, { base, ...PRUNED })];
  const asha = search(
    { algorithm: 'asha', trials },
    { base, parameters, trial: 'tl-resnet50-001', among: 1, corrected: null },
  );
  const { spec } = papersResults();
  const text = terminalReport({ ...results(), spec, search: asha });
  assert.match(text, /^OPTIMISTIC: tl-resnet50 \(random weights\), combined: selected/m);
  assert.match(text, /^tl-resnet50 \(random weights\): .* selected among 2 trials \(1 of them complete\)/m);
});

test('shows the metric, and the folds and epochs of each trial', () => {
  const epochs = (trained: number) => ({ epochs: { trained, planned: 27 } });
  const trials = [row('svm-001', 0.5, epochs(27)), row('svm-002', 0.9, { ...PRUNED, ...epochs(3) })];
  const text = searchTable({ ...results(), search: search({ metric: 'macroF1', trials }) });
  assert.match(text, /^Search \(random, by macro F1\): 2 trials/);
  assert.match(text, /^trial +state +folds +epochs +macro F1 +95 % interval +parameters$/m);
  assert.match(text, /^svm-001 +COMPLETE +10\/10 +27\/27 +50\.00/m);
  assert.match(text, /^svm-002 +PRUNED +1\/10 +3\/27 +90\.00/m);
  assert.doesNotMatch(searchTable({ ...results(), search: search({}) }), /epochs/);
});
