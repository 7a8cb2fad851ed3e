import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, readFile, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Random } from '@cryfold/core';
import { synthesizeCorpus } from '@cryfold/corpus';
import { backboneShapes, resnet50Architecture } from '@cryfold/nn';
import { loadConfig } from '@cryfold/runtime';
import { File, ready } from 'h5wasm/node';
import { cryfold, logLines, temporaryFolder } from './command.js';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
const path = (name: string) => join(folder.path, name);

/** A file with the structure and shapes of Keras's resnet50 notop .h5 (94 MB), and weights that keep signals in range. */
async function writeResNet50(file: string): Promise<string> {
  await ready;
  const random = new Random(7);
  const h5 = new File(file, 'w');
  const layers = new Map<string, [string, readonly number[]][]>();
  for (const [name, shape] of backboneShapes(resnet50Architecture)) {
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

before(async () => {
  folder = await temporaryFolder();
  await synthesizeCorpus(path('corpus'), { clips: 30, seed: 3 });
});
after(() => folder.remove());

test('weights go into the store once; a run takes them by path or key, with equal results', async () => {
  const hash = await writeResNet50(path('resnet50.h5'));
  const out = path('out');
  const cache = { CRYFOLD_CACHE: path('cache') };
  await mkdir(path('cache'));
  // Where no Redis is on PATH, the embedded one is in the real cache.
  await symlink(join(loadConfig().cacheDir, 'valkey'), path('cache/valkey'));
  const store = `file:${join(out, 'store')}`;
  const put = () => cryfold(['weights', 'put', path('resnet50.h5'), '--store', store, '--json'], cache);
  const first = await put();
  assert.equal(first.code, 0, first.stderr);
  const { weights, added, sha256 } = JSON.parse(first.stdout);
  assert.deepEqual([added, sha256], [true, hash]);
  assert.equal(JSON.parse((await put()).stdout).added, false);

  const spec = path('spec.yaml');
  const estimator = '{ kind: tl-resnet50, backbone: frozen, epochs: 1, dense: [8] }';
  await writeFile(spec, `version: 1\nname: w\nprotocol: { folds: 2, repeats: 1 }\nestimators:\n  net: ${estimator}\n`);
  const run = (source: string) =>
    cryfold(['run', spec, '--data', path('corpus'), '--out', out, '--workers', '1', '--weights', source], cache);
  const byKey = await run(weights);
  assert.equal(byKey.code, 0, byKey.stderr);
  const trained = (await logLines(out)).filter(({ msg }) => msg === 'fold started').length;
  assert.equal(trained, 2);
  const byPath = await run(path('resnet50.h5'));
  assert.equal(byPath.code, 0, byPath.stderr);
  assert.match(byPath.stderr, /in the store already/);

  await truncate(path('resnet50.h5'), 1_000_000);
  const broken = await run(path('resnet50.h5'));
  assert.equal(broken.code, 1);
  assert.match(broken.stderr, /WEIGHTS_INVALID: .*resnet50\.h5/);
  const wrongHash = await run(`store:weights/${hash}.h5#sha256=${'0'.repeat(64)}`);
  assert.equal(wrongHash.code, 1);
  assert.match(wrongHash.stderr, /WEIGHTS_INVALID/);
});
