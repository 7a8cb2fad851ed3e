import assert from 'node:assert/strict';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { gpuModel } from '../src/gpu-model.js';

test('names the GPU and its driver as nvidia-smi does, for the first visible GPU', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'cryfold-nvidia-smi-'));
  const path = process.env.PATH;
  t.after(() => {
    process.env.PATH = path;
    return rm(folder, { recursive: true });
  });
  const standIn = join(folder, 'nvidia-smi');
  await writeFile(standIn, '#!/bin/sh\necho "$@" > "$0.asked"\necho "NVIDIA H200, 580.159.04"\n');
  await chmod(standIn, 0o755);
  process.env.PATH = `${folder}:${path}`;
  assert.deepEqual(await gpuModel('GPU-7f,GPU-80'), { gpu: 'NVIDIA H200', driver: '580.159.04' });
  assert.match(await readFile(`${standIn}.asked`, 'utf8'), /--id=GPU-7f$/m);

  await writeFile(standIn, '#!/bin/sh\necho "No devices were found"\nexit 6\n');
  assert.deepEqual(await gpuModel('0'), {});
  process.env.PATH = '/nonexistent';
  assert.deepEqual(await gpuModel('0'), {});
});
