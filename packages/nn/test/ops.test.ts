import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { z } from 'zod';
import { compileModel } from '../src/compile.js';
import { gradients } from '../src/graph/gradients.js';
import { elementCount, Graph, type Value } from '../src/graph/graph.js';
import { Session } from '../src/graph/session.js';
import type { NetworkDefinition } from '../src/models/definition.js';
import { NETWORKS } from '../src/models/registry.js';
import { add } from '../src/ops/add.js';
import { biasAdd } from '../src/ops/bias-add.js';
import { cast } from '../src/ops/cast.js';
import { concatColumns } from '../src/ops/concat.js';
import { conv2D } from '../src/ops/conv2d.js';
import { depthwiseConv2D } from '../src/ops/depthwise-conv2d.js';
import { dropImages, dropout } from '../src/ops/dropout.js';
import { einsum } from '../src/ops/einsum.js';
import { fusedBatchNorm } from '../src/ops/fused-batch-norm.js';
import { identity } from '../src/ops/identity.js';
import { matMul } from '../src/ops/mat-mul.js';
import { maxPool } from '../src/ops/max-pool.js';
import { spatialMean, vectorMean } from '../src/ops/mean.js';
import { multiply } from '../src/ops/multiply.js';
import { padImage } from '../src/ops/pad.js';
import { reshape } from '../src/ops/reshape.js';
import { scaleChannels } from '../src/ops/scale-channels.js';
import { softmax, sparseSoftmaxCrossEntropy } from '../src/ops/softmax.js';
import { reciprocal, relu, relu6, root, sigmoid } from '../src/ops/unary.js';
import { adam } from '../src/optimizers/adam.js';
import { loadTensorFlow, type Tensor } from '../src/tensorflow.js';
import { uniform } from './generator.js';

const tf = loadTensorFlow({ threads: 1 });

interface Case {
  name: string;
  shapes: number[][];
  build: (...inputs: Value[]) => Value;
  /**
   * The same function in tfjs, whose eager gradient is a second oracle; if absent, gradients are only compared with
   * finite differences.
   */
  eager?: (...inputs: Tensor[]) => Tensor;
}

type Image = Parameters<typeof tf.conv2d<import('@tensorflow/tfjs-node-gpu').Tensor4D>>[0];
type Matrix = import('@tensorflow/tfjs-node-gpu').Tensor2D;

const image = [2, 5, 6, 3];
const channel = [3];

function convolution(stride: number, padding: 'SAME' | 'VALID', kernel: number[]): Case {
  return {
    name: `conv2D stride ${stride} ${padding} ${kernel[0]}x${kernel[1]}`,
    shapes: [image, kernel],
    build: (x, k) => conv2D(x, k, stride, padding),
    eager: (x, k) => tf.conv2d(x as Image, k as Image, stride, padding === 'SAME' ? 'same' : 'valid'),
  };
}

function depthwise(stride: number, size: number): Case {
  return {
    name: `depthwiseConv2D stride ${stride} SAME ${size}x${size}`,
    shapes: [image, [size, size, 3, 1]],
    build: (x, k) => depthwiseConv2D(x, k, stride, 'SAME'),
    eager: (x, k) => tf.depthwiseConv2d(x as Image, k as Image, stride, 'same'),
  };
}

function product(transposeA: boolean, transposeB: boolean): Case {
  return {
    name: `matMul ${transposeA} ${transposeB}`,
    shapes: [transposeA ? [3, 4] : [4, 3], transposeB ? [2, 3] : [3, 2]],
    build: (a, b) => matMul(a, b, transposeA, transposeB),
    eager: (a, b) => tf.matMul(a, b, transposeA, transposeB),
  };
}

const LABELS = [2, 0, 1, 2];
const EPSILON = 1e-3;

const CASES: Case[] = [
  { name: 'add', shapes: [image, image], build: add, eager: (a, b) => tf.add(a, b) },
  { name: 'multiply', shapes: [image, image], build: multiply, eager: (a, b) => tf.mul(a, b) },
  { name: 'identity', shapes: [channel], build: (x) => identity(x, 'same'), eager: (x) => x.clone() },
  { name: 'relu', shapes: [image], build: relu, eager: (x) => tf.relu(x) },
  {
    name: 'relu6',
    shapes: [image],
    // Beyond both kinks
    build: (x) => relu6(multiply(x, x.graph.constant(10))),
    eager: (x) => tf.relu6(tf.mul(x, 10)),
  },
  { name: 'sigmoid', shapes: [image], build: sigmoid, eager: (x) => tf.sigmoid(x) },
  { name: 'root', shapes: [image], build: (x) => root(multiply(x, x)), eager: (x) => tf.abs(x) },
  { name: 'reciprocal', shapes: [[4]], build: (x) => reciprocal(add(x, x.graph.constant(3))) },
  { name: 'softmax', shapes: [[2, 3, 4]], build: softmax, eager: (x) => tf.softmax(x) },
  {
    name: 'scaleChannels',
    shapes: [image, [2, 1, 1, 3]],
    build: scaleChannels,
    eager: (x, scale) => tf.mul(x, scale),
  },
  depthwise(1, 3),
  depthwise(2, 3),
  depthwise(2, 5),
  {
    name: 'einsum of two matrices',
    shapes: [
      [4, 3],
      [3, 2],
    ],
    build: (a, b) => einsum('bi,ij->bj', a, b),
    eager: (a, b) => tf.matMul(a, b),
  },
  {
    name: 'einsum of predictions',
    shapes: [
      [2, 5, 3],
      [5, 2, 3, 4],
    ],
    build: (a, b) => einsum('bid,ijde->bije', a, b),
  },
  { name: 'einsum of a square', shapes: [[2, 3, 4]], build: (x) => einsum('bje,bje->bj', x, x) },
  {
    name: 'einsum of a sum',
    shapes: [[2, 3, 4], [3]],
    build: (a, b) => einsum('bij,i->bj', a, b),
    eager: (a, b) => tf.sum(tf.mul(a, tf.reshape(b, [1, 3, 1])), 1),
  },
  { name: 'dropImages', shapes: [[6, 2, 3, 2]], build: (x) => dropImages(x, 0.4, x.graph.constant([5, 6], 'int32')) },
  { name: 'biasAdd', shapes: [image, channel], build: biasAdd, eager: (x, bias) => tf.add(x, bias) },
  { name: 'reshape', shapes: [image], build: (x) => reshape(x, [null, 90]), eager: (x) => tf.reshape(x, [-1, 90]) },
  {
    name: 'maxPool 2',
    shapes: [image],
    build: (x) => maxPool(x, 2, 2),
    eager: (x) => tf.maxPool(x as Image, 2, 2, 'valid'),
  },
  {
    name: 'maxPool with overlap',
    shapes: [image],
    build: (x) => maxPool(x, 3, 2),
    eager: (x) => tf.maxPool(x as Image, 3, 2, 'valid'),
  },
  {
    name: 'padImage',
    shapes: [image],
    build: (x) => padImage(x, 2),
    eager: (x) =>
      tf.pad(x, [
        [0, 0],
        [2, 2],
        [2, 2],
        [0, 0],
      ]),
  },
  { name: 'spatialMean', shapes: [image], build: spatialMean, eager: (x) => tf.mean(x, [1, 2]) },
  {
    name: 'vectorMean',
    shapes: [[7]],
    build: (x) => reshape(vectorMean(x), [1]),
    eager: (x) => tf.reshape(tf.mean(x), [1]),
  },
  convolution(1, 'SAME', [3, 3, 3, 4]),
  convolution(2, 'SAME', [3, 3, 3, 4]),
  convolution(1, 'VALID', [3, 3, 3, 4]),
  convolution(2, 'VALID', [1, 1, 3, 4]),
  {
    name: 'concatColumns',
    shapes: [
      [4, 3],
      [4, 2],
    ],
    build: concatColumns,
    eager: (a, b) => tf.concat([a, b], 1),
  },
  product(false, false),
  product(true, false),
  product(false, true),
  product(true, true),
  {
    name: 'fusedBatchNorm in training',
    shapes: [image, channel, channel],
    build: (x, scale, offset) => fusedBatchNorm(x, { scale, offset, mean: scale, variance: scale }, EPSILON, true).y,
    eager(x, scale, offset) {
      const { mean, variance } = tf.moments(x, [0, 1, 2]);
      return tf.add(tf.mul(tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, EPSILON))), scale), offset);
    },
  },
  {
    name: 'fusedBatchNorm in inference',
    shapes: [image, channel, channel],
    build(x, scale, offset) {
      const [mean, variance] = [x.graph.constant([0.1, -0.2, 0.3]), x.graph.constant([0.5, 1, 2])];
      return fusedBatchNorm(x, { scale, offset, mean, variance }, EPSILON, false).y;
    },
    eager(x, scale, offset) {
      const centred = tf.sub(x, [0.1, -0.2, 0.3]);
      return tf.add(tf.mul(tf.mul(centred, tf.rsqrt(tf.add([0.5, 1, 2], EPSILON))), scale), offset);
    },
  },
  {
    name: 'sparseSoftmaxCrossEntropy',
    shapes: [[4, 3]],
    build: (x) => sparseSoftmaxCrossEntropy(x, x.graph.constant(LABELS, 'int32')),
    eager: (x) => tf.neg(tf.sum(tf.mul(tf.logSoftmax(x as Matrix), tf.oneHot(LABELS, 3)), 1)),
  },
  { name: 'dropout', shapes: [image], build: (x) => dropout(x, 0.3, x.graph.constant([5, 6], 'int32')) },
  { name: 'cast', shapes: [channel], build: (x) => cast(cast(x, 'bfloat16'), 'float32') },
];

/** Values in [-1, 1) away from 0, so that no finite difference crosses a kink. */
function values(name: string, shape: number[]): Float32Array {
  return Float32Array.from(uniform(name, elementCount(shape)), (u) => (u < 0.5 ? 2 * u - 1.05 : 2 * u - 0.95));
}

const tested = new Set<string>();

describe('gradients equal finite differences and the eager gradients of tfjs', () => {
  for (const { name, shapes, build, eager } of CASES) {
    test(name, async () => {
      const graph = new Graph();
      const inputs = shapes.map((shape, i) => graph.placeholder(`x${i}`, 'float32', shape));
      const y = build(...inputs);
      const weights = graph.placeholder('weights', 'float32', y.shape);
      const loss = vectorMean(reshape(multiply(y, weights), [null]));
      const slopes = gradients(loss, inputs);
      for (const node of graph.nodes) if (node.gradient) tested.add(node.op);
      const named = Object.fromEntries([...inputs, weights].map((value) => [value.node.name, value]));
      const session = await Session.load(tf, graph, {
        forward: { inputs: named, outputs: { y, loss } },
        backward: { inputs: named, outputs: Object.fromEntries(slopes.map((slope, i) => [`x${i}`, slope])) },
      });
      const feeds = shapes.map((shape, i) => ({ data: values(`${name} ${i}`, shape), shape }));
      const outputShape = y.shape.map((size) => size ?? feeds[0].data.length / 90);
      const mix = { data: values('weights', outputShape), shape: outputShape };
      const fed = () => ({ ...Object.fromEntries(feeds.map((feed, i) => [`x${i}`, feed])), weights: mix });
      const analytic = session.run('backward', fed());

      // Casting to bfloat16 rounds values to 8 significant bits, so finite differences need larger steps.
      const step = name === 'cast' ? 0.25 : 1e-2;
      for (const [i, { data }] of feeds.entries()) {
        for (const at of [0, 1, 2, Math.floor(data.length / 2), data.length - 1]) {
          const losses = [step, -step].map((change) => {
            const kept = data[at];
            data[at] += change;
            const result = session.run('forward', fed(), ['loss']).loss[0];
            data[at] = kept;
            return result;
          });
          const difference = (losses[0] - losses[1]) / (2 * step);
          const gap = Math.abs(analytic[`x${i}`][at] - difference);
          assert.ok(gap < (name === 'cast' ? 1e-2 : 1e-3), `x${i}[${at}]: ${analytic[`x${i}`][at]}, not ${difference}`);
        }
      }
      if (eager) {
        const expected = tf.tidy(() => {
          const tensors = feeds.map(({ data, shape }) => tf.tensor(data, shape));
          const weighted = (...xs: Tensor[]) =>
            tf.mean(tf.mul(eager(...xs), tf.tensor(mix.data, mix.shape))).asScalar();
          return tf
            .grads(weighted)(tensors)
            .map((slope) => slope.dataSync());
        });
        for (const [i, slope] of expected.entries()) {
          slope.forEach((value, at) => {
            const gap = Math.abs(analytic[`x${i}`][at] - value);
            assert.ok(gap < 1e-5, `x${i}[${at}]: ${analytic[`x${i}`][at]}, not ${value} as in tfjs`);
          });
        }
      }
      session.dispose();
    });
  }

  test('every op that the models differentiate is covered', () => {
    const size = { height: 60, width: 90, columns: 10 };
    const definitions: readonly NetworkDefinition[] = NETWORKS;
    for (const { kind, parameters, architecture } of definitions) {
      const model = architecture.build(size, 5, z.object(parameters).parse({}));
      for (const precision of ['float32', 'bfloat16', 'float16'] as const) {
        for (const node of compileModel(model, 5, { optimizer: adam(), precision }).graph.nodes) {
          if (node.gradient) assert.ok(tested.has(node.op), `${node.op} of ${kind} has no gradient test`);
        }
      }
    }
  });

  after(() => assert.equal(tf.memory().numTensors, 0));
});

test('reports an op without a gradient', () => {
  const graph = new Graph();
  const x = graph.placeholder('x', 'float32', [3]);
  const root = graph.value(
    'Sqrt',
    { dtype: 'float32', shape: [3] },
    { inputs: [x], attrs: { T: { type: 'float32' } } },
  );
  assert.throws(() => gradients(vectorMean(root), [x]), /Sqrt Sqrt has no gradient/);
  assert.throws(() => gradients(vectorMean(x), [graph.placeholder('y', 'float32', [])]), /does not influence/);
});
