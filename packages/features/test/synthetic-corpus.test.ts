import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readClips, readDataset, synthesizeCorpus } from '@cryfold/corpus';
import { clipImage } from '@cryfold/features';

test('classes of the synthetic corpus can be learned, but not perfectly, and voices identify infants', async (t) => {
  const base = await mkdtemp(join(tmpdir(), 'cryfold-synth-'));
  t.after(() => rm(base, { recursive: true }));
  const directory = join(base, 'three-hundred');
  await synthesizeCorpus(directory, { clips: 300 });
  const dataset = await readDataset(directory);

  const images: Uint8Array[] = [];
  for await (const { clip, samples } of readClips(dataset)) {
    images.push(clipImage(samples, clip.rate, { height: 30, width: 45 }));
  }
  // Accuracy of classifying each clip by its nearest neighbour, excluding either only the clip itself, or all clips of
  // the same infant. Measured: 0.78 and 0.60.
  const score = (excluded: (i: number, j: number) => boolean) => {
    const right = images.filter((image, i) => {
      let nearest = -1;
      let least = Number.POSITIVE_INFINITY;
      for (const [j, other] of images.entries()) {
        if (excluded(i, j)) continue;
        const distance = squaredDistance(image, other);
        if (distance < least) [nearest, least] = [j, distance];
      }
      return dataset.clips[nearest].label === dataset.clips[i].label;
    });
    return right.length / images.length;
  };
  const random = score((i, j) => i === j);
  const grouped = score((i, j) => dataset.clips[i].group === dataset.clips[j].group);
  const majority = 116 / 300;
  assert.ok(random > 0.7 && random < 0.9, `random ${random}`);
  assert.ok(grouped > majority + 0.1 && grouped < random - 0.1, `grouped ${grouped}, random ${random}`);
});

function squaredDistance(a: Uint8Array, b: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] - b[i]) ** 2;
  return sum;
}
