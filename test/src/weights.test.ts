import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, readFile, symlink, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { Random } from '@cryfold/core';
import { synthesizeCorpus } from '@cryfold/corpus';
import { backboneShapes } from '@cryfold/nn';
import { tlResnet50 } from '@cryfold/nn/models';
import { loadConfig } from '@cryfold/runtime';
import { File, ready } from 'h5wasm/node';
import { cryfold, logLines, ownStore, ROOT, temporaryFolder } from './command.js';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
const path = (name: string) => join(folder.path, name);

/**
 * Writes a file that has the structure of Keras's resnet50 notop .h5 file (94 MB), and random weights with which
 * activations stay in a normal range.
 */
async function writeResNet50(file: string): Promise<string> {
  await ready;
  const random = new Random(7);
  const h5 = new File(file, 'w');
  const layers = new Map<string, [string, readonly number[]][]>();
  for (const [name, shape] of backboneShapes(tlResnet50.architecture)) {
    const [layer, weight] = name.split('/');
    layers.set(layer, [...(layers.get(layer) ?? []), [weight, shape]]);
  }
  h5.create_attribute('layer_names', [...layers.keys()]);
  for (const [layer, weights] of layers) {
    const outer = h5.create_group(layer);
    outer.create_attribute(
      'weight_names',
      weights.map(([weight]) => `${layer}/${weight}:0`),
    );
    const inner = outer.create_group(layer);
    for (const [weight, shape] of weights) {
      const length = shape.reduce((product, size) => product * size, 1);
      const fan = length / (shape.at(-1) ?? 1);
      const data = Float32Array.from({ length }, () =>
        weight === 'kernel'
          ? random.uniform(-1, 1) * Math.sqrt(3 / fan)
          : ['gamma', 'moving_variance'].includes(weight)
            ? 1
            : 0,
      );
      inner.create_dataset({ name: `${weight}:0`, data, shape: [...shape], dtype: '<f' });
    }
  }
  h5.close();
  return createHash('sha256')
    .update(await readFile(file))
    .digest('hex');
}

let hash: string;

before(async () => {
  folder = await temporaryFolder();
  await synthesizeCorpus(path('corpus'), { clips: 30, seed: 3 });
  hash = await writeResNet50(path('resnet50.h5'));
});
after(() => folder.remove());

const SPEC = `version: 1
name: w
protocol: { folds: 2, repeats: 1 }
estimators:
  net: { kind: tl-resnet50, backbone: frozen, epochs: 1, dense: [8] }
`;

/** Serves the file at /w.h5 and a web page at every other path, and counts the requests. */
async function serveFile(t: TestContext): Promise<{ url: string; requests: () => number }> {
  let requests = 0;
  const server = createServer((request, response) => {
    requests++;
    if (request.url === '/w.h5') createReadStream(path('resnet50.h5')).pipe(response);
    else response.end('<html>Please log in</html>');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests: () => requests };
}

test('fetch downloads weights into the cache, where specs find them without a source or store', async (t) => {
  const { url, requests } = await serveFile(t);
  const cache = { CRYFOLD_CACHE: path('fetched') };
  const fetched = await cryfold(['weights', 'fetch', `${url}/w.h5`, '--sha256', hash.toUpperCase()], cache);
  assert.equal(fetched.code, 0, fetched.stderr);
  const line = `weights: store:weights/${hash}.h5#sha256=${hash}`;
  assert.match(fetched.stdout, new RegExp(`^in the cache: \\d+ weights, sha256 ${hash}\nuse them with\n  ${line}\n$`));
  assert.equal((await cryfold(['weights', 'fetch', `${url}/w.h5`, '--sha256', hash], cache)).code, 0);
  assert.equal(requests(), 1, 'the second call finds the file in the cache');
  assert.deepEqual(await readdir(path('fetched/weights')), [`${hash}.h5`]);

  await writeFile(path('fetched.yaml'), SPEC.replace('epochs', `${line.replace(': ', ': "')}", epochs`));
  const plan = ['plan', path('fetched.yaml'), '--data', path('corpus'), '--store', path('planned/store'), '--json'];
  const planned = await cryfold(plan, cache);
  assert.equal(planned.code, 0, planned.stderr);

  const local = ['weights', 'fetch', path('resnet50.h5'), '--sha256', hash, '--json'];
  const copied = await cryfold(local, { CRYFOLD_CACHE: path('copied') });
  assert.equal(copied.code, 0, copied.stderr);
  const file = path(`copied/weights/${hash}.h5`);
  assert.deepEqual(JSON.parse(copied.stdout), { weights: line.slice('weights: '.length), path: file, sha256: hash });
});

test('fetch discards files with a wrong or missing hash, and prints a hint', async (t) => {
  const { url } = await serveFile(t);
  const cache = { CRYFOLD_CACHE: path('refused') };
  const refuse = async (args: string[], code: number, problem: RegExp) => {
    const ended = await cryfold(['weights', 'fetch', ...args], cache);
    assert.equal(ended.code, code, ended.stdout);
    assert.match(ended.stderr, problem);
    assert.deepEqual(await readdir(path('refused/weights')).catch(() => []), []);
  };
  const md5 = '4d473c1dd8becc155b73f8504c6f6626';
  const unlike = new RegExp(`WEIGHTS_INVALID: .*not ${md5}[\\s\\S]*Without --sha256`);
  await refuse([`${url}/login.h5`], 10, unlike);
  await refuse([path('resnet50.h5')], 10, unlike);
  await refuse([`${url}/login.h5`, '--sha256', hash], 10, new RegExp(`WEIGHTS_INVALID: .*not ${hash}`));
  await refuse([path('corpus'), '--sha256', hash], 10, /WEIGHTS_NOT_FOUND: /);
  await refuse(['ftp://127.0.0.1/w.h5', '--sha256', hash], 10, /WEIGHTS_NOT_FOUND: .*only http and https/);
  await refuse([path('nothing.h5')], 10, /WEIGHTS_NOT_FOUND: .*no such file/);
  await refuse([`${url}/w.h5`, '--sha256', 'abc'], 2, /--sha256: not 64 hexadecimal digits/);
  await writeFile(path('other.h5'), 'no weights');
  const other = createHash('sha256').update('no weights').digest('hex');
  await refuse([path('other.h5'), '--sha256', other], 10, /WEIGHTS_INVALID: .*other\.h5/);
  const golden = join(ROOT, 'packages', 'nn', 'test', 'goldens', 'keras-saved.h5');
  const saved = createHash('sha256')
    .update(await readFile(golden))
    .digest('hex');
  const unfit =
    /WEIGHTS_INVALID: .*it does not fit any network \(tl-resnet50: .*mobilenet-v2: block_1_depthwise\/depthwise_kernel has shape/;
  await refuse([golden, '--sha256', saved], 10, unfit);
});

test('stores weights once, and produces equal results for weights given by path or key', async () => {
  const out = path('out');
  const cache = { CRYFOLD_CACHE: path('cache') };
  await mkdir(path('cache'));
  // If there is no Redis on the PATH, the test needs the embedded one, which is in the real cache.
  await symlink(join(loadConfig().cacheDir, 'valkey'), path('cache/valkey'));
  const store = `file:${join(out, 'store')}`;
  const put = () => cryfold(['weights', 'put', path('resnet50.h5'), '--store', store, '--json'], cache);
  const first = await put();
  assert.equal(first.code, 0, first.stderr);
  const { weights, added, sha256 } = JSON.parse(first.stdout);
  assert.deepEqual([added, sha256], [true, hash]);
  assert.equal(JSON.parse((await put()).stdout).added, false);

  const spec = path('spec.yaml');
  await writeFile(spec, SPEC);
  const run = (source: string) =>
    cryfold(['run', spec, '--data', path('corpus'), ...ownStore(out), '--workers', '1', '--weights', source], cache);
  const byKey = await run(weights);
  assert.equal(byKey.code, 0, byKey.stderr);
  const trained = (await logLines(out)).filter(({ msg }) => msg === 'fold started').length;
  assert.equal(trained, 2);
  const byPath = await run(path('resnet50.h5'));
  assert.equal(byPath.code, 0, byPath.stderr);
  assert.match(byPath.stderr, /already in the store/);

  await truncate(path('resnet50.h5'), 1_000_000);
  const broken = await run(path('resnet50.h5'));
  assert.equal(broken.code, 10);
  assert.match(broken.stderr, /WEIGHTS_INVALID: .*resnet50\.h5/);
  const wrongHash = await run(`store:weights/${hash}.h5#sha256=${'0'.repeat(64)}`);
  assert.equal(wrongHash.code, 10);
  assert.match(wrongHash.stderr, /WEIGHTS_INVALID/);
});
