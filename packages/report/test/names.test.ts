import assert from 'node:assert/strict';
import { test } from 'node:test';
import { csvReport, htmlReport, markdownReport, pooledTable, protocolTable, terminalReport } from '../src/index.js';
import { displayName, named, namedTrials } from '../src/names.js';
import { papersResults } from './results.js';

/** Finds all names of the network in a text. */
const names = (text: string) => new Set(text.match(/tl-resnet50(?: \([^)]*\))?/g));
const only = new Set(['tl-resnet50 (random weights)']);

test('states in all tables and reports that the weights are random', async () => {
  const run = papersResults();
  run.status = 'incomplete';
  run.missing = [{ model: 'tl-resnet50', repeat: 0, fold: 0, code: null, reason: 'lost' }];
  run.baselines.shuffled = [{ model: 'tl-resnet50', folds: [], accuracy: null }];
  assert.deepEqual(names(terminalReport(run)), only);
  assert.deepEqual(names(protocolTable([run, run])), only);
  assert.deepEqual(names(pooledTable(run)), only);
  assert.deepEqual(names(markdownReport(run).replaceAll('\\', '')), only);
  const page = await htmlReport({
    results: run,
    beside: [run],
    curves: { 'tl-resnet50': [[{ epoch: 0, loss: 1, accuracy: 0.5, testLoss: 1, testAccuracy: 0.4, seconds: 1 }]] },
    foldTimes: [{ trial: 'tl-resnet50', repeat: 0, fold: 0, host: 'a', started: 0, seconds: 2 }],
  });
  // Excludes the spec, which is shown as stored, and the axes of charts, which wrap names.
  const [body] = page.replace(/<pre[\s\S]*?<\/pre>/, '').split('<footer>');
  assert.deepEqual(names(body.replace(/<svg[\s\S]*?<\/svg>/g, '')), only);
  assert.match(csvReport(run), /^tl-resnet50,0,0,/m, 'data keep the name of the spec');
});

test('uses display names for the members of a fusion, too', () => {
  const shown = named(papersResults());
  assert.deepEqual(shown.models.at(-1)?.members, ['tl-resnet50 (random weights)', 'svm']);
  assert.match(terminalReport(papersResults()), /combined is .* its best member, /);
  assert.deepEqual(named(shown), shown);
});

test('keeps a plain name if there is no caveat, or if the spec entry is missing or invalid', () => {
  const run = papersResults();
  assert.equal(displayName(run, 'svm'), 'svm');
  assert.equal(displayName(run, 'combined'), 'combined');
  assert.equal(displayName({ spec: {} }, 'tl-resnet50'), 'tl-resnet50');
  const estimators = { net: { kind: 'of-tomorrow' }, old: { kind: 'tl-resnet50', gone: 1 } };
  for (const name of ['net', 'old', 'constructor']) assert.equal(displayName({ spec: { estimators } }, name), name);
});

test('adds a caveat to each trial of a sweep based on its own parameters', () => {
  const { spec } = papersResults();
  const row = (trial: string, base: string, parameters: Record<string, unknown>) => ({
    ...{ trial, base, parameters, state: 'COMPLETE' as const, reason: '', folds: 5, planned: 5 },
    ...{ mean: 0.9, standardDeviation: 0, low: 0.8, high: 1 },
  });
  const rows = [
    row('tl-resnet50-001', 'tl-resnet50', {}),
    row('tl-resnet50-002', 'tl-resnet50', { weights: 'store:x#sha256=x' }),
    row('svm-001', 'svm', { C: 1 }),
  ];
  const shown = namedTrials(spec, rows).map(({ trial }) => trial);
  assert.deepEqual(shown, ['tl-resnet50-001 (random weights)', 'tl-resnet50-002', 'svm-001']);
});
