import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { ownStore } from './command.js';
import { smallNets } from './small-nets.js';
import { withoutRedis } from './testbed.js';

let nets: Awaited<ReturnType<typeof smallNets>>;
before(async () => {
  nets = await smallNets();
});
after(() => nets.remove());

test('sweeps a new network, trains it on all clips, and predicts with it', {
  skip: withoutRedis,
}, async () => {
  const { path, spec, json } = nets;
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
