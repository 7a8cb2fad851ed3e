import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { synthesizeCorpus } from '@cryfold/corpus';
import { cryfold, ownStore, temporaryFolder } from './command.js';
import { withoutRedis } from './testbed.js';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
const path = (name: string) => join(folder.path, name);

before(async () => {
  folder = await temporaryFolder();
  await synthesizeCorpus(path('corpus'), { clips: 30, seed: 2 });
});
after(() => folder.remove());

async function spec(name: string, text: string): Promise<string> {
  await writeFile(path(name), `version: 1\nname: nets\nprotocol: { folds: 2, repeats: 1 }\n${text}`);
  return path(name);
}

async function json(args: string[]) {
  const { code, stdout, stderr } = await cryfold([...args, '--json'], { CRYFOLD_CACHE: path('cache') });
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout);
}

test('a new network is swept, trained on all clips, and predicts', {
  skip: withoutRedis,
}, async () => {
  const file = await spec(
    'sweep.yaml',
    `features: { kind: spectrogram, height: 32, width: 40 }
estimators:
  capsule: { kind: capsule, epochs: 1, filters: 4, capsules: 1 }
search: { algorithm: grid, space: { capsule: { routing: { choice: [1, 2] } } } }
`,
  );
  const out = path('out');
  const args = ['--data', path('corpus'), ...ownStore(out), '--workers', '1', '--yes'];
  const { run, models, search } = await json(['sweep', file, ...args]);
  assert.deepEqual(
    models.map(({ name, complete }: { name: string; complete: boolean }) => [name, complete]),
    [['capsule', true]],
  );
  assert.equal(search.trials.length, 2);
  const { card } = await json(['train-final', run.id, '--of', 'capsule', '--store', path('out/store')]);
  const recordings = await readdir(path('corpus'), { recursive: true });
  const recording = path(`corpus/${recordings.find((name) => name.endsWith('.wav'))}`);
  const { predictions } = await json(['predict', path(`out/store/models/${card.name}/${card.version}`), recording]);
  const probabilities: number[] = Object.values(predictions[0].windows[0].probabilities);
  const sum = probabilities.reduce((total, p) => total + p, 0);
  assert.ok(Math.abs(sum - 1) < 1e-5, `${probabilities}`);
});
