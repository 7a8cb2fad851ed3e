import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const MODULES = fileURLToPath(new URL('../../../../node_modules', import.meta.url));
const { CRYFOLD_CACHE, XDG_CACHE_HOME } = process.env;
const CACHE = CRYFOLD_CACHE ?? join(XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'cryfold');
/** The cached output of scripts/build-tensorflow --variant cuda or tools/gpu/pack. */
const BINDING = ['tensorflow', 'gpu-kit']
  .flatMap((name) => (existsSync(join(CACHE, name)) ? [join(CACHE, name)] : []))
  .flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)))
  .find(
    (folder) => /-cuda-|gpu-kit.tensorflow-/.test(folder) && existsSync(join(folder, 'tensorflow/tfjs_binding.node')),
  );

/** A convolution, and its gradients with respect to the image and the kernel, as hex. */
const SCRIPT = `
  const tf = require('@tensorflow/tfjs-node-gpu');
  const wave = (shape, k) => tf.tensor(Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => Math.sin(i * k)), shape);
  const [images, kernel] = [wave([4, 20, 30, 3], 0.3), wave([5, 5, 3, 8], 0.4)];
  const loss = (x, k) => tf.conv2d(x, k, 2, 'same').relu().mean();
  const values = [loss(images, kernel), ...tf.grads(loss)([images, kernel])].map((t) => Buffer.from(t.dataSync().buffer).toString('hex'));
  console.log(JSON.stringify({ gpu: tf.backend().isUsingGpuDevice, values }));`;

function run(folder: string): { gpu: boolean; values: string[] } {
  const env = { ...process.env, TF_CPP_MIN_LOG_LEVEL: '3', TF_NUM_INTRAOP_THREADS: '1', CUDA_VISIBLE_DEVICES: '-1' };
  const output = execFileSync(process.execPath, ['-e', SCRIPT], {
    ...{ cwd: folder, env, encoding: 'utf8', maxBuffer: 2 ** 26 },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return JSON.parse(output.trim().split('\n').at(-1) ?? '');
}

test('the CUDA variant produces the same bits on the CPU as the CPU variant', {
  skip: BINDING === undefined && 'its wheels (3.4 GB) are not cached: scripts/build-tensorflow --variant cuda',
}, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'cryfold-cuda-'));
  t.after(() => rm(folder, { recursive: true }));
  const scope = join(folder, 'node_modules/@tensorflow');
  await mkdir(scope, { recursive: true });
  for (const name of await readdir(MODULES)) {
    if (name !== '@tensorflow') await symlink(join(MODULES, name), join(folder, 'node_modules', name));
  }
  for (const name of await readdir(join(MODULES, '@tensorflow'))) {
    const source = join(MODULES, '@tensorflow', name);
    if (name !== 'tfjs-node-gpu') await symlink(source, join(scope, name));
    else await cp(source, join(scope, name), { recursive: true, filter: (path) => !path.endsWith('lib/napi-v8') });
  }
  await mkdir(join(scope, 'tfjs-node-gpu/lib'), { recursive: true });
  await symlink(join(BINDING ?? '', 'tensorflow'), join(scope, 'tfjs-node-gpu/lib/napi-v8'));
  assert.deepEqual(run(folder), run(MODULES));
});
