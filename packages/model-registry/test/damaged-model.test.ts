import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { decodeNpy, encodeNpy, sha256 } from '@cryfold/core';
import { ModelPredictor, readModelFolder } from '../src/index.js';
import { writeModel } from './small-model.js';

test('rejects an SVM with NaN coefficients, even if the hashes of its card match', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'cryfold-damaged-'));
  t.after(() => rm(folder, { recursive: true }));
  await writeModel(folder, ['low', 'high']);
  const path = 'members/svm/coefficients.npy';
  const { data, shape } = decodeNpy(await readFile(join(folder, path)), '<f8', 2, path);
  const bytes = encodeNpy(data.fill(Number.NaN), [...shape]);
  await writeFile(join(folder, path), bytes);
  const card = JSON.parse(await readFile(join(folder, 'card.json'), 'utf8'));
  for (const file of card.files) if (file.path === path) file.sha256 = sha256(bytes);
  await writeFile(join(folder, 'card.json'), JSON.stringify(card));
  const model = await readModelFolder(folder);
  await assert.rejects(ModelPredictor.load(model), { code: 'ARTIFACT_CORRUPT', message: /coefficients\.npy/ });
});
