import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { calibrate } from '../src/calibrate.js';
import { estimatorSchema } from '../src/registry.js';

const IMAGE = { shape: [32, 32, 3], vectors: false, classes: 3 };
const task = (name: string, entry: object) => ({ name, estimator: estimatorSchema.parse(entry), ...IMAGE });

test('measures the speed of each estimator, skips those that cannot be trained, and reads no weights', async () => {
  const found = new Map<string, number>();
  await calibrate(
    [
      task('cnn', { kind: 'small-cnn', epochs: 1, filters: [2, 2, 2], dense: [4], batchSize: 10 }),
      { ...task('vectors', { kind: 'svm' }), shape: [9], vectors: true },
      { ...task('unfit', { kind: 'small-cnn' }), shape: [9], vectors: true },
      task('changing', { kind: 'small-cnn', filters: [2, 2, 2], dense: [4], augment: { gain: 3, mixup: 0.2 } }),
      task('svm', { kind: 'svm', C: 10 }),
    ],
    {
      settings: { threads: 1 },
      // Tasks that have started are measured, however slow the machine is.
      budgetMs: 600_000,
      measured: (name, seconds) => found.set(name, seconds),
    },
  );
  assert.deepEqual([...found.keys()].sort(), ['changing', 'cnn', 'svm', 'vectors']);
  for (const [name, seconds] of found) assert.ok(seconds > 0 && Number.isFinite(seconds), `${name}: ${seconds}`);
});

test('measures no more estimators once the time is up', async () => {
  const measured = () => assert.fail('measured');
  await calibrate([task('svm', { kind: 'svm' })], { settings: { threads: 1 }, budgetMs: 0, measured });
});

test('measuring speed does not run programs from the spec', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'cryfold-calibrate-'));
  const file = join(folder, 'ran');
  const script = `require('node:fs').writeFileSync(${JSON.stringify(file)}, '')`;
  try {
    await calibrate([task('mine', { kind: 'command', run: [process.execPath, '-e', script] })], {
      settings: { threads: 1 },
      budgetMs: 600_000,
      measured: () => assert.fail('measured'),
    });
    assert.equal(existsSync(file), false);
  } finally {
    await rm(folder, { recursive: true });
  }
});
