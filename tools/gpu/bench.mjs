/**
 * Measures how many images per second 1, 2, 4, ... processes that share one GPU can train. Prints one JSON object per
 * number of processes.
 * usage: node bench.mjs REPO VARIANT [--children N] [--seconds S] [--label TEXT]
 * VARIANT: MODEL:PRECISION[+xla], with MODEL resnet50 or small-cnn and PRECISION float32, bfloat16 or float16. All N
 * processes start and warm up first; then 1, 2, 4, ... N of them train at the same time.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { BATCH, loadCheckout, waves } from './network.mjs';

const WARM_STEPS = 15;
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    children: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '2' },
    label: { type: 'string', default: 'cryfold' },
    child: { type: 'boolean', default: false },
  },
});
const [repo, variant] = positionals;
const say = (fields) => console.log(JSON.stringify(fields));

/** Trains one network. For each line on stdin, which is a number of seconds, returns the rate over that time. */
async function child() {
  const start = performance.now();
  const [model, precision, xla] = variant.split(/[:+]/);
  const { device, open } = await loadCheckout(repo, { threads: 1, xla: xla === 'xla' });
  const network = await open({ model, precision });
  const { images, labels } = waves(5 * BATCH);
  network.feed(images, labels);
  const indices = Int32Array.from({ length: BATCH }, (_, i) => i);
  const step = (seed) => network.step(indices, { learningRate: 1e-4, seed }).loss;
  const loaded = performance.now();
  const losses = [step(0)];
  const first = performance.now();
  while (losses.length < WARM_STEPS) losses.push(step(losses.length));
  say({
    device,
    loadSeconds: (loaded - start) / 1000,
    firstStepSeconds: (first - loaded) / 1000,
    lastLoss: losses.at(-1),
  });
  for await (const line of createInterface({ input: process.stdin })) {
    const began = performance.now();
    let steps = 0;
    while (performance.now() - began < 1000 * Number(line)) step(steps++);
    say({ rate: (1000 * steps * BATCH) / (performance.now() - began) });
  }
}

class Child {
  constructor() {
    const args = [fileURLToPath(import.meta.url), repo, variant, '--child'];
    this.process = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.lines = createInterface({ input: this.process.stdout })[Symbol.asyncIterator]();
  }

  async answer() {
    for (;;) {
      const { value, done } = await this.lines.next();
      if (done) throw new Error('a training process ended');
      if (value.startsWith('{')) return JSON.parse(value);
    }
  }

  rate() {
    this.process.stdin.write(`${values.seconds}\n`);
    return this.answer();
  }
}

async function measure() {
  const children = Array.from({ length: Number(values.children) }, () => new Child());
  try {
    const [first] = await Promise.all(children.map((each) => each.answer()));
    for (let count = 1; count <= children.length; count *= 2) {
      const answers = await Promise.all(children.slice(0, count).map((each) => each.rate()));
      const rate = Math.round(answers.reduce((sum, answer) => sum + answer.rate, 0));
      say({ side: values.label, variant, children: count, rate, ...(count === 1 && first) });
    }
  } catch (error) {
    say({ side: values.label, variant, error: error.message });
    process.exitCode = 1;
  } finally {
    for (const each of children) each.process.stdin.end();
  }
}

await (values.child ? child() : measure());
