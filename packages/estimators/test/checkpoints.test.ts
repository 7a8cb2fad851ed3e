import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkpointing } from '../src/networks/checkpoints.js';

const epoch = (seconds: number) => ({ epoch: 1, seconds, loss: 1, accuracy: 0, testLoss: 1, testAccuracy: 0 });

function memory() {
  const kept = new Map<string, Uint8Array>();
  return {
    kept,
    get: async (key: string) => kept.get(key),
    open: async () => undefined,
    put: async (key: string, bytes: Uint8Array) => void kept.set(key, bytes),
  };
}

test('a checkpoint is due after each epoch, but with a time bound only if training will exceed the bound', async () => {
  const artifacts = memory();
  assert.equal(await checkpointing(undefined, 10, artifacts), undefined);
  const always = await checkpointing({ key: 'k' }, 10, artifacts);
  assert.equal(always?.due([epoch(0.001)]), true);
  const bounded = await checkpointing({ key: 'k', afterSeconds: 25 }, 10, artifacts);
  assert.equal(bounded?.due([epoch(2), epoch(2.4)]), false, '22 s');
  assert.equal(bounded?.due([epoch(2), epoch(4)]), true, '30 s');
});

test('a bounded checkpoint is not due if saving takes over 5 % of the time, and training can resume from it', async () => {
  const artifacts = memory();
  const slow = {
    ...artifacts,
    put: async (key: string, bytes: Uint8Array) => {
      const end = performance.now() + 20;
      while (performance.now() < end);
      return artifacts.put(key, bytes);
    },
  };
  const kept = await checkpointing({ key: 'k', afterSeconds: 1 }, 10, slow);
  assert.ok(kept && !('resume' in kept));
  await kept.save(Uint8Array.of(1));
  assert.equal(kept.due([epoch(2)]), false, 'right after saving took 20 ms');
  const next = await checkpointing({ key: 'k', afterSeconds: 1 }, 10, artifacts);
  assert.deepEqual(next && 'resume' in next && next.resume, Uint8Array.of(1));
  assert.equal(next?.due([epoch(2)]), true, 'the first epoch of an attempt');
});
