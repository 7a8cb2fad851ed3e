import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { CryfoldError, Random, sha256 } from '@cryfold/core';
import { File, ready } from 'h5wasm/node';
import { loadKerasWeights } from '../src/weights.js';
import { type H5Weights, writeKerasFile } from './h5.js';

const GOLDENS = new URL('../../test/goldens/', import.meta.url);
const PUBLISHED = 'resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5';

const random = new Random(1);
const array = (...shape: number[]) => ({
  shape,
  data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.uniform(-1, 1)),
});

const STORED: H5Weights = {
  'conv1_conv/kernel': array(7, 7, 3, 4),
  'conv1_conv/bias': array(4),
  'conv1_bn/gamma': array(4),
  'conv1_bn/beta': array(4),
  'conv1_bn/moving_mean': array(4),
  'conv1_bn/moving_variance': array(4),
  'conv2_block1_1_conv/kernel': array(1, 1, 4, 2),
  'conv2_block1_1_conv/bias': array(2),
  'conv2_block1_1_bn/moving_mean': array(2),
  'predictions/kernel': array(2, 5),
  'predictions/bias': array(5),
};

/** The weights that a model expects if it has neither convolution biases nor a top. */
const EXPECTED = new Map(
  Object.entries(STORED)
    .filter(([name]) => !name.endsWith('/bias') && !name.startsWith('predictions'))
    .map(([name, { shape }]) => [name, shape]),
);

let directory: string;
let whole: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'cryfold-weights-'));
  whole = join(directory, 'whole.h5');
  await writeKerasFile(whole, STORED);
});
after(() => rm(directory, { recursive: true }));

/** A file with some weights replaced or, if undefined, left out. */
async function variant(name: string, changes: Record<string, H5Weights[string] | undefined>): Promise<string> {
  const path = join(directory, name);
  const weights = Object.entries({ ...STORED, ...changes }).filter((entry) => entry[1] !== undefined);
  await writeKerasFile(path, Object.fromEntries(weights) as H5Weights);
  return path;
}

const rejects = (promise: Promise<unknown>, code: string, message: RegExp) =>
  assert.rejects(promise, (error) => {
    assert.ok(error instanceof CryfoldError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    assert.ok(error.hint);
    return true;
  });

test('reads the expected weights by layer and weight name, and folds biases into the moving means', async () => {
  const weights = await loadKerasWeights(whole, EXPECTED);
  assert.deepEqual([...weights.keys()], [...EXPECTED.keys()]);
  for (const [name, { shape, data }] of weights) {
    assert.deepEqual(shape, STORED[name].shape);
    const bias = name.endsWith('/moving_mean') ? STORED[name.replace('bn/moving_mean', 'conv/bias')].data : undefined;
    assert.deepEqual(data, bias ? STORED[name].data.map((mean, i) => mean - bias[i]) : STORED[name].data, name);
  }
});

test('keeps the biases of a model that has them', async () => {
  const all = new Map(Object.entries(STORED).map(([name, { shape }]) => [name, shape]));
  for (const [name, { data }] of await loadKerasWeights(whole, all)) assert.deepEqual(data, STORED[name].data, name);
});

test("with a file that Keras wrote, convolution and folded normalization produce Keras's output", async () => {
  const golden = JSON.parse(await readFile(new URL('keras-weights.json', GOLDENS), 'utf8'));
  const expected = new Map([
    ['conv1_conv/kernel', [2, 2, 2, 3]],
    ...['gamma', 'beta', 'moving_mean', 'moving_variance'].map((name): [string, number[]] => [`conv1_bn/${name}`, [3]]),
  ]);
  const weights = await loadKerasWeights(fileURLToPath(new URL('keras-weights.h5', GOLDENS)), expected);
  const [kernel, gamma, beta, mean, variance] = [...weights.values()].map(({ data }) => data);
  const output: number[] = [];
  for (let row = 0; row < 2; row++) {
    for (let column = 0; column < 3; column++) {
      for (let f = 0; f < 3; f++) {
        let sum = 0;
        for (const [dy, dx, channel] of [0, 1, 2, 3, 4, 5, 6, 7].map((i) => [i >> 2, (i >> 1) & 1, i & 1])) {
          const pixel = golden.input[((row + dy) * 4 + column + dx) * 2 + channel];
          sum += pixel * kernel[((dy * 2 + dx) * 2 + channel) * 3 + f];
        }
        output.push(Math.max(0, (gamma[f] * (sum - mean[f])) / Math.sqrt(variance[f] + 1.001e-5) + beta[f]));
      }
    }
  }
  assert.equal(output.length, golden.output.length);
  for (const [i, value] of output.entries()) assert.ok(Math.abs(value - golden.output[i]) < 2e-6, `${i}: ${value}`);
});

test('reads files of Keras 3’s `save`, where a depthwise kernel is named kernel', async () => {
  const expected = new Map([
    ['block_1_depthwise/depthwise_kernel', [3, 3, 2, 1]],
    ['block_1_project/kernel', [1, 1, 2, 3]],
  ]);
  const saved = fileURLToPath(new URL('keras-saved.h5', GOLDENS));
  const weights = await loadKerasWeights(saved, expected);
  for (const [name, { data }] of weights) {
    assert.deepEqual(
      [...data],
      [...data].map((_, i) => i),
      name,
    );
  }
});

test('rejects weights of a larger network that has all expected layers', async () => {
  const between = Object.entries(STORED).flatMap(([name, value]) =>
    name === 'conv2_block1_1_conv/kernel'
      ? [['conv1_block9_conv/kernel', array(1)] as const, [name, value] as const]
      : [[name, value] as const],
  );
  const larger = join(directory, 'larger.h5');
  await writeKerasFile(larger, Object.fromEntries(between));
  await rejects(
    loadKerasWeights(larger, EXPECTED),
    'WEIGHTS_INVALID',
    /layer conv1_block9_conv is not a layer of this network/,
  );
});

test('reports weights that are missing or do not fit', async () => {
  await rejects(loadKerasWeights(join(directory, 'none.h5'), EXPECTED), 'WEIGHTS_NOT_FOUND', /none\.h5: no such file/);
  await rejects(loadKerasWeights(directory, EXPECTED), 'WEIGHTS_NOT_FOUND', /cannot be read \(it is a directory/);
  const layerless = await variant('layerless.h5', { 'conv1_bn/gamma': undefined });
  await rejects(
    loadKerasWeights(layerless, EXPECTED),
    'WEIGHTS_INVALID',
    /layerless\.h5: it has no weight conv1_bn\/gamma/,
  );
  const narrow = await variant('narrow.h5', { 'conv1_conv/kernel': array(7, 7, 1, 4) });
  await rejects(
    loadKerasWeights(narrow, EXPECTED),
    'WEIGHTS_INVALID',
    /conv1_conv\/kernel has shape \[7,7,1,4\], .* \[7,7,3,4\]/,
  );
  const homeless = await variant('homeless.h5', { 'conv1_conv/bias': array(3) });
  await rejects(
    loadKerasWeights(homeless, EXPECTED),
    'WEIGHTS_INVALID',
    /there is no moving mean to absorb the bias conv1_conv\/bias/,
  );
  const hot = await variant('hot.h5', { 'conv1_bn/beta': { shape: [4], data: Float32Array.of(0, Number.NaN, 0, 0) } });
  await rejects(loadKerasWeights(hot, EXPECTED), 'WEIGHTS_INVALID', /conv1_bn\/beta contains NaN/);
});

test('reports violations of the layout of a weights file', async () => {
  await ready;
  const path = join(directory, 'layout.h5');
  const attempt = async (fill: (file: File) => void, message: RegExp) => {
    const file = new File(path, 'w');
    fill(file);
    file.close();
    await rejects(loadKerasWeights(path, EXPECTED), 'WEIGHTS_INVALID', message);
  };
  await attempt((file) => file.create_group('conv1_conv'), /layer conv1_conv has no list of weight_names/);
  await attempt(
    (file) => file.create_group('conv1_conv').create_attribute('weight_names', ['conv1_conv/kernel:0']),
    /lists conv1_conv\/kernel:0 but does not contain it/,
  );
  await attempt((file) => {
    const group = file.create_group('conv1_conv');
    group.create_attribute('weight_names', ['kernel:0']);
    group.create_dataset({ name: 'kernel:0', data: new Float64Array(4), shape: [4], dtype: '<d' });
  }, /conv1_conv\/kernel:0 is not an array of float32/);
});

test('checks md5 and sha256, and recognises the file published by keras.applications', async () => {
  const hash = sha256(await readFile(whole));
  await loadKerasWeights(whole, EXPECTED, { hash: hash.toUpperCase() });
  const other = '0'.repeat(64);
  await rejects(
    loadKerasWeights(whole, EXPECTED, { hash: other }),
    'WEIGHTS_INVALID',
    new RegExp(`${hash}, not ${other}`),
  );
  await rejects(
    loadKerasWeights(whole, EXPECTED, { hash: other.slice(32) }),
    'WEIGHTS_INVALID',
    /its hash is [0-9a-f]{32}, not/,
  );
  const impostor = await variant(PUBLISHED, {});
  await rejects(loadKerasWeights(impostor, EXPECTED), 'WEIGHTS_INVALID', /not 4d473c1dd8becc155b73f8504c6f6626/);
});

test('rejects or reads a truncated or changed file, never crashes, and leaves the next file unaffected', async () => {
  const bytes = await readFile(whole);
  const path = join(directory, 'changed.h5');
  for (const length of [0, 7, 100, bytes.length >> 1, bytes.length - 1]) {
    await writeFile(path, bytes.subarray(0, length));
    await rejects(loadKerasWeights(path, EXPECTED), 'WEIGHTS_INVALID', /changed\.h5: it is not a complete HDF5 file/);
  }
  await writeFile(path, '<html>404 Not Found</html>'.repeat(500));
  await rejects(loadKerasWeights(path, EXPECTED), 'WEIGHTS_INVALID', /not a complete HDF5 file/);
  const read = async (changed: Buffer) => {
    await writeFile(path, changed);
    try {
      await loadKerasWeights(path, EXPECTED);
    } catch (error) {
      assert.equal((error as CryfoldError).code, 'WEIGHTS_INVALID', String(error));
    }
  };
  const grown = await growth(async () => {
    for (let round = 0; round < 8; round++) {
      const changed = Buffer.from(bytes);
      for (let i = 0; i < 30; i++) changed[random.below(i < 10 ? 2048 : bytes.length)] = random.below(256);
      await read(changed);
    }
    // Sets 4 or 8 bytes to the largest value that a length or offset can have.
    for (let round = 0; round < 8; round++) {
      const changed = Buffer.from(bytes);
      const at = random.below(2048);
      changed.fill(0xff, at, at + (round % 2 === 0 ? 3 : 7)).writeUInt8(0x7f, at + (round % 2 === 0 ? 3 : 7));
      await read(changed);
    }
  });
  assert.ok(grown < 400, `${grown.toFixed(0)} MiB`);
  const weights = await loadKerasWeights(whole, EXPECTED);
  assert.deepEqual(weights.get('conv1_conv/kernel')?.data, STORED['conv1_conv/kernel'].data);
});

test('rejects a device, a named pipe and a file above 256 MiB as weights', async () => {
  await rejects(loadKerasWeights('/dev/zero', EXPECTED), 'WEIGHTS_NOT_FOUND', /\/dev\/zero: .*it is a device/);
  const pipe = join(directory, 'pipe.h5');
  execFileSync('mkfifo', [pipe]);
  await rejects(loadKerasWeights(pipe, EXPECTED), 'WEIGHTS_NOT_FOUND', /pipe\.h5: .*it is a named pipe/);
  const sparse = join(directory, 'sparse.h5');
  await writeFile(sparse, '');
  await truncate(sparse, 2 ** 28 + 1);
  await rejects(loadKerasWeights(sparse, EXPECTED), 'WEIGHTS_INVALID', /sparse\.h5: it is larger than 256 MiB/);
});

/** Returns the maximum growth of this process's resident memory during an action, in MiB. */
async function growth(action: () => Promise<unknown>): Promise<number> {
  const before = process.memoryUsage.rss();
  let peak = before;
  const look = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss());
  }, 5);
  await action().finally(() => clearInterval(look));
  return (Math.max(peak, process.memoryUsage.rss()) - before) / 2 ** 20;
}

/** Writes an HDF5 file whose content `fill` creates, for tests with crafted files. */
async function craft(name: string, fill: (file: File) => void): Promise<string> {
  await ready;
  const path = join(directory, name);
  const file = new File(path, 'w');
  fill(file);
  file.close();
  return path;
}

test('rejects a small weights file that declares gigabytes, and does not allocate them', async () => {
  const layers = Array.from({ length: 10 }, (_, i) => `layer${i}`);
  const small = new Map(layers.map((layer) => [`${layer}/kernel`, [4]]));
  const dataset = (file: File, layer: string, chunk: number) => {
    const group = file.create_group(layer);
    group.create_attribute('weight_names', ['kernel:0']);
    return group.create_dataset({
      ...{ name: 'kernel:0', data: new Float32Array(4), shape: [4], dtype: '<f', maxshape: [null], chunks: [chunk] },
      ...(chunk > 4 ? { compression: 'gzip' as const } : {}),
    });
  };
  const claims = await craft('claims.h5', (file) => {
    for (const layer of layers) dataset(file, layer, 4).resize([60_000_000]);
  });
  const chunked = await craft('chunked.h5', (file) => {
    dataset(file, 'layer0', 100_000_000);
  });
  const listed = await craft('listed.h5', (file) => {
    const names = Array.from({ length: 200_000 }, () => 'kernel:0');
    file.create_group('layer0').create_attribute('weight_names', names);
  });
  for (const path of [claims, chunked, listed]) {
    assert.ok((await readFile(path)).length < 8 * 2 ** 20, path);
    const grown = await growth(() =>
      assert.rejects(loadKerasWeights(path, small), (error: CryfoldError) => error.code === 'WEIGHTS_INVALID'),
    );
    assert.ok(grown < 300, `${path}: ${grown.toFixed(0)} MiB`);
  }
});

test('a weights file cannot make the reader open another file', async () => {
  const secret = await variant('secret.h5', {});
  const path = await craft('linked.h5', (file) => {
    for (const layer of new Set([...EXPECTED.keys()].map((name) => name.split('/')[0]))) {
      const group = file.create_group(layer);
      const names = Object.keys(STORED).filter((name) => name.startsWith(`${layer}/`));
      group.create_attribute(
        'weight_names',
        names.map((name) => `${name}:0`),
      );
      group.create_external_link(secret, `${layer}/${layer}`, layer);
    }
  });
  await rejects(loadKerasWeights(path, EXPECTED), 'WEIGHTS_INVALID', /linked\.h5: /);
});

test('does not read an endless file', { skip: process.platform === 'win32' }, async () => {
  await assert.rejects(
    loadKerasWeights('/dev/zero', EXPECTED),
    (error) => (error as CryfoldError).code === 'WEIGHTS_NOT_FOUND',
  );
});
