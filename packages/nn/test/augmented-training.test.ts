import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import type { Augmentation } from '../src/augment/augmentation.js';
import type { NetworkSpec } from '../src/models/architecture.js';
import { capsule } from '../src/models/capsule.js';
import { Network } from '../src/network.js';
import { loadTensorFlow } from '../src/tensorflow.js';
import { type FoldExamples, type FoldImages, NetworkTrainer } from '../src/trainer.js';
import type { FitOptions, FitResult } from '../src/training-loop.js';
import { specOf } from './architectures.js';
import { denseSpec, resnet50Spec, smallCnnSpec, twoBranchSpec, withParameters } from './networks.js';
import { coloured, spectrograms } from './spectrograms.js';
import { range, stripes } from './stripes.js';

const tf = loadTensorFlow({ threads: 1 });
const trainer = await NetworkTrainer.load({ threads: 1 });
const data = spectrograms({ count: 40 });
const fold = { train: range(0, 28), test: range(28, 40) };
const pixels = data.height * data.width;

const ALL: Augmentation = {
  ...{ timeShift: 0.2, gain: 6, noise: 0.3, timeMask: 0.2, frequencyMask: 0.2, masks: 2, mixup: 0.4 },
};
const PLAIN = smallCnnSpec({ epochs: 3, batchSize: 8, learningRate: 2e-3, filters: [4, 4, 4], dense: [8] });
const CNN = withParameters(PLAIN, { augment: ALL });
const RESNET = resnet50Spec({ epochs: 1, batchSize: 8, dense: [8], augment: ALL });

const fit = (spec: NetworkSpec = CNN, options: Partial<FitOptions> = {}, of: FoldImages = data) =>
  trainer.fit(of, fold, spec, { seed: 5, keepWeights: true, ...options });
const hex = ({ probabilities }: FitResult) => Buffer.from(probabilities.buffer).toString('hex');
const weightsOf = ({ weights = new Map() }: FitResult) =>
  [...weights].map(([name, { data: values }]) => [name, Buffer.from(values.buffer).toString('hex')]);

after(() => {
  trainer.dispose();
  assert.equal(tf.memory().numTensors, 0);
  assert.equal(tf.node.getNumOfSavedModels(), 0);
});

describe('never trains on a test clip, augmented or not', () => {
  const specs = [CNN, withParameters(CNN, { balance: 'batches' }), RESNET];

  for (const spec of specs) {
    const { kind, balance = '' } = spec.parameters;
    test(`every batch is silent if the training clips are silent and the test clips loud: ${kind} ${balance}`, async (t) => {
      const loudest = { train: 0, test: 0 };
      const { step } = Network.prototype;
      for (const loud of ['train', 'test'] as const) {
        const levels = new Uint8Array(data.labels.length * pixels);
        for (const clip of fold[loud]) levels.fill(200, clip * pixels, (clip + 1) * pixels);
        const seen = new Set<number>();
        const watch = t.mock.method(
          Network.prototype,
          'step',
          function (this: Network, ...[indices, options]: Parameters<typeof step>) {
            for (const index of indices) seen.add(index);
            const changed = this.augmented(indices, options.seed, options.augmentation ?? {});
            for (const value of changed) loudest[loud] = Math.max(loudest[loud], value);
            return step.call(this, indices, options);
          },
        );
        await fit(spec, {}, { ...data, images: coloured(levels) });
        watch.mock.restore();
        assert.ok([...seen].every((index) => fold.train.includes(index)));
      }
      assert.ok(loudest.train > 200, 'the same check finds training clips');
      assert.equal(loudest.test, 0);
    });

    // One architecture is enough, since the layers do not affect which clips a step trains on.
    if (spec === RESNET) continue;
    test(`the trained weights are the same whatever the test clips contain: ${kind} ${balance}`, async () => {
      const whole = await fit(spec);
      const levels = data.levels.slice().fill(17, fold.test[0] * pixels);
      const labels = data.labels.slice().fill(2, fold.test[0]);
      const other = await fit(spec, {}, { ...data, images: coloured(levels), labels });
      assert.deepEqual(weightsOf(other), weightsOf(whole));
      assert.notEqual(other.curve[0].testLoss, whole.curve[0].testLoss, 'the test clips differ');
    });
  }
});

describe('equal keys produce equal bytes', () => {
  for (const balance of ['weights', 'batches'] as const) {
    const spec = withParameters(CNN, { balance });

    test(`with ${balance}, another seed changes the result, and so does each strength`, async () => {
      const first = hex(await fit(spec));
      assert.equal(hex(await fit(spec)), first);
      assert.notEqual(hex(await fit(spec, { seed: 6 })), first);
      for (const name of Object.keys(ALL)) {
        const less = withParameters(spec, { augment: { ...ALL, [name]: name === 'masks' ? 1 : 0.1 } });
        assert.notEqual(hex(await fit(less)), first, name);
      }
      assert.notEqual(hex(await fit(withParameters(spec, { balance: 'none' }))), first);
    });

    test(`with ${balance}, training resumes from any epoch to the same bytes`, async () => {
      const saved: Uint8Array[] = [];
      const whole = await fit(spec, { checkpoint: { save: (bytes) => void saved.push(bytes) } });
      assert.equal(saved.length, 2);
      for (const resume of saved) {
        const rest = await fit(spec, { checkpoint: { resume, save: () => {} } });
        assert.deepEqual(weightsOf(rest), weightsOf(whole));
        assert.equal(hex(rest), hex(whole));
      }
    });
  }

  test('augmentation settings without effect change nothing', async () => {
    const first = hex(await fit(PLAIN));
    const none = { ...Object.fromEntries(Object.keys(ALL).map((name) => [name, 0])) };
    for (const augment of [{}, none]) {
      assert.equal(hex(await fit(withParameters(PLAIN, { augment, balance: 'none' }))), first);
    }
    assert.notEqual(hex(await fit(CNN)), first);
  });
});

test('each training step draws new changes for its images', async (t) => {
  const { step } = Network.prototype;
  const gains: string[] = [];
  t.mock.method(Network.prototype, 'step', function (this: Network, ...[indices, options]: Parameters<typeof step>) {
    gains.push(String(options.augmentation?.gain.data));
    assert.equal(options.augmentation?.gain.data.length, indices.length);
    return step.call(this, indices, options);
  });
  await fit();
  assert.equal(new Set(gains).size, 3 * 4, 'three epochs of four batches');
});

test('balance: weights equals classWeight: balanced if every class has training clips', async () => {
  const balanced = hex(await fit(withParameters(PLAIN, { classWeight: 'balanced' })));
  assert.equal(hex(await fit(withParameters(PLAIN, { balance: 'weights' }))), balanced);
  const batches = hex(await fit(withParameters(PLAIN, { balance: 'batches' })));
  assert.equal(hex(await fit(withParameters(PLAIN, { balance: 'batches', classWeight: 'balanced' }))), batches);
});

test('a network learns from changed images', async () => {
  const augment = { timeShift: 0.5, gain: 3, noise: 0.1, timeMask: 0.2, mixup: 0.2 };
  const { curve } = await fit(
    withParameters(CNN, { epochs: 40, filters: [8, 8, 8], dense: [16], learningRate: 5e-3, augment }),
  );
  assert.ok(curve[39].testAccuracy >= 0.9, JSON.stringify(curve[39]));
});

test('supports only mixup for vectors and for images of unknown colours', async () => {
  await assert.rejects(trainer.fit(stripes(), fold, CNN, { seed: 1 }), {
    code: 'SPEC_INVALID',
    message: /^augment: the images use neither SoX's colours nor grey/,
  });
  const embeddings = new Float32Array(40 * 2048).map((_, i) => Math.sin(i));
  const vectors = { embeddings, labels: data.labels, classCount: data.classCount };
  await assert.rejects(trainer.fit(vectors, fold, RESNET, { seed: 1 }), {
    code: 'SPEC_INVALID',
    message: /^augment: /,
  });
  const mixup = { augment: { mixup: 0.2 } };
  const mixed = await trainer.fit(vectors, fold, withParameters(RESNET, mixup), { seed: 1 });
  assert.notEqual(
    hex(mixed),
    hex(await trainer.fit(vectors, fold, withParameters(RESNET, { augment: {} }), { seed: 1 })),
  );
  await trainer.fit(stripes(), fold, withParameters(PLAIN, { epochs: 1, ...mixup }), { seed: 1 });
});

describe('networks with other inputs and losses train reproducibly on changed examples', () => {
  const images = spectrograms({ count: 40, height: 32, width: 36 });
  const { labels, classCount } = images;
  const vectors = { vectors: Float32Array.from({ length: 40 * 4 }, (_, i) => Math.sin(7.1 * i)), columns: 4 };
  const own = { epochs: 2, batchSize: 8, augment: ALL };
  const cases: [FoldExamples, NetworkSpec][] = [
    [{ ...images, ...vectors }, twoBranchSpec({ ...own, balance: 'batches' })],
    [{ ...vectors, labels, classCount }, denseSpec({ ...own, augment: { mixup: 0.4 }, balance: 'weights' })],
    [images, specOf(capsule, { ...own, filters: 8, capsules: 2, routing: 2 })],
  ];
  for (const [examples, spec] of cases) {
    test(spec.parameters.kind, async () => {
      const options = { seed: 5 };
      const trained = await trainer.fit(examples, fold, spec, options);
      assert.equal(hex(await trainer.fit(examples, fold, spec, options)), hex(trained));
      const plain = withParameters(spec, { augment: undefined });
      assert.notEqual(hex(await trainer.fit(examples, fold, plain, options)), hex(trained));
    });
  }
});
