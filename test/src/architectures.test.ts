import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { NETWORKS, type NetworkDefinition } from '@cryfold/nn/models';
import { cryfold } from './command.js';
import { smallNets } from './small-nets.js';

let nets: Awaited<ReturnType<typeof smallNets>>;
before(async () => {
  nets = await smallNets();
});
after(() => nets.remove());

test('plans every network with an estimate of hours, and refuses images that are too small for a network', async () => {
  const { path, spec, json } = nets;
  const definitions: readonly NetworkDefinition[] = NETWORKS;
  const names = definitions.map(({ kind }) => kind);
  const entries = definitions.map(({ kind, reads, readsVectors }) => {
    const features = reads === 'vectors' ? ', features: voice' : readsVectors ? ', vectors: voice' : '';
    return `  ${kind}: { kind: ${kind}${features} }\n`;
  });
  const features = 'features: { images: { kind: spectrogram }, voice: { kind: mfcc } }';
  const all = await spec('all.yaml', `${features}\nestimators:\n${entries.join('')}`);
  const { estimators } = await json(['plan', all, '--data', path('corpus'), '--store', path('none')]);
  assert.deepEqual(
    estimators.map(({ estimator, hours }: { estimator: string; hours: number }) => [estimator, hours > 0]),
    names.map((name) => [name, true]),
  );
  const small = await spec(
    'small.yaml',
    'features: { kind: spectrogram, height: 20 }\nestimators: { c: { kind: capsule } }\n',
  );
  const { code, stderr } = await cryfold(['plan', small, '--data', path('corpus'), '--store', path('none')]);
  assert.equal(code, 10);
  assert.match(stderr, /SPEC_INVALID.*capsule needs images of at least 25 x 25 pixels, but these have 20 x 90/);
});
