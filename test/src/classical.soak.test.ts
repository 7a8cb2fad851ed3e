import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { readDataset, synthesizeCorpus } from '@cryfold/corpus';
import { decodeResults } from '@cryfold/evaluation';
import { cryfold, ownStore, temporaryFolder } from './command.js';
import { withoutRedis } from './testbed.js';

const KINDS = [
  'logistic-regression',
  'k-nearest-neighbours',
  'random-forest',
  'gradient-boosting',
  'linear-svm',
  'clustering-svm',
];

const SPEC = `
version: 1
name: classical
features: { kind: spectrogram, height: 12, width: 16 }
protocol: { splitter: StratifiedGroupKFold, folds: 2, repeats: 1 }
estimators:
${KINDS.map((kind) => `  ${kind}: { kind: ${kind}${kind.endsWith('g') || kind.endsWith('forest') ? ', trees: 10' : ''} }`).join('\n')}
fusion:
  all: { members: [${KINDS.join(', ')}] }
search:
  algorithm: grid
  metric: balancedAccuracy
  space:
    random-forest: { trees: { choice: [5, 10] } }
    k-nearest-neighbours: { neighbours: { choice: [1, 5] } }
`;

test('sweeps classical estimators, and trains final models that recognize their training clips', {
  skip: withoutRedis,
}, async (t) => {
  const folder = await temporaryFolder();
  t.after(folder.remove);
  const corpus = join(folder.path, 'corpus');
  await synthesizeCorpus(corpus, { clips: 60, seed: 1 });
  await writeFile(join(folder.path, 'spec.yaml'), SPEC);
  const ended = await cryfold(['sweep', join(folder.path, 'spec.yaml'), '--data', corpus, ...ownStore(folder.path)]);
  assert.equal(ended.code, 0, ended.stderr);
  const file = join(folder.path, 'results.json');
  const { status, models } = decodeResults(new Uint8Array(await readFile(file)), file);
  assert.equal(status, 'complete');
  assert.deepEqual(
    models.map(({ name, complete }) => [name.split(':')[0], complete]),
    [...KINDS, 'all'].map((name) => [name, true]),
  );

  const store = ['--store', join(folder.path, 'store')];
  const trained = await cryfold(['train-final', 'latest', '--name', 'all', '--json', ...store]);
  assert.equal(trained.code, 0, trained.stderr);
  const version = `all@${JSON.parse(trained.stdout).card.version}`;
  const predicted = await cryfold(['predict', version, corpus, '--json', ...store]);
  assert.equal(predicted.code, 0, predicted.stderr);
  const labels = new Map((await readDataset(corpus)).clips.map(({ file, label }) => [basename(file), label]));
  const { predictions } = JSON.parse(predicted.stdout) as {
    predictions: { name: string; windows: { label: string; probabilities: Record<string, number> }[] }[];
  };
  assert.equal(predictions.length, 60);
  const right = predictions.filter(({ name, windows }) => windows[0].label === labels.get(basename(name)));
  assert.ok(right.length >= 50, `${right.length} of 60`);
  for (const { windows } of predictions) {
    assert.ok(Math.abs(Object.values(windows[0].probabilities).reduce((sum, one) => sum + one) - 1) < 1e-9);
  }
});
