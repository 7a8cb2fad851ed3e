import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { cryfold, temporaryFolder } from './command.js';

/** Makes the package unavailable, as in an image from which it was removed. */
const WITHOUT_TENSORFLOW = `
const Module = require('node:module');
const resolve = Module._resolveFilename;
Module._resolveFilename = function (request, ...rest) {
  if (!request.startsWith('@tensorflow/')) return resolve.call(this, request, ...rest);
  throw Object.assign(new Error('Cannot find module ' + request), { code: 'MODULE_NOT_FOUND' });
};`;

test('doctor checks TensorFlow in the gpu-worker image, but not in images without TensorFlow', async (t) => {
  const { path, remove } = await temporaryFolder();
  t.after(remove);
  const hide = join(path, 'hide.cjs');
  await writeFile(hide, WITHOUT_TENSORFLOW);
  const look = async (image: string) => {
    const { stdout } = await cryfold(['doctor', '--json', '--store', join(path, 'store')], {
      ...{ CRYFOLD_IMAGE: image, CRYFOLD_CACHE: join(path, 'cache'), NODE_OPTIONS: `--require ${hide}` },
    });
    const checks: { name: string; ok: boolean; found: string }[] = JSON.parse(stdout).checks;
    return checks.filter(({ name }) => name === 'TensorFlow' || name === 'GPU');
  };
  for (const image of ['control', 'cpu-worker']) {
    for (const { ok, found } of await look(image)) {
      assert.deepEqual([ok, found], [true, `not in the image ${image}: networks train in gpu-worker`]);
    }
  }
  for (const image of ['gpu-worker', '']) {
    assert.deepEqual(
      (await look(image)).map(({ ok }) => ok),
      [false, false],
      image,
    );
  }
});
