import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { gpuOfEachChild } from '../src/gpus.js';

test('gives the first children different GPUs, from nvidia-smi or CUDA_VISIBLE_DEVICES', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'cryfold-nvidia-smi-'));
  const path = process.env.PATH;
  t.after(() => {
    process.env.PATH = path;
    return rm(folder, { recursive: true });
  });
  const standIn = join(folder, 'nvidia-smi');
  await writeFile(
    standIn,
    '#!/bin/sh\ntest "$*" = "--query-gpu=uuid --format=csv,noheader" && printf "GPU-a\\nGPU-b\\n"\n',
  );
  await chmod(standIn, 0o755);
  process.env.PATH = `${folder}:${path}`;
  assert.deepEqual(await gpuOfEachChild(2, undefined), ['GPU-a', 'GPU-b', 'GPU-a', 'GPU-b']);
  assert.deepEqual(await gpuOfEachChild(2, ['1']), ['1', '1']);
  await assert.rejects(gpuOfEachChild(1, ['-1']), { code: 'USAGE', message: /hides all GPUs/ });
  await writeFile(standIn, '#!/bin/sh\necho "NVIDIA-SMI has failed" >&2\nexit 9\n');
  await assert.rejects(gpuOfEachChild(1, undefined), { code: 'USAGE', message: /nvidia-smi lists no GPU/ });
});
