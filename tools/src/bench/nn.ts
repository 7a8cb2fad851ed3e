import { spawnSync } from 'node:child_process';
import { median } from '../statistics.js';
import { type Comparison, compareInPairs, comparison } from './measure.js';
import type { ModelName, Precision, Work } from './nn-request.js';
import { INSTALL, type Peer, type Side, startSide } from './nn-side.js';

const BATCH = 50;
/** Number of images for `fold`: 200 for training, which lasts one epoch, and 50 to predict. */
const FOLD = 250;
/**
 * Number of multiply-adds in the forward pass of ResNet50 for one 60 x 90 image: 0.466e9. A training step does three
 * times as many.
 */
const RESNET_TRAINING_FLOP = 2.78e9;

interface Case {
  processes: number;
  /** Threads of each process */
  threads: number;
  model: ModelName;
  work: Work;
  precision: Precision;
  target: number;
  peer: Peer;
}

/** Creates a case from its name, such as `resnet50 train float32 2x1` (processes x threads per process). */
function caseOf(tag: string, target: number, peer: Peer = 'Keras'): Case {
  const [model, work, precision, place] = tag.split(' ') as [ModelName, Work, Precision, string];
  const [processes, threads] = place.split('x').map(Number);
  return { processes, threads, model, work, precision, target, peer };
}

const CASES = [
  caseOf('resnet50 train float32 1x2', 1.25),
  caseOf('resnet50 train float32 2x1', 1.35),
  caseOf('resnet50 train float32 1x1', 1.25),
  caseOf('resnet50 train bfloat16 1x1', 1.6),
  caseOf('resnet50 infer float32 1x1', 1.2),
  caseOf('resnet50 fold float32 1x1', 1.25),
  caseOf('small-cnn train float32 1x2', 1.5),
  caseOf('small-cnn train float32 2x1', 1.5),
  caseOf('small-cnn train float32 1x1', 1.5),
  caseOf('small-cnn train bfloat16 1x1', 1.5),
  caseOf('small-cnn infer float32 1x1', 1.2),
  caseOf('small-cnn fold float32 1x1', 1.25),
  caseOf('resnet50 train float32 1x1', 1.25, 'PyTorch'),
  caseOf('resnet50 train float32 1x2', 1.25, 'PyTorch'),
  caseOf('small-cnn train float32 1x1', 1.5, 'PyTorch'),
];
const STEPS = { resnet50: 2, 'small-cnn': 10 };
const WORK = { fold: 'first fold, including warm-up', train: 'training', infer: 'prediction' };

const count = (n: number, name: string) => `${n} ${name}${n === 1 ? '' : name.endsWith('s') ? 'es' : 's'}`;

async function measure(one: Case): Promise<Comparison[]> {
  const ours = await startSide('ours', one.processes, one.threads);
  try {
    const theirs = await startSide(one.peer, one.processes, one.threads);
    try {
      return await comparePair(one, ours, theirs);
    } finally {
      theirs.close();
    }
  } finally {
    ours.close();
  }
}

async function comparePair(one: Case, ours: Side, theirs: Side): Promise<Comparison[]> {
  const { processes, threads, model, work, precision, target, peer } = one;
  const steps = work === 'fold' ? 0 : STEPS[model];
  const images = processes * (work === 'fold' ? FOLD : steps * BATCH);
  const shares: number[] = [];
  const isPeakCase =
    model === 'resnet50' && work === 'train' && precision === 'float32' && peer === 'Keras' && processes === 1;
  const place = `${count(processes, 'process')} of ${count(threads, 'thread')}`;
  const title = `nn: ${model} ${WORK[work]}`;
  const result = await compareInPairs({
    ...{ name: `${title}, ${precision}, ${place}`, peer, unit: 'images/s', target, pairs: 5 },
    ours: async () => {
      const speed = images / (await ours.seconds({ what: work, model, steps, precision }));
      if (isPeakCase) {
        const seconds = await ours.seconds({ what: 'peak' });
        shares.push((speed * RESNET_TRAINING_FLOP) / ((2 * 1024 ** 3) / seconds));
      }
      return speed;
    },
    theirs: async () => images / (await theirs.seconds({ what: work, model, steps })),
  });
  if (shares.length === 0) return [result];
  // Exclude the results of the warm-up.
  const ratio = median(shares.slice(1));
  const peak = { ours: 100 * ratio, theirs: 100, peer: 'peak', unit: '%', target: 0.85 };
  return [result, comparison({ name: `${title}, share of the matrix-product peak, ${place}`, ...peak })];
}

/** @param only words that the name of a case must contain for the case to run, such as `resnet50 train 2x1` */
export async function compare(only = ''): Promise<Comparison[]> {
  const torch = spawnSync('python3', ['-c', 'import torch'], { stdio: 'ignore' }).status === 0;
  if (!torch) console.error(`bench nn: PyTorch is left out, since it is not installed: ${INSTALL.PyTorch}`);
  const results: Comparison[] = [];
  for (const one of CASES) {
    const { processes, threads, model, work, precision, peer } = one;
    const tag = `${model} ${work} ${precision} ${processes}x${threads} ${peer}`;
    if (!only.split(' ').every((word) => tag.includes(word))) continue;
    if (peer === 'PyTorch' && !torch) continue;
    results.push(...(await measure(one)));
  }
  if (results.length === 0) throw new Error(`no benchmark case matches ${JSON.stringify(only)}`);
  return results;
}
