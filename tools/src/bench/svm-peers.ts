import { execFileSync, spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { encodeNpy } from '@cryfold/core';
import type { DistanceMatrix } from '@cryfold/svm';
import { pythonProgram } from '../paths.js';
import { CLIPS, COLUMNS, type Corpus } from './svm-problem.js';

export interface ScikitLearn {
  /** Sends one request to the peer, and returns the seconds that it took. */
  seconds: (what: string, clips: number) => Promise<number>;
  close: () => void;
}

/** Starts scikit-learn with the corpus. @throws Error with installation instructions */
export async function startScikitLearn(directory: string, { images, labels }: Corpus): Promise<ScikitLearn> {
  try {
    execFileSync('python3', ['-c', 'import sklearn'], { stdio: 'ignore' });
  } catch {
    throw new Error('python3 lacks scikit-learn for the comparison; run: python3 -m pip install scikit-learn');
  }
  const paths = [join(directory, 'images.npy'), join(directory, 'labels.npy')];
  await writeFile(paths[0], encodeNpy(images, [CLIPS, COLUMNS]));
  await writeFile(paths[1], encodeNpy(labels, [CLIPS]));
  const child = spawn('python3', [pythonProgram('svm-peers.py'), ...paths], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, OPENBLAS_NUM_THREADS: '1', OMP_NUM_THREADS: '1' },
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const seconds = async (what: string, clips: number) => {
    child.stdin.write(`${JSON.stringify({ what, clips })}\n`);
    const { value, done } = await lines.next();
    if (done) throw new Error(`scikit-learn exited during ${what}`);
    return Number(value);
  };
  return { seconds, close: () => child.stdin.end() };
}

interface LibsvmMachine {
  train(kernel: number[][], labels: number[]): void;
  free(): void;
}

/** The functions of libsvm-js that are used for the comparison. */
export interface Libsvm {
  new (options: object): LibsvmMachine;
  KERNEL_TYPES: { PRECOMPUTED: number };
  SVM_TYPES: { C_SVC: number };
}

/** Loads libsvm-js if it is installed. It is not a dependency of cryfold. */
export async function findLibsvm(): Promise<Libsvm | undefined> {
  try {
    return await createRequire(import.meta.url)('libsvm-js');
  } catch {
    console.error('bench svm: libsvm-js is left out; npm install it in a folder and set NODE_PATH to its node_modules');
    return undefined;
  }
}

export interface LibsvmFold {
  distances: DistanceMatrix;
  labels: Int32Array;
  classCount: number;
  train: Int32Array;
  /** Value of gamma for pixels in [0, 1] */
  gamma: number;
}

/** Trains one fold one-vs-rest with libsvm-js, on a precomputed kernel and without probabilities or decision values. */
export function trainLibsvm(SVM: Libsvm, { distances, labels, classCount, train, gamma }: LibsvmFold): void {
  const kernel = Array.from(train, (a, i) => [
    i + 1,
    ...Array.from(train, (b) => Math.exp((-gamma / 255 ** 2) * distances.data[a * distances.rows + b])),
  ]);
  for (let k = 0; k < classCount; k++) {
    const svm = new SVM({ kernel: SVM.KERNEL_TYPES.PRECOMPUTED, type: SVM.SVM_TYPES.C_SVC, cost: 1000, quiet: true });
    svm.train(
      kernel,
      Array.from(train, (row) => (labels[row] === k ? 1 : -1)),
    );
    svm.free();
  }
}
