import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { standIn } from '@cryfold/testing';
import { gpuModel } from '../src/gpu-model.js';

test('reports the first visible GPU and its driver, as nvidia-smi does', async (t) => {
  const program = await standIn(t, 'nvidia-smi', '#!/bin/sh\necho "$@" > "$0.asked"\necho "NVIDIA H200, 580.159.04"\n');
  assert.deepEqual(await gpuModel('GPU-7f,GPU-80'), { gpu: 'NVIDIA H200', driver: '580.159.04' });
  assert.match(await readFile(`${program}.asked`, 'utf8'), /--id=GPU-7f$/m);

  await writeFile(program, '#!/bin/sh\necho "No devices were found"\nexit 6\n');
  assert.deepEqual(await gpuModel('0'), {});
  process.env.PATH = '/nonexistent';
  assert.deepEqual(await gpuModel('0'), {});
});
