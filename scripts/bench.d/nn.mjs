import { spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { compareInPairs, median } from './measure.mjs';

const BATCH = 50;
/** Of `fold`: 200 images trained on once, 50 predicted. */
const FOLD = 250;
/** Multiply-adds of ResNet50 for one 60 x 90 image, forward: 0.466e9; a training step does them three times. */
const RESNET_TRAINING_FLOP = 2.78e9;
const INSTALL = {
  Keras: 'python3 -m pip install tensorflow-cpu==2.21.0 keras',
  PyTorch: 'python3 -m pip install torch',
};

/** What is compared: [processes, threads of each, model, work, precision, target, peer]. */
const CASES = [
  [1, 2, 'resnet50', 'train', 'float32', 1.25],
  [2, 1, 'resnet50', 'train', 'float32', 1.35],
  [1, 1, 'resnet50', 'train', 'float32', 1.25],
  [1, 1, 'resnet50', 'train', 'bfloat16', 1.6],
  [1, 1, 'resnet50', 'infer', 'float32', 1.2],
  [1, 1, 'resnet50', 'fold', 'float32', 1.25],
  [1, 2, 'small-cnn', 'train', 'float32', 1.5],
  [2, 1, 'small-cnn', 'train', 'float32', 1.5],
  [1, 1, 'small-cnn', 'train', 'float32', 1.5],
  [1, 1, 'small-cnn', 'train', 'bfloat16', 1.5],
  [1, 1, 'small-cnn', 'infer', 'float32', 1.2],
  [1, 1, 'small-cnn', 'fold', 'float32', 1.25],
  [1, 1, 'resnet50', 'train', 'float32', 1.25, 'PyTorch'],
  [1, 2, 'resnet50', 'train', 'float32', 1.25, 'PyTorch'],
  [1, 1, 'small-cnn', 'train', 'float32', 1.5, 'PyTorch'],
];
const STEPS = { resnet50: 2, 'small-cnn': 10 };

/** Starts processes of one side; `seconds` asks all of them for the same work at once and waits for the last. */
async function start(side, count, threads) {
  const file = (name) => fileURLToPath(new URL(name, import.meta.url));
  const [command, ...args] =
    side === 'ours'
      ? [process.execPath, file('nn-ours.mjs')]
      : ['python3', file(side === 'Keras' ? 'nn-peers.py' : 'nn-torch.py')];
  const processes = Array.from({ length: count }, () => {
    const child = spawn(command, [...args, String(threads)], { stdio: ['pipe', 'pipe', 'ignore'] });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    return { child, lines };
  });
  const answers = (what) =>
    Promise.all(
      processes.map(async ({ lines }) => {
        const { value, done } = await lines.next();
        if (done) throw new Error(`${side} ended ${what}${INSTALL[side] ? `: ${INSTALL[side]}` : ''}`);
        return Number(value);
      }),
    );
  await answers('before it was ready');
  return {
    async seconds(request) {
      for (const { child } of processes) child.stdin.write(`${JSON.stringify(request)}\n`);
      return Math.max(...(await answers(`while it did ${request.what}`)));
    },
    close() {
      for (const { child } of processes) child.stdin.end();
    },
  };
}

async function measure([processes, threads, model, what, precision, target, peer = 'Keras']) {
  const ours = await start('ours', processes, threads);
  try {
    const theirs = await start(peer, processes, threads);
    try {
      const steps = what === 'fold' ? 0 : STEPS[model];
      const images = processes * (what === 'fold' ? FOLD : steps * BATCH);
      const shares = [];
      const isPeakCase = model === 'resnet50' && what === 'train' && precision === 'float32' && peer === 'Keras';
      const own = async () => {
        const speed = images / (await ours.seconds({ what, model, steps, precision }));
        if (isPeakCase && processes === 1) {
          const seconds = await ours.seconds({ what: 'peak' });
          shares.push((speed * RESNET_TRAINING_FLOP) / ((2 * 1024 ** 3) / seconds));
        }
        return speed;
      };
      const count = (n, name) => `${n} ${name}${n === 1 ? '' : name.endsWith('s') ? 'es' : 's'}`;
      const place = `${count(processes, 'process')} of ${count(threads, 'thread')}`;
      const work = what === 'fold' ? 'first fold with its warm-up' : what === 'train' ? 'training' : 'prediction';
      const name = `nn: ${model} ${work}, ${precision}, ${place}`;
      const result = await compareInPairs({
        ...{ name, peer, unit: 'images/s', target, pairs: 5 },
        ours: own,
        theirs: async () => images / (await theirs.seconds({ what, model, steps })),
      });
      if (shares.length === 0) return [result];
      const ratio = median(shares.slice(1));
      const peak = { ours: 100 * ratio, theirs: 100, peer: 'peak', unit: '%', ratio, target: 0.85, ok: ratio >= 0.85 };
      return [result, { name: `nn: ${model} ${work}, share of the matrix-product peak, ${place}`, ...peak }];
    } finally {
      theirs.close();
    }
  } finally {
    ours.close();
  }
}

/** @param {string} [only] cases whose name holds this text, such as `resnet50 train 2x1` */
export async function compare(only = '') {
  const torch = spawnSync('python3', ['-c', 'import torch'], { stdio: 'ignore' }).status === 0;
  if (!torch) console.error(`bench nn: PyTorch is left out, since it is not installed: ${INSTALL.PyTorch}`);
  const results = [];
  for (const one of CASES) {
    const [processes, threads, model, what, precision, , peer = 'Keras'] = one;
    const tag = `${model} ${what} ${precision} ${processes}x${threads} ${peer}`;
    if (!only.split(' ').every((word) => tag.includes(word))) continue;
    if (peer === 'PyTorch' && !torch) continue;
    results.push(...(await measure(one)));
  }
  if (results.length === 0) throw new Error(`no case holds ${JSON.stringify(only)}`);
  return results;
}
