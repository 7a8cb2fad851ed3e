import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { sha256 } from '@cryfold/core';
import { estimatorSchema } from '@cryfold/estimators';
import { clipImage } from '@cryfold/features';
import { encodeModel, exportModel, fitSvm, pixelMoments, type SvmParameters, squaredDistances } from '@cryfold/svm';

const SIZE = { height: 60, width: 90 };
const COLUMNS = SIZE.height * SIZE.width * 3;
/** Hz */
export const RATE = 8000;

/** Samples of a tone; each class of the model has its own frequency. */
export const tone = (seconds: number, kind = 0) =>
  new Float64Array(Math.round(seconds * RATE)).map((_, i) => 0.5 * Math.sin(i / (2 + 3 * kind)) * Math.cos(i / 999));

/**
 * Writes a model folder for `cryfold serve --model` with a small SVM that distinguishes tones. No run is needed. The
 * model accepts any rate.
 */
export async function writeModel(folder: string, labels: string[]): Promise<void> {
  const rows = 10 * labels.length;
  const images = new Uint8Array(rows * COLUMNS);
  const kinds = Int32Array.from({ length: rows }, (_, row) => row % labels.length);
  for (let row = 0; row < rows; row++) {
    const clip = tone(2, kinds[row]).subarray(100 * row, 100 * row + RATE);
    images.set(clipImage(clip, RATE, SIZE), row * COLUMNS);
  }
  const fit = fitSvm({
    distances: squaredDistances(images, rows, COLUMNS),
    moments: pixelMoments(images, rows, COLUMNS),
    ...{ columns: COLUMNS, labels: kinds, classCount: labels.length, seed: 1 },
    train: Int32Array.from({ length: rows }, (_, row) => row),
    innerFolds: Int32Array.from({ length: rows }, (_, row) => Math.floor(row / labels.length) % 5),
    parameters: estimatorSchema.parse({ kind: 'svm' }) as SvmParameters,
  });
  const files: { path: string; sha256: string; bytes: number }[] = [];
  for (const [name, bytes] of Object.entries(encodeModel(exportModel(fit, images, COLUMNS, labels)))) {
    const path = `members/svm/${name}`;
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), bytes);
    files.push({ path, sha256: sha256(bytes), bytes: bytes.length });
  }
  const hash = '0'.repeat(64);
  const card = {
    ...{ format: 1, name: 'tones', version: 'aaaaaaaaaaa1', created: '2026-01-01T00:00:00.000Z' },
    ...{ cryfold: { version: '0', foldFormat: 1 }, notice: 'not a medical device', intendedUse: 'tests', limits: [] },
    ...{ run: 'r', of: 'svm', predictedBy: 'decisions', spec: {}, fusion: null, metrics: [], environment: {}, files },
    data: {
      ...{ name: 'tones', contentHash: hash, clips: rows, groups: rows, grouped: false },
      classes: labels.map((label) => ({ label, clips: 10, groups: 10 })),
    },
    features: { kind: 'spectrogram', ...SIZE, clipSeconds: 1 },
    members: [{ name: 'svm', kind: 'svm', final: hash, folder: 'members/svm' }],
  };
  await writeFile(join(folder, 'card.json'), JSON.stringify(card));
}
