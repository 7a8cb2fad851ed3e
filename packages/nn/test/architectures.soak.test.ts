import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { NETWORKS, type NetworkDefinition } from '../src/models/registry.js';
import { encodeTrainedModel } from '../src/trained-model.js';
import { NetworkTrainer } from '../src/trainer.js';
import { specOf, waves, wavesFold, waveTests } from './architectures.js';
import { predictInTfjs } from './plain-tfjs.js';

const trainer = await NetworkTrainer.load({ threads: 1 });
after(() => trainer.dispose());

const definitions: readonly NetworkDefinition[] = NETWORKS;
// trained-model.test.ts contains the same test for networks that read vectors.
const ofImages = definitions.filter(({ reads, readsVectors }) => reads !== 'vectors' && !readsVectors);
for (const definition of ofImages.filter(({ architecture }) => !architecture.ownLayers)) {
  test(`a trained ${definition.kind} predicts the same probabilities in plain TF.js`, async () => {
    const network = specOf(definition, { dense: [8] });
    const { probabilities, weights } = await trainer.fit(waves, wavesFold, network, { seed: 5, keepWeights: true });
    assert.ok(weights);
    const files = await encodeTrainedModel({ network, input: waves, classes: ['a', 'b', 'c'], weights });
    const predicted = await predictInTfjs(files, waveTests, [wavesFold.test.length, waves.height, waves.width, 3]);
    assert.equal(predicted.length, probabilities.length);
    const worst = Math.max(...predicted.map((value, i) => Math.abs(value - probabilities[i])));
    assert.ok(worst <= 1e-5, `off by ${worst}`);
  });
}
