import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { decodeSafetensors, encodeSafetensors } from '../src/safetensors.js';
import { loadTensorFlow } from '../src/tensorflow.js';
import { NetworkTrainer } from '../src/trainer.js';
import type { FitResult } from '../src/training-loop.js';
import { resnet50Spec, smallCnnSpec, withParameters } from './networks.js';
import { fold, range, stripes } from './stripes.js';

const tf = loadTensorFlow({ threads: 1 });
const trainer = await NetworkTrainer.load({ threads: 1 });
const data = stripes();

const CNN = smallCnnSpec({
  epochs: 2,
  batchSize: 16,
  learningRate: 2e-3,
  filters: [4, 8, 8],
  dense: [16],
});
const RESNET = resnet50Spec({
  epochs: 1,
  batchSize: 16,
  learningRate: 1e-4,
  weights: 'random',
  dropout: 0.25,
  dense: [16],
});

const hex = ({ probabilities }: FitResult) => Buffer.from(probabilities.buffer).toString('hex');
const file = (path: string) => JSON.stringify(new URL(path, import.meta.url).href);

after(() => {
  trainer.dispose();
  assert.equal(tf.memory().numTensors, 0);
  assert.equal(tf.node.getNumOfSavedModels(), 0);
});

test('the Small CNN learns to classify stripes, reports progress, and does not block the event loop', async () => {
  const epochs: number[] = [];
  const steps: string[] = [];
  let ticks = 0;
  const timer = setInterval(() => ticks++, 0);
  const { probabilities, curve } = await trainer.fit(data, fold, withParameters(CNN, { epochs: 12 }), {
    seed: 1,
    onEpoch: ({ epoch }) => epochs.push(epoch),
    onStep: (done, total) => steps.push(`${done}/${total}`),
  });
  clearInterval(timer);
  assert.equal(probabilities.length, 16 * 3);
  for (let row = 0; row < 16; row++) {
    const sum = probabilities.subarray(3 * row, 3 * row + 3).reduce((total, p) => total + p, 0);
    assert.ok(Math.abs(sum - 1) < 1e-6);
  }
  const [first, last] = [curve[0], curve[11]];
  assert.ok(last.testAccuracy >= 0.9 && last.accuracy >= 0.9, JSON.stringify(last));
  assert.ok(last.testLoss < first.testLoss && last.loss < first.loss);
  const hits = [...fold.test].filter((clip, i) => {
    const row = [...probabilities.subarray(3 * i, 3 * i + 3)];
    return row.indexOf(Math.max(...row)) === data.labels[clip];
  });
  assert.equal(last.testAccuracy, hits.length / 16);
  assert.deepEqual(epochs, [...range(1, 13)]);
  assert.deepEqual(
    steps,
    [...range(1, 37)].map((step) => `${step}/36`),
  );
  assert.ok(ticks > 6, `timers ran only ${ticks} times during training`);
});

describe('equal seeds produce equal bytes', () => {
  for (const spec of [CNN, RESNET]) {
    test(spec.parameters.kind, async () => {
      const short = { train: range(0, 24), test: range(45, 61) };
      const fit = async (seed: number, part = short) => hex(await trainer.fit(data, part, spec, { seed }));
      const first = await fit(5);
      const tensors = tf.memory().numTensors;
      assert.notEqual(await fit(5, { train: range(21, 45), test: range(45, 61) }), first, 'another fold');
      assert.notEqual(await fit(6), first, 'another seed');
      assert.equal(await fit(5), first, 'after other folds');
      assert.equal(tf.memory().numTensors, tensors);
      const script = `import { NetworkTrainer } from ${file('../src/trainer.js')};
        import { range, stripes } from ${file('./stripes.js')};
        import { resnet50Spec, smallCnnSpec } from ${file('./networks.js')};
        const trainer = await NetworkTrainer.load({ threads: 1 });
        const { probabilities } = await trainer.fit(
          stripes(), { train: range(0, 24), test: range(45, 61) }, ${spec === CNN ? 'smallCnnSpec' : 'resnet50Spec'}(${JSON.stringify(spec.parameters)}), { seed: 5 });
        console.log(Buffer.from(probabilities.buffer).toString('hex'));`;
      const child = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]);
      assert.equal(child.stdout.trim(), first, 'another process');
    });
  }
});

test('a non-finite loss stops the fold, and the error reports where it occurred', async () => {
  await assert.rejects(trainer.fit(data, fold, withParameters(CNN, { learningRate: 1e30 }), { seed: 1 }), (error) => {
    const { code, failure, context } = error as { code: string; failure: string; context: object };
    assert.deepEqual([code, failure], ['NN_LOSS_NOT_FINITE', 'input']);
    assert.deepEqual(context, { estimator: 'small-cnn', epoch: 1, step: 2 });
    return true;
  });
  // After the failure, the same session can still train another fold.
  const { curve } = await trainer.fit(data, fold, CNN, { seed: 1 });
  assert.ok(Number.isFinite(curve[1].testLoss));
});

test('training in float16 works, and gradients that overflow at every loss scale stop the fold', async () => {
  const parameters = withParameters(CNN, { precision: 'float16', epochs: 12 });
  const saved: Uint8Array[] = [];
  const checkpoint = { save: (bytes: Uint8Array) => void saved.push(bytes) };
  const { curve } = await trainer.fit(data, fold, parameters, { seed: 1, checkpoint });
  assert.ok(curve[11].testAccuracy >= 0.9, JSON.stringify(curve[11]));
  // The loss scale after it was halved 26 times in a row.
  const { tensors, metadata } = decodeSafetensors(saved[0], 'saved');
  const halved = new Map(tensors).set('optimizer/scale/exponent', { shape: [], data: Float32Array.of(-26) });
  const resume = encodeSafetensors({ tensors: halved, metadata });
  await assert.rejects(trainer.fit(data, fold, parameters, { seed: 1, checkpoint: { ...checkpoint, resume } }), {
    code: 'NN_LOSS_NOT_FINITE',
    message: /overflow float16 at any loss scale in epoch 2, step 4/,
  });
});

test('reports missing or unsuitable weights with an error code', async () => {
  const pretrained = withParameters(RESNET, { weights: 'resnet50.h5' });
  await assert.rejects(trainer.fit(data, fold, pretrained, { seed: 1 }), { code: 'WEIGHTS_NOT_FOUND' });
  const weights = new Map([['conv1_conv/kernel', { shape: [3, 3, 3, 64], data: new Float32Array(1728) }]]);
  await assert.rejects(trainer.fit(data, fold, pretrained, { seed: 1, weights }), {
    code: 'WEIGHTS_INVALID',
    message: /conv1_conv\/kernel has shape \[3,3,3,64\], but the model needs \[7,7,3,64\]/,
  });
});

test('a trainer keeps two graphs and closes the sessions of older ones', async () => {
  for (const dense of [[5], [6], [7]])
    await trainer.fit(data, fold, withParameters(CNN, { epochs: 1, dense }), { seed: 1 });
  const one = tf.node.getNumOfSavedModels();
  await trainer.fit(data, fold, withParameters(CNN, { epochs: 1, dense: [8] }), { seed: 1 });
  assert.equal(tf.node.getNumOfSavedModels(), one);
});

describe('checkpoints', () => {
  test('training resumes from any checkpoint to the same bytes', async () => {
    const parameters = withParameters(CNN, { epochs: 4, optimizer: 'adamw', classWeight: 'balanced' });
    const saved: Uint8Array[] = [];
    const whole = await trainer.fit(data, fold, parameters, {
      seed: 3,
      checkpoint: { save: (bytes) => void saved.push(bytes) },
    });
    assert.equal(saved.length, 3);
    for (const [index, resume] of saved.entries()) {
      const steps: number[] = [];
      const rest = await trainer.fit(data, fold, parameters, {
        seed: 3,
        checkpoint: { resume, save: () => {} },
        onStep: (done) => steps.push(done),
      });
      assert.equal(hex(rest), hex(whole));
      assert.deepEqual(steps, [...range(3 * (index + 1) + 1, 13)]);
      const losses = ({ curve }: FitResult) => curve.map(({ loss, testLoss }) => [loss, testLoss]);
      assert.deepEqual(losses(rest), losses(whole));
    }
  });

  test('rejects a checkpoint that is damaged or belongs to another network', async () => {
    const saved: Uint8Array[] = [];
    const save = (bytes: Uint8Array) => void saved.push(bytes);
    await trainer.fit(data, fold, CNN, { seed: 3, checkpoint: { save } });
    const other = withParameters(CNN, { dense: [9] });
    for (const resume of [saved[0].subarray(0, 999), saved[0].subarray(0, saved[0].length - 4), new Uint8Array(9)]) {
      await assert.rejects(trainer.fit(data, fold, CNN, { seed: 3, checkpoint: { resume, save } }), {
        code: 'CHECKPOINT_DAMAGED',
      });
    }
    await assert.rejects(trainer.fit(data, fold, other, { seed: 3, checkpoint: { resume: saved[0], save } }), {
      code: 'CHECKPOINT_DAMAGED',
      message: /dense\/kernel/,
    });
  });
});

test('a frozen backbone gives the same results on cached embeddings as on images', async () => {
  const parameters = withParameters(RESNET, { dropout: 0, backbone: 'frozen' });
  const slow = await trainer.fit(data, fold, parameters, { seed: 4 });
  const embeddings = await trainer.embed(data, parameters, { seed: 4 });
  const { labels, classCount } = data;
  const fast = await trainer.fit({ embeddings, labels, classCount }, fold, parameters, { seed: 4 });
  for (const [i, p] of slow.probabilities.entries()) assert.ok(Math.abs(p - fast.probabilities[i]) < 1e-4);
  await assert.rejects(trainer.fit({ embeddings, labels, classCount }, fold, CNN, { seed: 4 }), {
    code: 'SPEC_INVALID',
  });
  await assert.rejects(trainer.fit(data, fold, withParameters(RESNET, { backbone: { from: 'conv9' } }), { seed: 4 }), {
    code: 'SPEC_INVALID',
    message: /no layer conv9/,
  });
});
