import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { uploadOf } from '../src/uploads.js';

test('holds a manifest that arrives a byte at a time in little more than its bytes', async () => {
  const count = 300_000;
  const byte = () => Buffer.from('x');
  const body = Object.assign(
    Readable.from(
      (async function* () {
        for (let i = 0; i < count; i++) {
          if (i % 1000 === 0) await setImmediate();
          yield byte();
        }
      })(),
    ),
    { headers: {} },
  );
  const { content } = uploadOf(
    `datasets/${'a'.repeat(64)}/manifest.json`,
    body as unknown as IncomingMessage,
    undefined,
  );
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const used = () => {
    collect();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  const before = used();
  let most = 0;
  let received = 0;
  const read = async () => {
    for await (const piece of content) {
      received += piece.length;
      if (received % 100_000 === 0) most = Math.max(most, used() - before);
    }
  };
  await assert.rejects(read, /not JSON/);
  assert.equal(received, count);
  assert.ok(most < 20 * 2 ** 20, `${Math.round(most / 2 ** 20)} MiB`);
});
