import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Random } from '@cryfold/core';
import { encodeWav } from '@cryfold/corpus';

const RATE = 8000;

/** Returns a tone in noise, a different one for each seed. It lasts one second by default. */
export function tone(frequency: number, seed: number, seconds = 1): Float64Array {
  const random = new Random(seed);
  const phase = 6 * random.uniform();
  const own = frequency * (1 + 0.1 * random.uniform());
  return Float64Array.from(
    { length: RATE * seconds },
    (_, i) => 0.4 * Math.sin(phase + (2 * Math.PI * own * i) / RATE) + 0.2 * (random.uniform() - 0.5),
  );
}

/**
 * Writes recordings with the given paths and classes. The recordings of each class contain tones of a different pitch.
 */
export async function putTones(root: string, files: readonly { file: string; label: number }[]): Promise<void> {
  for (const [seed, { file, label }] of files.entries()) {
    await mkdir(dirname(join(root, file)), { recursive: true });
    await writeFile(join(root, file), encodeWav(tone(300 * 3 ** label, seed), RATE));
  }
}

/** A file of a public corpus: its path, class and source, and the fold that the authors assigned to it. */
export interface PublicFile {
  file: string;
  label: number;
  source: number;
  fold: number;
}

/** Returns files with two sources per class and two takes per source in each fold. */
function takes(folds: number, write: (fold: number, label: number, source: number, take: number) => string) {
  const files: PublicFile[] = [];
  for (let fold = 1; fold <= folds; fold++) {
    for (const label of [0, 1]) {
      for (const take of [0, 1]) {
        const source = 100_000 + 100 * fold + label;
        files.push({ file: write(fold, label, source, take), label, source, fold });
      }
    }
  }
  return files;
}

/** Writes a small ESC-50 of generated tones, with its five folds, file names and the columns of `meta/esc50.csv`. */
export async function smallEsc50(root: string): Promise<PublicFile[]> {
  const files = takes(5, (fold, label, source, take) => `audio/${fold}-${source}-${'AB'[take]}-${label}.wav`);
  await putTones(root, files);
  const rows = files.map(({ file, label, source, fold }) => {
    const name = file.slice('audio/'.length);
    return [name, fold, label, ['dog', 'rooster'][label], 'True', source, name.split('-')[2]].join(',');
  });
  await mkdir(join(root, 'meta'));
  const header = 'filename,fold,target,category,esc10,src_file,take';
  await writeFile(join(root, 'meta', 'esc50.csv'), `${[header, ...rows].join('\n')}\n`);
  return files;
}

/** Writes a small UrbanSound8K of generated tones, with its ten folds, file names and table columns. */
export async function smallUrbanSound8k(root: string): Promise<PublicFile[]> {
  const files = takes(10, (fold, label, source, take) => `audio/fold${fold}/${source}-${label}-0-${take}.wav`);
  await putTones(root, files);
  const rows = files.map(({ file, label, source, fold }) =>
    [file.split('/')[2], source, 0, 1, 1, fold, label, ['air_conditioner', 'car_horn'][label]].join(','),
  );
  await mkdir(join(root, 'metadata'));
  const header = 'slice_file_name,fsID,start,end,salience,fold,classID,class';
  await writeFile(join(root, 'metadata', 'UrbanSound8K.csv'), `${[header, ...rows].join('\n')}\n`);
  return files;
}
