import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { readDataset, synthesizeCorpus } from '@cryfold/corpus';
import { withScratch } from '@cryfold/testing/sox';
import { pythonProgram, ROOT } from '../paths.js';
import { type Comparison, comparison } from './measure.js';

const CLIPS = 600;
const TARGET = 3.9;
const NEEDED = 'keras tensorflow scikit-learn pillow';

const execute = promisify(execFile);
const cryfold = (...args: string[]) =>
  execute(process.execPath, [join(ROOT, 'packages/cli/bin/cryfold.js'), ...args], { maxBuffer: 2 ** 26 });

/**
 * Runs the paper's evaluation once (five folds, four models), from WAV files to the table, and compares it with a
 * script that a user might write with sox, Keras and scikit-learn. Both use all cores.
 * @param folder folder with CLASS/*.wav files of one second each; default: synthetic recordings
 * @throws Error that says what to install if packages for the comparison are missing
 */
export async function compare(folder: string | undefined): Promise<Comparison[]> {
  await execute('python3', ['-c', 'import keras, tensorflow, sklearn, PIL']).catch(() => {
    throw new Error(`python3 lacks packages for the comparison; run: python3 -m pip install ${NEEDED}`);
  });
  return withScratch(async (scratch) => {
    const data = folder ?? (await synthetic(scratch));
    const ours = await seconds('cryfold', () => evaluate(data, scratch));
    const theirs = await seconds('the script', () => execute('python3', [pythonProgram('job-peer.py'), data]));
    const name = `job: the paper's evaluation, 1 x 5 folds of ${folder ?? `${CLIPS} synthetic clips`}`;
    const peer = 'sox + Keras + scikit-learn';
    return [comparison({ name, peer, ours: 3600 / ours, theirs: 3600 / theirs, unit: 'runs/h', target: TARGET })];
  });
}

/** Writes synthetic recordings into one folder per class, so that the script can also read them. */
async function synthetic(scratch: string): Promise<string> {
  const [written, data] = [join(scratch, 'written'), join(scratch, 'corpus')];
  await synthesizeCorpus(written, { clips: CLIPS });
  for (const { file, label } of (await readDataset(written)).clips) {
    await mkdir(join(data, label), { recursive: true });
    await rename(join(written, file), join(data, label, file));
  }
  return data;
}

/** Runs cryfold with a new store, so that no results exist yet. */
async function evaluate(data: string, scratch: string): Promise<void> {
  const store = await mkdtemp(join(scratch, 'store-'));
  await cryfold('--store', store, 'run', join(ROOT, 'specs/paper.yaml'), '--data', data, '--repeats', '1');
  await rm(store, { recursive: true });
}

async function seconds(side: string, work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  const taken = (performance.now() - start) / 1000;
  console.error(`bench: job, ${side}: ${taken.toFixed(1)} s`);
  return taken;
}
