import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { standIn } from '@cryfold/testing';
import { gpuOfEachChild } from '../src/gpus.js';

test('assigns different GPUs to the first children, from nvidia-smi or CUDA_VISIBLE_DEVICES', async (t) => {
  const program = await standIn(
    t,
    'nvidia-smi',
    '#!/bin/sh\ntest "$*" = "--query-gpu=uuid --format=csv,noheader" && printf "GPU-a\\nGPU-b\\n"\n',
  );
  assert.deepEqual(await gpuOfEachChild(2, undefined), ['GPU-a', 'GPU-b', 'GPU-a', 'GPU-b']);
  assert.deepEqual(await gpuOfEachChild(2, ['1']), ['1', '1']);
  await assert.rejects(gpuOfEachChild(1, ['-1']), { code: 'USAGE', message: /hides all GPUs/ });
  await writeFile(program, '#!/bin/sh\necho "NVIDIA-SMI has failed" >&2\nexit 9\n');
  await assert.rejects(gpuOfEachChild(1, undefined), { code: 'USAGE', message: /nvidia-smi lists no GPU/ });
});
