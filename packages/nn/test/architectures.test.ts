import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { File, type Group, ready } from 'h5wasm/node';
import { z } from 'zod';
import { forward, Weights } from '../src/forward.js';
import { Graph } from '../src/graph/graph.js';
import { capsule } from '../src/models/capsule.js';
import { efficientNetB0 } from '../src/models/efficientnet-b0.js';
import { mobileNetV2 } from '../src/models/mobilenet-v2.js';
import { NETWORKS, type NetworkDefinition } from '../src/models/registry.js';
import { resnet18 } from '../src/models/resnet18.js';
import { loadOwnModel } from '../src/own-model.js';
import { withTemporaryFolder } from '../src/temporary-folder.js';
import { backboneWeights, encodeTrainedModel, loadTrainedModel } from '../src/trained-model.js';
import { NetworkTrainer } from '../src/trainer.js';
import { specOf, waves, wavesFold, waveTests } from './architectures.js';
import { fold, stripes } from './stripes.js';

const trainer = await NetworkTrainer.load({ threads: 1 });
after(() => trainer.dispose());

const CLASSES = ['low', 'middle', 'high'];

function assertClose(actual: Float32Array, expected: Float32Array) {
  assert.equal(actual.length, expected.length);
  for (const [i, value] of expected.entries()) assert.ok(Math.abs(actual[i] - value) <= 1e-5, `${actual} ${expected}`);
}

const bytesOf = (files: Map<string, Uint8Array>, name: string) => files.get(name) ?? assert.fail(`no ${name}`);

test('a trained mobilenet-v2 predicts the same after loading', async () => {
  const network = specOf(mobileNetV2, { dense: [8] });
  const { probabilities, weights } = await trainer.fit(waves, wavesFold, network, { seed: 5, keepWeights: true });
  assert.ok(weights);
  const files = await encodeTrainedModel({ network, input: waves, classes: CLASSES, weights });
  const loaded = await loadTrainedModel(bytesOf(files, 'model.json'), bytesOf(files, 'weights.bin'));
  assertClose(loaded.predict(waveTests), probabilities);
  loaded.dispose();
});

test("a weights file has biases where Keras's layers have them", async () => {
  await ready;
  const layers = { [efficientNetB0.kind]: 'stem_conv', [resnet18.kind]: 'conv1_conv' };
  for (const definition of [efficientNetB0, resnet18]) {
    const weights = backboneWeights(definition.architecture, 1);
    const network = specOf(definition, { dense: [8] });
    const files = await encodeTrainedModel({ network, input: waves, classes: CLASSES, weights });
    await withTemporaryFolder('weights', async (folder) => {
      const path = join(folder, 'weights.h5');
      await writeFile(path, bytesOf(files, 'weights.h5'));
      const file = new File(path, 'r');
      const group = file.get(layers[definition.kind]) as Group;
      const names = group.attrs.weight_names.value;
      file.close();
      const kernel = `${layers[definition.kind]}/kernel:0`;
      assert.deepEqual(names, definition === resnet18 ? [kernel, 'conv1_conv/bias:0'] : [kernel]);
    });
  }
});

test('a capsule network learns to classify stripes, and predicts the same after loading', async () => {
  const data = stripes();
  const network = specOf(capsule, { epochs: 16, filters: 16, capsules: 2 });
  const { curve, probabilities, weights } = await trainer.fit(data, fold, network, { seed: 1, keepWeights: true });
  const last = curve.at(-1);
  assert.ok(last && last.testAccuracy >= 0.9, JSON.stringify(curve));
  assert.ok(weights);
  const files = await encodeTrainedModel({ network, input: data, classes: CLASSES, weights });
  // Buffers, as when read from files.
  const [json, bytes] = ['model.json', 'weights.bin'].map((name) => Buffer.from(bytesOf(files, name)));
  const own = { architecture: capsule.architecture, parameters: z.object(capsule.parameters) };
  const loaded = await loadOwnModel(json, bytes, own);
  assertClose(loaded.predict(data.images.subarray(fold.test[0] * data.height * data.width * 3)), probabilities);
  loaded.dispose();
  const corrupt = { code: 'ARTIFACT_CORRUPT' };
  await assert.rejects(loadOwnModel(json, bytes.subarray(4), own), corrupt);
  await assert.rejects(loadOwnModel(json.subarray(4), bytes, own), corrupt);
  const model = JSON.parse(json.toString());
  // The schema of a spec would reject this number. A billion iterations would take forever.
  model.userDefinedMetadata.estimator.routing = 11;
  await assert.rejects(loadOwnModel(Buffer.from(JSON.stringify(model)), bytes, own), corrupt);
});

test('every backbone has as many features as its definition states', () => {
  const definitions: readonly NetworkDefinition[] = NETWORKS;
  for (const { kind, architecture } of definitions) {
    const { backbone } = architecture;
    if (!backbone) continue;
    const layers = backbone.features();
    const graph = new Graph();
    const input = graph.placeholder('input', 'float32', [null, 64, 64, 3]);
    const { output } = forward(layers, input, new Weights(graph, () => false), {
      training: false,
      precision: 'float32',
    });
    assert.deepEqual(output.shape, [null, backbone.length], kind);
  }
});
